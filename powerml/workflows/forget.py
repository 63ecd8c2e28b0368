"""`powerml forget`: somebody gone from all that a project keeps, and left out of it from then on."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from powerml.config.lists import project_lists
from powerml.config.project import DRAWN_FILE
from powerml.errors import DataError, PowermlError, UsageError, did_you_mean
from powerml.history.exports import EXPORTS
from powerml.history.forgetting import (
    Who,
    forget_in_history,
    forget_in_ledger,
    forget_rows,
    ids_kept,
    known_people,
    rows_about,
)
from powerml.history.ledger import one_night_at_a_time, open_ledger
from powerml.history.sent import holders
from powerml.history.store import FOLDER
from powerml.progress import Note, silent
from powerml.sources.files import files_of
from powerml.sources.forgotten import FORGOTTEN_FILE, NOBODY_FORGOTTEN, Forgotten, NamedIn, named_in, users_of
from powerml.sources.loading import open_sources
from powerml.writing import sweep_drafts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from powerml.config.project import ProjectSpec
    from powerml.sources.files import DataFile

CACHE, QUARANTINE = "cache", "quarantine"
MOST_FILES = 20_000  # of a project's folder that are looked through
_LOOKED_INTO = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".html", ".md", ".yaml", ".log", ".ipynb", ".db", ".db-wal")
_MAIN = {"user_id": "user", "account_id": "account"}


@dataclass(frozen=True)
class Forgot:
    """What was done, or would be (`tried`): rows taken out by place, and who names them still.

    `sinks`: (sink, what it holds). `sources`: (table, file, rows). `files`: others in the project's folder that name
    them. `remarks`: sentences.
    """

    tried: bool
    ids: tuple[str, ...]
    rows: dict[str, int]
    sinks: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, str, int], ...] = ()
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def forget(project: ProjectSpec, ids: Sequence[str], *, tried: bool, now: datetime, note: Note = silent) -> Forgot:
    """Removes entities (users, or accounts where those are scored) from all that the project keeps.

    That they are to be left out is written down first, so that a kill is mended by doing it again. Raises UsageError
    for an id that nothing knows; nothing is done then.
    """
    kind, remarks = project.id_column, []
    wanted = tuple(dict.fromkeys(_plain(project, one) for one in ids))
    history, kept = project.state / FOLDER, Forgotten.of(project.state)
    with one_night_at_a_time(project.state, now=now), open_ledger(project.state) as ledger:
        note("reading the sources")
        seen = NamedIn()
        try:
            seen = _look(project, wanted, now)
        except PowermlError as error:
            remarks.append(f"the sources cannot be read, so which of them name somebody is not known: {error}")
        note("reading the history")
        sent = holders(ledger.con, wanted)
        known = seen.ids | ids_kept(history, kind) | {one for one in wanted if kept.since(kind, one)}
        known |= {id_ for id_, _, _ in sent}
        if unknown := [one for one in wanted if one not in known]:
            hint = did_you_mean(unknown[0], sorted(known)) or "; look at its spelling"
            raise UsageError(f"{unknown[0]}: neither the history nor a source knows such {_a(kind)}{hint}")
        who = _who(project, wanted, seen)
        if not tried:
            kept.keep(project.state, kind, wanted, on=now.date())
        note("taking them out")
        rows = _removed(project, who, tried=tried)
        rows["ledger"] = forget_in_ledger(ledger.con, who, tried=tried)
    note("looking for what is left")
    held = [(sink, what) for _, sink, what in sent] + _folders(project, who)
    files = () if tried else tuple(_left(project, who))
    return Forgot(tried, wanted, rows, tuple(held), tuple(seen.rows), files, tuple(remarks))


def _plain(project: ProjectSpec, id_: str) -> str:
    bare = id_.strip()
    return bare.lower() if project.ids == "casefold" else bare


def _a(kind: str) -> str:
    return f"a {_MAIN[kind]}" if kind == "user_id" else f"an {_MAIN[kind]}"


def _look(project: ProjectSpec, wanted: Sequence[str], now: datetime) -> NamedIn:
    """What the sources, read whole, say of some entities; what we drew ourselves is no source of theirs."""
    loaded = open_sources(project, now=now, lenient=True, forgotten=NOBODY_FORGOTTEN)
    ids: dict[str, Sequence[str]] = {project.id_column: wanted}
    if project.id_column == "account_id":
        ids["user_id"] = users_of(loaded, wanted)
    found = named_in(loaded, ids)
    loaded.con.close()
    return replace(found, rows=[row for row in found.rows if not row[1].startswith(f"{project.state.name}/")])


def _who(project: ProjectSpec, wanted: Sequence[str], seen: NamedIn) -> Who:
    kind = project.id_column
    addresses, names = set(seen.addresses), set(seen.names)
    for ids, mail, called in known_people(project.state / FOLDER):
        if ids.get(kind) in wanted:
            addresses |= mail
            names |= called
    by_kind = {kind: set(wanted)} | ({"user_id": seen.users} if kind == "account_id" else {})
    return Who(by_kind, names, addresses)


def _removed(project: ProjectSpec, who: Who, *, tried: bool) -> dict[str, int]:
    """Takes them out of files; gives rows by place (of what is made anew as a whole: files)."""
    lists = {spec.name for spec in project_lists(project).values() if spec.entity == "user"}
    rows = {"history": forget_in_history(project.state / FOLDER, who, tried=tried, user_lists=lists)}
    exports = project.base / EXPORTS
    tables = sorted(exports.glob("*.parquet")) if exports.is_dir() else []
    rows["exports"] = forget_rows(tables, who, tried=tried, private=False)
    pages = [page for page in sorted(exports.glob("*.html")) if _names(page, who)] if exports.is_dir() else []
    drawn = project.state / DRAWN_FILE
    rows["treatments"] = forget_rows([drawn] if drawn.is_file() else [], who, tried=tried)
    made_anew = [folder for name in (CACHE, QUARANTINE) if (folder := project.state / name).is_dir()]
    rows["pages"], rows["caches"] = len(pages), len(made_anew)
    if not tried:
        for page in pages:
            page.unlink()
        for folder in made_anew:
            shutil.rmtree(folder)
        for folder in (project.state, exports):
            sweep_drafts(folder)
    return rows


def _folders(project: ProjectSpec, who: Who) -> list[tuple[str, str]]:
    """The tables of a `files` sink that still hold somebody."""
    if project.sync.files is None:
        return []
    folder = Path(project.base, project.sync.files.folder)
    return [
        ("files", f"{n} rows of {file}")
        for file in (sorted(folder.glob("*.parquet")) if folder.is_dir() else [])
        if (n := rows_about(file, who)[1])
    ]


def _left(project: ProjectSpec, who: Who) -> Iterator[str]:
    """Other files of the project's folder that name somebody: what people wrote with -o, copies, notes."""
    sources = {file.origin or file.path for table in project.tables for file in _files(project, table)}
    sources = {path.resolve() for path in sources}
    seen = 0
    for path in sorted(project.base.rglob("*")):
        seen += 1
        if seen > MOST_FILES:
            yield f"(only the first {MOST_FILES:,} files of {project.base} were looked through)"
            return
        if path.is_symlink() or not path.is_file() or path.resolve() in sources or path.name == FORGOTTEN_FILE:
            continue
        if _names(path, who):
            yield str(path.relative_to(project.base))


