"""A project's tables, opened: checked, mapped onto the canonical columns, bad rows set aside, counts kept."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from powerml.config.project import ProjectSpec, TableSpec, expand
from powerml.errors import DataError, UsageError, did_you_mean
from powerml.progress import per_second, silent
from powerml.sources.columns import match, unused
from powerml.sources.databases import read_database
from powerml.sources.fetched import OnServer
from powerml.sources.files import DataFile, files_of
from powerml.sources.fixes import fix_of
from powerml.sources.forgotten import Forgotten, leave_out
from powerml.sources.in_place import view
from powerml.sources.kept_weeks import kept_events
from powerml.sources.loaded import Loaded
from powerml.sources.numerals import Numerals
from powerml.sources.queries import time_limit
from powerml.sources.ranges import only_where
from powerml.sources.readers import SourcePart, read_files, read_query, with_constants
from powerml.sources.rules import MISSING
from powerml.sources.shapes.reading import read_shape
from powerml.sources.sql import data_errors, text
from powerml.sources.staged import Staging, stage
from powerml.sources.times import EPOCHS, ISO, Clock
from powerml.spreadsheets import guarded_sql
from powerml.tables import TABLES, Table
from powerml.writing import private_folder, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from powerml.progress import Note
    from powerml.sources.loaded_table import LoadedTable
    from powerml.sources.ranges import Until

SHOWN_PER_TABLE = 10_000
MANY_ROWS = 100_000  # of a table of so many it is said how fast they were read
REPORT = ("table", "rows", "loaded", "quarantined", "ignored", "duplicates")
QUARANTINE = ("table", "source", "row", "rule", "column", "value")


class TooManyBadRows(DataError):
    """More bad rows than the project allows; `loaded` holds what was read, for the quarantine to be written."""

    def __init__(self, message: str, loaded: Loaded) -> None:
        self.loaded = loaded
        super().__init__(message)


def open_sources(  # noqa: PLR0913 (keyword arguments of one question)
    project: ProjectSpec,
    *,
    now: datetime,
    tables: Iterable[str] | None = None,
    extra: Mapping[str, Iterable[str]] = {},
    lenient: bool = False,
    note: Note | None = None,
    cache: Path | None = None,
    forgotten: Forgotten | None = None,
    until: Until | None = None,
) -> Loaded:
    """Opens the project's tables (or those named) as they stand at `now`, an aware instant.

    Rows of those `forgotten` are left out (by default of whom the project keeps as such).

    Raises DataError for a file that cannot be used and TooManyBadRows where the share of bad rows is above a table's
    `max_bad_rows`; `lenient` collects the same sentences in `problems` instead. In the folder `cache` it is kept which
    ids of events in Parquet were seen in which file, so that next time only new files' ids are read. A database is not
    asked for events that lie behind `until`: they are read by nobody, and not counted.
    """
    wanted = [t for t in TABLES if t in project.tables and (tables is None or t in set(tables))]
    instant = now.astimezone(UTC).replace(tzinfo=None)
    con = connect(project)
    problems: list[str] = []
    opened: dict[str, _Opened] = {}
    for table in wanted:
        begun = time.monotonic()
        if note:
            note(f"reading {table}")
        try:
            with _limited(con, project, table):
                wanted_until = until if table == "events" else None
                opened[table] = _open(
                    con, project, TABLES[table], extra.get(table, ()), instant, cache, wanted_until, note or silent
                )
            if note and (rows := opened[table].outcome.rows) >= MANY_ROWS:
                note(f"read {table}: {rows:,} rows, {per_second(rows, begun)}")
        except DataError as error:
            if not lenient:
                raise
            problems.append(str(error))
    kept = Forgotten.of(project.state) if forgotten is None else forgotten
    loaded = leave_out(_loaded(con, opened), kept)
    excess = [s for t, o in opened.items() if (s := _too_many(loaded, o.outcome, project.tables[t].max_bad_rows))]
    if excess and not lenient:
        raise TooManyBadRows("\n".join(excess), loaded)
    return _with_problems(loaded, (*problems, *excess))


def _limited(con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: str) -> AbstractContextManager[None]:
    """A query is given up after the project's `query_timeout`; files take what they take."""
    if project.tables[table].query is None or project.tables[table].database is not None:
        return nullcontext()
    return time_limit(con, project.query_timeout, where=f"{project.file}: tables.{table}.query")


