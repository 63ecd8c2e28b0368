"""Somebody removed from what the nights kept: history, export tables, drawn treatments, the ledger."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from powerml.history.nights import Night
from powerml.writing import not_readable, whole_file, write_whole

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

FORGOTTEN_WORD = "(forgotten)"
_ABOUT = {"user_id": ("user_id", "entity_id"), "account_id": ("account_id", "entity_id")}
_LISTS = "lists-"  # its ids are users' or accounts', as each list is about one or the other
_FEW = 4  # an id of fewer letters stands in many a sentence that is not about it


@dataclass(frozen=True)
class Who:
    """Who is to be forgotten: ids by their kind (`user_id`, `account_id`), and the `words` that tell of them.

    Words are ids, e-mail addresses and names; `alone` are those that stand for nobody else (ids and addresses).
    """

    ids: Mapping[str, Collection[str]]
    names: Collection[str] = ()
    addresses: Collection[str] = ()

    @property
    def every(self) -> set[str]:
        """All ids, of whatever kind."""
        return {id_ for some in self.ids.values() for id_ in some}

    @property
    def alone(self) -> set[str]:
        """Ids and addresses: nobody else has them."""
        return {*self.every, *self.addresses}

    @property
    def words(self) -> set[str]:
        """Ids, addresses and names."""
        return {*self.alone, *self.names}

    def pattern(self, words: Iterable[str]) -> re.Pattern[str] | None:
        """What finds words in a text; a short one, or a number, counts between quotes alone."""
        told = sorted(filter(None, words), key=len, reverse=True)
        parts = [
            rf"(?<![\w.@-]){re.escape(w)}(?![\w@-])"
            if len(w) >= _FEW and not w.isdigit()
            else rf"(?<=['\"«>]){re.escape(w)}(?=['\"»<])"
            for w in told
        ]
        return re.compile("|".join(parts)) if parts else None


def rows_about(file: Path, who: Who, *, user_lists: Collection[str] = ()) -> tuple[pa.Table, int]:
    """What stays of a Parquet file, and how many of its rows are about those to be forgotten."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise not_readable(file, error, "remove it, or put a copy back") from None
    gone = pa.array([False] * len(table), pa.bool_())
    for kind, ids in who.ids.items():
        for column in _ABOUT[kind]:
            if column in table.column_names and ids:
                gone = pc.or_(gone, _among(table[column], ids))
        if file.name.startswith(_LISTS) and ids:
            is_users = pc.is_in(table["list"], pa.array(sorted(user_lists), pa.string()))
            of_kind = is_users if kind == "user_id" else pc.invert(is_users)
            gone = pc.or_(gone, pc.and_(of_kind, _among(table["id"], ids)))
    rows = int(pc.sum(gone).as_py() or 0)
    return (table.filter(pc.invert(gone)) if rows else table), rows


def _among(column: pa.ChunkedArray, ids: Collection[str]) -> pa.Array:
    found = pc.fill_null(pc.is_in(pc.cast(column, pa.string()), pa.array(sorted(ids), pa.string())), False)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def forget_rows(
    files: Iterable[Path], who: Who, *, tried: bool, private: bool = True, user_lists: Collection[str] = ()
) -> int:
    """Takes the rows about somebody out of Parquet files, each whole or not at all; gives how many there were.

    `tried` only counts. A file keeps its time of change, by which the newest of several is known.
    """
    rows = 0
    for file in files:
        stays, n = rows_about(file, who, user_lists=user_lists)
        rows += n
        if n and not tried:
            before = file.stat()
            with whole_file(file, private=private) as draft:
                pq.write_table(stays, draft, compression="zstd")
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    return rows


def forget_in_history(folder: Path, who: Who, *, tried: bool, user_lists: Collection[str] = ()) -> int:
    """Takes somebody out of every table of every night, and out of the nights' own counts; gives rows."""
    rows = 0
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        rows += forget_rows(sorted(place.glob("*.parquet")), who, tried=tried, user_lists=user_lists)
        if not tried:
            for file in sorted(place.glob("night-*.json")):
                _count_anew(file)
    return rows