def _files(project: ProjectSpec, table: str) -> list[DataFile]:
    spec = project.tables[table]
    if not spec.files:
        return []
    try:
        beside = spec.shape.beside if spec.shape else {}
        return [*files_of(project, table), *(one for name in beside for one in files_of(project, table, beside=name))]
    except DataError:
        return []


def _names(path: Path, who: Who) -> bool:
    """Whether a file names somebody, by an id or an address."""
    if path.suffix in (".parquet", ".pq"):
        try:
            return any(_in_column(column, who) for column in pq.read_table(path).columns)
        except (OSError, pa.ArrowException):
            return False
    pattern = who.pattern(who.alone)
    if pattern is None or path.suffix not in _LOOKED_INTO:
        return False
    cell = "|".join(re.escape(one) for one in sorted(who.alone))
    cells = re.compile(rf"(?:^|[,;\t\"]|\n)(?:{cell})(?:[,;\t\"\r\n]|$)")
    told = path.read_bytes().decode("utf-8", "replace")
    return bool(pattern.search(told) or cells.search(told))


def _in_column(column: pa.ChunkedArray, who: Who) -> bool:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    pattern = who.pattern(who.alone)
    values = set(column.unique().to_pylist()) - {None}
    return bool(values & who.alone) or (pattern is not None and any(pattern.search(v) for v in values if len(v) > 20))