def connect(project: ProjectSpec) -> duckdb.DuckDBPyConnection:
    """An empty database in memory that spills to a temporary folder, works in UTC and reads at the project's folder."""
    con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    if con.sql("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        # it would write into the output of long runs; a notebook without ipywidgets has none and may not set it
        con.execute("SET enable_progress_bar = false")
    if project.memory_limit:
        try:
            con.execute(f"SET memory_limit = {text(project.memory_limit)}")
        except duckdb.Error:
            raise UsageError(
                f"{project.file}: memory_limit: {project.memory_limit!r} is no amount of memory; write it like 8GB"
            ) from None
    spill = Path(tempfile.gettempdir(), f"powerml-{os.getuid() if hasattr(os, 'getuid') else 0}-{os.getpid()}")
    con.execute(f"SET temp_directory = {text(str(spill))}")
    con.execute(f"SET threads = {_cores()}")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET file_search_path = {text(str(project.base.resolve()))}")
    return con


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Opened:
    outcome: LoadedTable
    sources: tuple[str, ...]
    columns: tuple[str, ...]
    unused: tuple[str, ...]
    files: tuple[DataFile, ...]
    kept: tuple[DataFile, ...]


def _open(
    con: duckdb.DuckDBPyConnection,
    project: ProjectSpec,
    table: Table,
    extra: Iterable[str],
    now: datetime,
    cache: Path | None,
    until: Until | None,
    note: Note,
) -> _Opened:
    spec = project.tables[table.name]
    clock = Clock(spec.timezone or project.timezone, spec.time_format, declared=spec.timezone is not None)
    for time_format in clock.formats:
        _check_format(con, project, table.name, time_format)
    files = files_of(project, table.name)
    parts = with_constants(_parts(con, project, table, spec, files), spec.columns.values())
    mapped = match(table, spec, parts, extra)
    not_read = unused(parts, mapped)
    kept: list[DataFile] | None = None
    if spec.database is not None and table.name == "events" and cache is not None:
        kept = kept_events(con, project, parts[0], mapped, cache, clock=clock, note=note)
    condition = until.condition(mapped, parts[0]) if until and spec.database else None
    if kept:
        files = kept
        parts = with_constants(read_files(con, files, table=table.name), spec.columns.values())
    elif spec.database is not None and spec.database.url_env is not None:
        needed = {m.source for m in mapped}
        parts = [OnServer.of(project, table.name).fetch(con, parts[0], needed, condition=condition)]
    elif condition and parts[0].kind == "query":
        parts = [only_where(parts[0], condition)]
    numerals = Numerals(spec.decimal, spec.currency)
    sources = tuple(source for part in parts for source in part.sources)
    fold = project.ids == "casefold"
    work = Staging(con, table, parts, mapped, clock, now, earliest=project.earliest, fold=fold, numerals=numerals)
    if table.name == "events" and len(parts) == 1 and parts[0].kind == "parquet":
        outcome = view(work, cache=cache)
    else:
        outcome = stage(work)
    for file in files:
        file.check_unchanged()
    if table.name == "events" and not outcome.rows:
        raise DataError.in_file(sources[0], "has no rows", "events are the one table that is required")
    known = {*spec.ignored, *spec.columns}
    left = tuple(column for column in not_read if column not in known)
    return _Opened(outcome, sources, tuple(m.name for m in mapped), left, tuple(files), tuple(kept or ()))


def _check_format(con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: str, time_format: str) -> None:
    if time_format in (ISO, *EPOCHS):
        return
    where = f"{project.file}: tables.{table}.time_format"
    fix = f"use strptime's codes, such as %d.%m.%Y %H:%M, or one of {', '.join((*EPOCHS, ISO))}"
    if "%" not in time_format:
        raise DataError.in_file(where, f"{time_format!r} holds no code{did_you_mean(time_format, EPOCHS)}", fix)
    try:
        con.execute(f"SELECT try_strptime('', {text(time_format)})")
    except duckdb.Error:
        raise DataError.in_file(where, f"{time_format!r} is no time format", fix) from None


def _parts(
    con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: Table, spec: TableSpec, files: list[DataFile]
) -> list[SourcePart]:
    if spec.database is not None and spec.database.file is not None:
        return [read_database(con, project, table.name)]
    if spec.database is not None:
        return [OnServer.of(project, table.name).described()]
    if spec.query is not None:
        where = f"{project.file}: tables.{table.name}.query"
        return [read_query(con, expand(spec.query, file=project.file), where=where)]
    if spec.shape is not None:
        return [read_shape(con, project, table.name, files, spec.shape)]
    return read_files(con, files, table=table.name, delimiter=spec.delimiter)


def _loaded(con: duckdb.DuckDBPyConnection, opened: Mapping[str, _Opened]) -> Loaded:
    outcomes = [o.outcome for o in opened.values()]
    report = pd.DataFrame(
        [(o.table, o.rows, o.loaded, o.quarantined, o.ignored, o.repeated_ids) for o in outcomes], columns=list(REPORT)
    )
    rules = pd.DataFrame(
        [(o.table, rule.text, rule.column, n) for o in outcomes for rule, n in o.broken],
        columns=["table", "rule", "column", "rows"],
    )
    bad_rows = {t: _with_sources(o.outcome.bad_rows, o.sources, t) for t, o in opened.items() if o.outcome.quarantined}
    frames = [con.execute(f"{sql} LIMIT {SHOWN_PER_TABLE}").df() for sql in bad_rows.values()]
    return Loaded(
        con=con,
        tables={t: t for t in opened},
        columns={t: o.columns for t, o in opened.items()},
        report=report,
        quarantine=pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(QUARANTINE)),
        rules=rules,
        unused={t: o.unused for t, o in opened.items()},
        sources={t: o.sources for t, o in opened.items()},
        bad_rows=bad_rows,
        placed={t: o.outcome.placed for t, o in opened.items() if o.outcome.placed},
        files=tuple(file for o in opened.values() for file in o.files),
        by_file={t: o.outcome.by_file for t, o in opened.items()},
        kept=tuple(file for o in opened.values() for file in o.kept),
    )


