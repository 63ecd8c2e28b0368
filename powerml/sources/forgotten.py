"""Whom `powerml forget` removed: a keyed hash of each id, by which loading leaves them out from then on.

`.powerml/forgotten.json` holds the key and the hashes. From it nobody is read back; who has an id can ask for it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from powerml.errors import DataError
from powerml.sources.sql import among, name, text
from powerml.writing import private_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    import duckdb

    from powerml.sources.loaded import Loaded

FORGOTTEN_FILE = "forgotten.json"
FORGOTTEN_FORMAT = 1
NAMING = {"user_id": ("user_id", "entity_id"), "account_id": ("account_id", "entity_id")}
"""The columns of the canonical tables in which an id of a kind stands."""
_FIX = "put a copy of it back; without it everybody who was forgotten comes back"


@dataclass(frozen=True)
class Forgotten:
    """Who was forgotten: `days` says when, by kind of id (`user_id`, `account_id`) and hash of the id."""

    key: str = field(default="", repr=False)
    days: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Path) -> Self:
        """Those of a project, nobody where no file says so; raises DataError for a file that cannot be used."""
        path = state / FORGOTTEN_FILE
        if not path.exists():
            return cls()
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["format"] != FORGOTTEN_FORMAT or not told["key"]:
                raise ValueError
            days = {
                str(kind): {str(h): str(day) for h, day in some.items()} for kind, some in told["forgotten"].items()
            }
            return cls(str(told["key"]), days)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise DataError.in_file(path, "is no list of who was forgotten", _FIX) from None

    def hash(self, id_: str) -> str:
        """The keyed hash of an id; `known_as_forgotten` is the same in SQL."""
        inner = hashlib.sha256((self.key + id_).encode()).hexdigest()
        return hashlib.sha256((self.key + inner).encode()).hexdigest()

    def since(self, kind: str, id_: str) -> str | None:
        """The day on which somebody was forgotten; None where they were not."""
        return self.days[kind].get(self.hash(id_)) if self.days.get(kind) else None

    @property
    def digest(self) -> str:
        """A text that changes when others are forgotten; empty where nobody is."""
        hashes = sorted(h for some in self.days.values() for h in some)
        return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16] if hashes else ""

    def keep(self, state: Path, kind: str, ids: Iterable[str], *, on: date) -> Self:
        """The same with more ids, written down; one that is known keeps its day."""
        new = replace(self, key=self.key or secrets.token_hex(32))
        more = {new.hash(id_): on.isoformat() for id_ in ids} | dict(self.days.get(kind, {}))
        new = replace(new, days={**self.days, kind: more})
        told = {"format": FORGOTTEN_FORMAT, "key": new.key, "forgotten": {k: dict(d) for k, d in new.days.items()}}
        write_whole(private_folder(state) / FORGOTTEN_FILE, json.dumps(told, indent=1), private=True)
        return new


NOBODY_FORGOTTEN = Forgotten()


def leave_out(loaded: Loaded, forgotten: Forgotten) -> Loaded:
    """The tables without the rows of those forgotten, as if the sources did not name them.

    Of accounts that were forgotten the users who belong to no other go, too. The rows are not counted, and what the
    quarantine says of values names none of them.
    """
    if not forgotten.digest:
        return loaded
    gone = {kind: _present(loaded, kind, forgotten) for kind in NAMING}
    gone["user_id"] = sorted({*gone["user_id"], *users_of(loaded, gone["account_id"])})
    report = loaded.report.copy()
    for place, table in enumerate(report["table"]):
        condition = naming(loaded.columns[table], gone)
        report.loc[place, ["rows", "loaded"]] -= _left_out(loaded.con, table, condition) if condition else 0
    bad = {table: f"SELECT * FROM ({sql}) WHERE NOT {_told(forgotten)}" for table, sql in loaded.bad_rows.items()}
    shown = [not _tells(forgotten, str(value)) for value in loaded.quarantine["value"]]
    quarantine = loaded.quarantine[shown].reset_index(drop=True)
    return replace(loaded, report=report, bad_rows=bad, quarantine=quarantine, forgotten=forgotten.digest)


def users_of(loaded: Loaded, accounts: Collection[str]) -> list[str]:
    """The users who belong to some accounts and to no other."""
    tables = [t for t, columns in loaded.columns.items() if {"user_id", "account_id"} <= set(columns)]
    if not tables or not accounts:
        return []
    rows = " UNION ".join(f"SELECT user_id, account_id FROM {name(table)}" for table in tables)
    inside = among("account_id", accounts)
    found = loaded.con.execute(
        f"SELECT user_id FROM ({rows}) WHERE user_id IS NOT NULL AND account_id IS NOT NULL GROUP BY user_id"
        f" HAVING bool_and({inside}) ORDER BY user_id"
    ).fetchall()
    return [id_ for (id_,) in found]


def naming(columns: Collection[str], ids: Mapping[str, Collection[str]]) -> str:
    """SQL: whether a row of a table with these columns is about one of some ids; empty where it cannot be.

    >>> print(naming(["entity_id", "time"], {"user_id": ["ada"]}))
    (COALESCE(list_contains(['ada'], "entity_id"), false))
    """
    told = [
        f"COALESCE({among(name(column), some)}, false)"
        for kind, some in ids.items()
        for column in NAMING[kind]
        if some and column in columns
    ]
    return f"({' OR '.join(told)})" if told else ""


def _present(loaded: Loaded, kind: str, forgotten: Forgotten) -> list[str]:
    """The ids of a kind of those forgotten whom some table names."""
    parts = [
        f"SELECT DISTINCT {name(column)} AS id FROM {name(table)}"
        for table, columns in loaded.columns.items()
        for column in NAMING[kind]
        if column in columns
    ]
    if not parts or not forgotten.days.get(kind):
        return []
    known = known_as_forgotten("id", forgotten, (kind,))
    found = loaded.con.execute(f"SELECT id FROM ({' UNION '.join(parts)}) WHERE {known} ORDER BY id").fetchall()
    return [id_ for (id_,) in found]


def known_as_forgotten(value: str, forgotten: Forgotten, kinds: Iterable[str] = tuple(NAMING)) -> str:
    """SQL: whether a text is the id of somebody forgotten."""
    key, hashes = text(forgotten.key), sorted(h for kind in kinds for h in forgotten.days.get(kind, {}))
    return f"COALESCE({among(f'sha256({key} || sha256({key} || {value}))', hashes)}, false)"


def _left_out(con: duckdb.DuckDBPyConnection, table: str, condition: str) -> int:
    """Takes rows from a table, or from what a view shows; gives how many."""
    row = con.execute(f"SELECT count(*) FROM {name(table)} WHERE {condition}").fetchone()
    rows = int(row[0]) if row else 0
    if not rows:
        return 0
    if con.execute("SELECT 1 FROM duckdb_views() WHERE view_name = ?", [table]).fetchone():
        whole = name(f"{table} of everybody")
        con.execute(f"ALTER VIEW {name(table)} RENAME TO {whole}")
        con.execute(f"CREATE VIEW {name(table)} AS SELECT * FROM {whole} WHERE NOT {condition}")
    else:
        con.execute(f"DELETE FROM {name(table)} WHERE {condition}")
    return rows


_BETWEEN = r'[\s,;|"' "]+"


def _told(forgotten: Forgotten) -> str:
    """SQL: whether the column `value` of a bad row names somebody forgotten: as a whole, or as a word of a line."""
    words = f"list_append(regexp_split_to_array(value, {text(_BETWEEN)}), value)"
    return f"len(list_filter({words}, lambda w: {known_as_forgotten('w', forgotten)})) > 0"


def _tells(forgotten: Forgotten, value: str) -> bool:
    return any(forgotten.since(kind, word) for word in (value, *re.split(_BETWEEN, value)) for kind in NAMING)


@dataclass(frozen=True)
class NamedIn:
    """What sources say of some entities: `rows` (table, file, how many), the `ids`, addresses and names found in them.

    `users` are those who belong to no account but theirs.
    """

    rows: list[tuple[str, str, int]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def named_in(loaded: Loaded, ids: Mapping[str, Collection[str]]) -> NamedIn:
    """Finds some entities (by kind of id) in the sources: in which files, in how many rows, by what words."""
    seen = NamedIn(users=set(ids.get("user_id", ())) if "account_id" in ids else set())
    con = loaded.con
    for table, sql in loaded.by_file.items():
        columns = [row[0] for row in con.execute(f"DESCRIBE {sql}").fetchall()]
        condition = naming(columns, ids)
        if not condition:
            continue
        found = f"FROM ({sql}) WHERE {condition}"
        for file, n in con.execute(f"SELECT file, count(*) {found} GROUP BY file ORDER BY file").fetchall():
            seen.rows.append((table, loaded.sources[table][file], n))
        of_people = table in ("users", "accounts")
        for column in columns[1:]:
            into = {"email": seen.addresses, "name": seen.names}.get(column, seen.ids)
            if into is seen.ids or of_people:
                values = con.execute(f"SELECT DISTINCT {column} {found} AND {column} IS NOT NULL").fetchall()
                into.update(str(value) for (value,) in values)
    every = sorted({id_ for some in ids.values() for id_ in some})
    for table, sql in loaded.bad_rows.items():  # lines that could not be split into columns
        told = " OR ".join(f"contains(value, {text(id_)})" for id_ in every)
        unsplit = f"FROM ({sql}) WHERE \"column\" = '' AND ({told}) GROUP BY source ORDER BY source"
        for source, n in con.execute(f"SELECT source, count(*) {unsplit}").fetchall():
            seen.rows.append((table, f"{source} (lines that cannot be read)", n))
    return replace(seen, ids=seen.ids & set(every))
