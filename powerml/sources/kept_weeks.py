"""Events of a database kept beside the project by week, so that a night asks only for the weeks that changed.

The database says of each week how many rows it holds and the sum of a hash over each row. A week that says the same as
last time is read from its copy; one that does not, with late, changed or deleted rows in it, is asked for again. The
copies are Parquet files like any source's, so that all that is known of such files from last time serves here, too.
They can be deleted at any time; a damaged one is fetched anew, and a run that finds another at work goes without.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import duckdb

from powerml.sources.columns import typed
from powerml.sources.databases import FileTable
from powerml.sources.fetched import OnServer, ServerTable
from powerml.sources.files import DataFile, state_of
from powerml.sources.forgotten import Forgotten, known_as_forgotten
from powerml.sources.ranges import AFTER, BEFORE, DAY, LOCAL, WEEK, WEEK_ZERO, ZONED, in_weeks, week_of
from powerml.sources.readers import CONSTANT
from powerml.sources.sql import data_errors, name, text
from powerml.writing import PRIVATE_FILE, is_held, private_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.progress import Note
    from powerml.sources.columns import Mapped
    from powerml.sources.readers import SourcePart
    from powerml.sources.times import Clock

WEEKS_FOLDER, COLUMNS_FILE = "weeks", "columns.json"
_VERSION = 1
MANY_WEEKS = 0.5  # from this share on all rows are asked for, in one go
_NAME = re.compile(r"week(-?\d+|none)-(\d+)-([0-9a-f]{16})-([0-9a-f]{8})\.parquet")
_LOCK = "kept weeks"
_LOG = logging.getLogger(__name__)

_Said = tuple[int, str]  # what a database says of a week: rows, and 16 hex digits that stand for them


class Reading(Protocol):
    """A table that is being read as of one instant."""

    def weeks(self, week: str) -> list[tuple[int | None, int, str]] | None:
        """(week, rows, the sum of a hash over each row) by SQL that tells a row's week; None where it cannot say."""

    def bring(self, condition: str | None) -> str:
        """A relation of DuckDB that holds the rows for which a condition is true, in the order of the source."""


class DatabaseTable(Protocol):
    """A table of a database from which events are read."""

    def reading(self) -> AbstractContextManager[Reading]:
        """The table, to be read."""


@dataclass(frozen=True)
class Keeping:
    """Where copies of what are kept: the folder, the source column that says when, its DuckDB type, whom none may name.

    `shown` is how messages call the table. `forgotten` is SQL over the source's columns; empty where nobody was.
    """

    folder: Path
    shown: str
    time: str
    kind: str
    forgotten: str = ""


def kept_events(
    con: duckdb.DuckDBPyConnection,
    project: ProjectSpec,
    part: SourcePart,
    mapped: Sequence[Mapped],
    cache: Path,
    *,
    clock: Clock,
    note: Note,
) -> list[DataFile] | None:
    """The project's events, read from a database, as files of weeks; None where they are to be read whole."""
    spec, forgotten = project.tables["events"], Forgotten.of(project.state)
    sources = {m.name: m.source for m in mapped}
    time = sources["time"]
    kind, _ = part.columns[time]
    if spec.database is None or kind not in (ZONED, LOCAL, DAY) or time.startswith(CONSTANT):
        return None
    if forgotten.days.get("account_id"):  # the users of an account that was forgotten are found by reading all
        return None
    on_server = spec.database.file is None
    if not on_server and part.kind != "query":  # what a query on a DuckDB file gives was brought here already
        return None
    if not _alone(con, private_folder(cache / WEEKS_FOLDER)):
        return None
    read_as = [_VERSION, duckdb.__version__, time, kind, spec.database.model_dump(), spec.table, spec.query]
    folder = cache / WEEKS_FOLDER / hashlib.sha256(repr(read_as).encode()).hexdigest()[:16]
    for other in folder.parent.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other)
    columns = _columns(folder, part, {s for s in sources.values() if not s.startswith(CONSTANT)})
    server = ServerTable(OnServer.of(project, "events"), con, columns) if on_server else None
    asked: DatabaseTable = server or FileTable(con, part, columns)
    told = ""
    if forgotten.digest:
        (user,) = (m for m in mapped if m.name == "user_id")
        value = typed(user, part, clock, fold=project.ids == "casefold")
        assert value is not None
        told = known_as_forgotten(value.value, forgotten)
    return _current(con, asked, Keeping(folder, part.sources[0], time, kind, told), note)