def _with_sources(bad_rows: str, sources: Sequence[str], table: str) -> str:
    named = ", ".join(f"({i}, {text(source)})" for i, source in enumerate(sources))
    return (
        f'SELECT {text(table)} AS "table", s.source, b.row, b.rule, b."column", COALESCE(b.value, \'\') AS value'
        f" FROM ({bad_rows}) b JOIN (VALUES {named}) s(position, source) ON s.position = b.file ORDER BY b.file, b.row"
    )


def _with_problems(loaded: Loaded, problems: tuple[str, ...]) -> Loaded:
    return replace(loaded, problems=problems)


def _too_many(loaded: Loaded, outcome: LoadedTable, allowed: float) -> str | None:
    """The sentence that stops a run, or None."""
    if not outcome.rows or outcome.quarantined / outcome.rows <= allowed:
        return None
    rule, count = max(outcome.broken, key=lambda pair: pair[1])
    found = loaded.con.execute(
        f"SELECT source, row, value FROM ({loaded.bad_rows[outcome.table]}) WHERE rule = {text(rule.text)} LIMIT 1"
    ).fetchone()
    many = (
        f"{outcome.table} has {outcome.quarantined:,} bad of {outcome.rows:,} rows "
        f"({_percent(outcome.quarantined / outcome.rows)}), more than max_bad_rows ({_percent(allowed)}) allows"
    )
    if found is None:  # the only ones to be named were forgotten
        return f"{loaded.sources[outcome.table][0]}: {many}; correct them, or raise max_bad_rows"
    source, row, value = found
    what = f"column {rule.column!r} is missing" if rule.text == MISSING else f"{value[:80]!r} is {rule.text}"
    where = f"column {rule.column!r}: " if rule.column and rule.text != MISSING else ""
    same = f"{count:,} such rows" if count > 1 else "the only such row"
    return f"{source}: row {row}: {where}{what} ({same}); {many}; {fix_of(rule.text, value)}, or raise max_bad_rows"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def write_quarantine(loaded: Loaded, folder: Path) -> list[Path]:
    """Writes all bad rows of each table that has any as `<table>.csv`, whole or not at all; gives the files.

    A file that an earlier run left for a table that is clean now goes.
    """
    written = []
    for clean in set(loaded.tables) - set(loaded.bad_rows):
        (folder / f"{clean}.csv").unlink(missing_ok=True)
    for table, sql in loaded.bad_rows.items():
        target = private_folder(folder) / f"{table}.csv"
        with whole_file(target, private=True) as draft, data_errors(str(target), fix="check space and rights"):
            loaded.con.execute(
                f'COPY (SELECT source, row, rule, "column", {guarded_sql("value")} AS value FROM ({sql}))'
                f" TO {text(str(draft))} (FORMAT csv, HEADER, USE_TMP_FILE false)"
            )
        written.append(target)
    return written
