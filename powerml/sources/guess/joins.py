"""What one table of files must borrow from another: names behind codes, the customer behind a contract's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.sources.guess.look import TableLook, overlap, read_call
from powerml.sources.guess.matching import is_code
from powerml.sources.guess.words import closeness, normal
from powerml.sources.sql import name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

_JOINS = 0.9  # the share of a column's values that the other table has to have
_SHARED_USERS = 0.2  # where this share of user ids stands under several accounts, ids count within an account


@dataclass(frozen=True)
class Borrowed:
    """A column of another table of files, by way of a key that both have."""

    other: TableLook
    key: str
    their_key: str
    column: str


def borrow(
    con: duckdb.DuckDBPyConnection, look: TableLook, looks: Sequence[TableLook], table: str, column: str
) -> Borrowed | None:
    """Where a table of files finds a canonical column that it has not, or only as a code."""
    best: tuple[float, Borrowed] | None = None
    for key in look.columns.values():
        for other in looks:
            if other.view == look.view:
                continue
            for their in other.columns.values():
                if not (their.is_key and _same_key(key.name, their.name, other.title)):
                    continue
                for candidate in other.columns.values():
                    close = _told(table, column, candidate.name)
                    better = close > (best[0] if best else 0.0) and candidate.name != their.name
                    if better and overlap(con, (look, key.name), (other, their.name)) >= _JOINS:
                        best = close, Borrowed(other, key.name, their.name, candidate.name)
    return best[1] if best else None


def _told(table: str, column: str, candidate: str) -> float:
    close = closeness(table, column, candidate)
    if column == "event":
        return 0.0 if is_code(candidate) else close or 0.4 * (normal(candidate).split("_")[-1] in ("name", "title"))
    return close if close >= 0.6 else 0.0


def _same_key(ours: str, theirs: str, title: str) -> bool:
    ours, theirs = normal(ours), normal(theirs)
    if not is_code(ours) and not is_code(theirs):
        return False
    return ours == theirs or (theirs == "id" and ours.removesuffix("_id") in normal(title).rstrip("s"))


def ids_within_accounts(con: duckdb.DuckDBPyConnection, look: TableLook, user: str, account: str) -> bool:
    """Whether user ids are numbers within an account: many of them stand under several accounts."""
    row = con.execute(
        f"SELECT count(*) FILTER (n > 1), count(*) FROM (SELECT count(DISTINCT {name(account)}) AS n"
        f" FROM {name(look.view)} WHERE {name(account)} IS NOT NULL GROUP BY {name(user)})"
    ).fetchone()
    return bool(row and row[1] and row[0] / row[1] >= _SHARED_USERS)


def event_query(look: TableLook, columns: Mapping[str, str], borrowed: Mapping[str, Borrowed], *, within: bool) -> str:
    """A query that gives events from several tables of files; `within`: user ids count within an account."""
    aliases = {b.other.view: f"t{i}" for i, b in enumerate(_distinct(borrowed), 1)}
    values = {c: f"e.{name(s)}" for c, s in columns.items() if not s.startswith("=")}
    values |= {c: f"{aliases[b.other.view]}.{name(b.column)}" for c, b in borrowed.items()}
    if "user_id" not in values:
        values["user_id"] = values["account_id"]
    elif within:
        values["user_id"] = f"{values['account_id']} || ':' || {values['user_id']}"
    chosen = ",\n  ".join(f"{values[c]} as {name(c) if c == 'end' else c}" for c in sorted(values, key=_order))
    joins = "".join(
        f"\nleft join {read_call(b.other)} as {aliases[b.other.view]}"
        f"\n  on cast(e.{name(b.key)} as varchar) = cast({aliases[b.other.view]}.{name(b.their_key)} as varchar)"
        for b in _distinct(borrowed)
    )
    return f"select\n  {chosen}\nfrom {read_call(look)} as e{joins}"


def _distinct(borrowed: Mapping[str, Borrowed]) -> list[Borrowed]:
    return list({b.other.view: b for b in borrowed.values()}.values())


def _order(column: str) -> int:
    known = ("event_id", "user_id", "account_id", "event", "time", "session_id", "value")
    return known.index(column) if column in known else len(known)