def _columns(folder: Path, part: SourcePart, needed: Collection[str]) -> tuple[str, ...]:
    """What is kept of a row: what is needed now and what was before, so that two who ask in turn do not drive it out.

    Copies of other columns go.
    """
    manifest = private_folder(folder) / COLUMNS_FILE
    try:
        before = dict(json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        before = {}
    kinds = {column: kind for column, (kind, _) in part.columns.items()}
    kept = {column: kind for column, kind in kinds.items() if column in needed or before.get(column) == kind}
    if kept != before:
        shutil.rmtree(folder)
        write_whole(private_folder(folder) / COLUMNS_FILE, json.dumps(kept), private=True)
    return tuple(kept)


def _current(
    con: duckdb.DuckDBPyConnection, asked: DatabaseTable, keeping: Keeping, note: Note
) -> list[DataFile] | None:
    """The copies of all weeks, brought up to date, in the order of time; None where the table is to be read whole."""
    folder = keeping.folder
    with asked.reading() as reading:
        column = name(keeping.time)
        told = reading.weeks(week_of(column, keeping.kind))
        if told is None:
            return None
        said: dict[int | None, _Said] = {
            week: (rows, hashlib.sha256(digest.encode()).hexdigest()[:16]) for week, rows, digest in told
        }
        there = _kept(folder, said)
        absent = sorted(said.keys() - there.keys(), key=_order)
        if absent:
            note(f"{len(absent)} of {len(said)} weeks of events have changed: reading them")
            few = len(absent) < MANY_WEEKS * len(said)
            relation = reading.bring(in_weeks(column, keeping.kind, absent) if few else None)
            for week in absent:
                rows = f"SELECT * FROM {relation} WHERE {in_weeks(column, keeping.kind, [week])}"
                made = _written(con, rows, folder, week, said[week], keeping)
                if made is None:
                    shutil.rmtree(folder)
                    return None
                there[week] = made
    for path in set(folder.iterdir()) - set(there.values()) - {folder / COLUMNS_FILE}:
        path.unlink()
    return [
        DataFile(there[week], f"{keeping.shown}{_shown(week)}", "parquet", state=state_of(there[week].stat()))
        for week in sorted(said, key=_order)
    ]


def _order(week: int | None) -> int:
    return BEFORE - 1 if week is None else week


def _shown(week: int | None) -> str:
    if week is None:
        return ", without a time"
    if week in (BEFORE, AFTER):
        return ", before 1970" if week == BEFORE else ", from 2104 on"
    return f", week of {WEEK_ZERO + week * WEEK:%Y-%m-%d}"


def _kept(folder: Path, said: Mapping[int | None, _Said]) -> dict[int | None, Path]:
    """The copies that hold what a week holds now, and are what was written."""
    found: dict[int | None, Path] = {}
    for path in folder.iterdir():
        if (match := _NAME.fullmatch(path.name)) is None:
            continue
        week = None if match[1] == "none" else int(match[1])
        if said.get(week) != (int(match[2]), match[3]):
            continue
        if _checksum(path) == match[4]:
            found[week] = path
        else:
            _LOG.warning("%s: is damaged; thrown away and made anew", path)
    return found


def _written(
    con: duckdb.DuckDBPyConnection, rows: str, folder: Path, week: int | None, said: _Said, keeping: Keeping
) -> Path | None:
    """The copy of a week; None where the rows that came are not those that were told of, or name somebody forgotten.

    It is not brought to the disk at once, as other files are: what a power cut spoils is seen by its checksum.
    """
    draft = folder / "week.parquet"
    try:
        with data_errors(str(draft), fix="check space and rights"):
            con.execute(f"COPY ({rows}) TO {text(str(draft))} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")
        draft.chmod(PRIVATE_FILE)
        whole = f"FROM read_parquet({text(str(draft))}, hive_partitioning=false)"
        (came,) = con.execute(f"SELECT count(*) {whole}").fetchone() or (0,)
        if came != said[0]:
            return None
        if keeping.forgotten and con.execute(f"SELECT 1 {whole} WHERE {keeping.forgotten} LIMIT 1").fetchone():
            return None
        named = "none" if week is None else str(week)
        return draft.rename(folder / f"week{named}-{said[0]}-{said[1]}-{_checksum(draft)}.parquet")
    finally:
        draft.unlink(missing_ok=True)


def _checksum(path: Path) -> str:
    """8 hex digits over all bytes of a file."""
    value = 0
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            value = zlib.crc32(block, value)
    return f"{value:08x}"


def _alone(con: duckdb.DuckDBPyConnection, folder: Path) -> bool:
    """Whether no other process keeps weeks here; none will, as long as this connection is open."""
    path = folder / "lock.duckdb"
    for _ in range(2):
        try:
            con.execute(f"ATTACH {text(str(path))} AS {name(_LOCK)}")
        except duckdb.Error as error:
            if is_held(error):
                return False
            path.unlink(missing_ok=True)
        else:
            return True
    return False