def _count_anew(file: Path) -> None:
    """Brings what a night says of its scores table in line with it, where rows have gone."""
    night = Night.from_json(file.read_text(encoding="utf-8"), file=file)
    scores = pq.read_table(file.parent / night.scores_file, columns=["status", "score", night.band_column])
    if len(scores) == night.entities:
        return
    there = scores.filter(pc.equal(scores["status"], "scored"))
    bands = there[night.band_column].to_pylist()
    shares = {name: bands.count(name) / len(bands) if bands else 0.0 for _, name in night.bands}
    mean = pc.mean(there["score"]).as_py() if len(there) else None
    told = replace(night, entities=len(scores), scored=len(there), mean_score=mean, shares=shares)
    write_whole(file, told.to_json(), private=True)


_ALARMS = (
    ("alarm", ("id", "user_id", "account_id")),
    ("truth", ("id",)),
    ("delivery", ("id",)),
    ("sent", ("id", "key")),
)


def forget_in_ledger(con: sqlite3.Connection, who: Who, *, tried: bool) -> int:
    """Takes somebody out of the ledger, its free pages and its log of writes ahead; gives rows.

    What waits to be sent about others stays, without the words that tell of them.
    """
    tables = {name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    rows = 0
    con.execute("PRAGMA secure_delete = ON")
    con.execute("CREATE TEMP TABLE IF NOT EXISTS forgotten (id TEXT PRIMARY KEY)")
    with con:
        con.execute("DELETE FROM forgotten")
        con.executemany("INSERT INTO forgotten VALUES (?)", [(id_,) for id_ in who.every])
        for table, columns in _ALARMS:
            if table not in tables:
                continue
            condition = " OR ".join(f"{column} IN (SELECT id FROM forgotten)" for column in columns)
            ((n,),) = con.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchall()
            rows += n
            if not tried:
                con.execute(f"DELETE FROM {table} WHERE {condition}")
        for table, column, words in (
            ("delivery", "text", who.words), ("delivery", "error", who.alone), ("step", "sentence", who.alone),
            ("step", "counts", who.alone), ("sent", "why", who.alone),
        ):  # fmt: skip
            if table in tables:
                rows += _forget_words(con, table, column, who.pattern(words), tried=tried)
    con.execute("DROP TABLE forgotten")
    if not tried:
        con.execute("VACUUM")
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows


def _forget_words(
    con: sqlite3.Connection, table: str, column: str, pattern: re.Pattern[str] | None, *, tried: bool
) -> int:
    if pattern is None:
        return 0
    changed = []
    for row, told in con.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
        new = _without(told, pattern)
        if new != told:
            changed.append((new, row))
    if not tried:
        con.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", changed)
    return len(changed)


def _without(told: str, pattern: re.Pattern[str]) -> str:
    """A text, or JSON, without what a pattern finds."""
    if not told.startswith(("{", "[")):
        return pattern.sub(FORGOTTEN_WORD, told)
    try:
        value = json.loads(told)
    except ValueError:
        return pattern.sub(FORGOTTEN_WORD, told)
    new = _walk(value, pattern)
    return told if new == value else json.dumps(new, default=str)


def _walk(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {_walk(k, pattern): _walk(v, pattern) for k, v in value.items()}
    if isinstance(value, list):
        return [_walk(one, pattern) for one in value]
    return pattern.sub(FORGOTTEN_WORD, value) if isinstance(value, str) else value


def known_people(folder: Path) -> Iterator[tuple[dict[str, str], set[str], set[str]]]:
    """(ids by kind, addresses, names) of each row that the nights keep of who is who."""
    for file in sorted(folder.glob("*/people-*.parquet")) if folder.is_dir() else ():
        for row in pq.read_table(file).to_pylist():
            ids = {kind: str(row[kind]) for kind in _ABOUT if row.get(kind)}
            name = row.get("name") if "user_id" in ids else row.get("account_name")
            yield ids, {str(row["email"])} if row.get("email") else set(), {str(name)} if name else set()


def ids_kept(folder: Path, kind: str) -> set[str]:
    """Every id of a kind that some table of some night holds."""
    found: set[str] = set()
    for file in sorted(folder.glob("*/*.parquet")) if folder.is_dir() else ():
        if kind in pq.read_schema(file).names:
            found.update(
                str(v) for v in pq.read_table(file, columns=[kind])[kind].unique().to_pylist() if v is not None
            )
    return found
