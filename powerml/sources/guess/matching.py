"""Which table of files is which canonical table, and which column is which: by names first, then by content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.sources.guess.words import closeness, normal, title_says
from powerml.tables import KNOWN_AT, TABLES, Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.sources.guess.look import ColumnLook, TableLook

NEARLY_KEY = 0.98  # of the rows of a table of people, customers or tickets this share has an id of its own
MOST_NAMES = 5_000  # distinct event names, and at most every second row has one of its own
_KEYS = {("events", "event_id"), ("users", "user_id"), ("tickets", "ticket_id")}
_SURE = 0.9  # names this close are no guess
_IN_FOLDERS = 0.5  # what the rows themselves say comes before what their folder is called
_SHARED = {("email", "user_id"), ("name", "account_id")}  # an address may be the id, too; a name may be the key


@dataclass(frozen=True)
class Match:
    """Columns of one table of files for a canonical table, how close the names are, and what else would fit."""

    table: str
    look: TableLook
    columns: dict[str, str]
    closeness: dict[str, float]
    others: dict[str, tuple[str, ...]]
    score: float

    @property
    def absent(self) -> tuple[str, ...]:
        """Required columns that nothing fills."""
        return tuple(c for c in TABLES[self.table].required if c not in self.columns)

    def is_sure(self, column: str) -> bool:
        """Whether the name alone says so."""
        return self.closeness.get(column, 0.0) >= _SURE


def match_table(table: str, look: TableLook) -> Match:
    """The best columns of a table of files for a canonical table; required ones assign_tables first."""
    declared = [c for c in TABLES[table].columns if c.name != KNOWN_AT]
    ranked = {c.name: _ranked(table, c, look) for c in declared}
    pairs = [(-score, not c.required, i, c.name, s) for i, c in enumerate(declared) for score, s in ranked[c.name]]
    columns: dict[str, str] = {}
    close: dict[str, float] = {}
    for minus, _, _, column, source in sorted(pairs):
        if column in columns or _taken(column, source, columns):
            continue
        columns[column] = source
        close[column] = -minus
    others = {
        column: tuple(s for score, s in ranked[column] if s != columns[column] and score >= 0.5)[:3]
        for column in columns
    }
    required = TABLES[table].required
    score = sum(close.get(c, -0.5) * (2 if c in required else 0.5) for c in ranked)
    score += 2.0 * title_says(table, look.title)
    return Match(table, look, {c.name: columns[c.name] for c in declared if c.name in columns}, close, others, score)


def _taken(column: str, source: str, columns: Mapping[str, str]) -> bool:
    return any(s == source and not {(column, c), (c, column)} & _SHARED for c, s in columns.items())


def _ranked(table: str, column: Column, look: TableLook) -> list[tuple[float, str]]:
    """Source columns that may be a canonical one, by closeness of name, the closest first."""
    found = []
    for source, seen in look.columns.items():
        close = closeness(table, column.name, source) * (_IN_FOLDERS if seen.in_folders else 1.0)
        if close and seen.filled and _may_be(table, column, seen):
            found.append((close, source))
    return sorted(found, key=lambda pair: -pair[0])


def _may_be(table: str, column: Column, seen: ColumnLook) -> bool:
    is_time = seen.is_native_time or seen.times is not None
    if column.kind == "time":
        return is_time
    if column.kind == "number":
        return seen.is_number
    if (table, column.name) == ("events", "event"):
        few = seen.distinct <= MOST_NAMES and (seen.distinct <= 50 or 2 * seen.distinct <= seen.filled)
        return few and not (is_time and not seen.is_number)
    if (table, column.name) in _KEYS and seen.distinct < NEARLY_KEY * seen.filled:
        return False
    if column.kind == "id":
        return not seen.is_native_time and not (seen.times and seen.times.formats[0].startswith(("iso", "%")))
    return not seen.is_native_time


def _unique(look: TableLook, column: str) -> bool:
    seen = look.column(column)
    return seen.filled == seen.rows and seen.distinct >= NEARLY_KEY * seen.rows


def accepts(match: Match) -> bool:
    """Whether a table of files may well be that canonical table, by more than one column's name."""
    look, columns, titled = match.look, match.columns, title_says(match.table, match.look.title)
    if match.table == "events":
        who = "user_id" in columns or "account_id" in columns
        return "time" in columns and (titled or (who and "event" in columns)) and not _tells_states(look)
    if match.absent:
        return False
    if match.table == "users":
        return _unique(look, columns["user_id"]) and (titled or "email" in columns)
    if match.table == "accounts":
        return (
            _unique(look, columns["account_id"])
            and (titled or match.closeness["account_id"] >= 0.8)
            and (titled or len(columns) > 1 or len(look.columns) <= 8)
            and not title_says("users", look.title)
        )
    if match.table == "subscriptions":
        return "mrr" in columns or (
            title_says("subscriptions", look.title) and not _unique(look, columns["account_id"])
        )
    if match.table == "tickets":
        return _unique(look, columns["ticket_id"]) and (titled or "resolved_at" in columns)
    if match.table == "usage_limits":
        return titled or "limit" in columns
    if match.table == "surveys":
        return titled or match.is_sure("nps")
    return titled


def _tells_states(look: TableLook) -> bool:
    """Whether rows are rather things (people, tickets, periods) with dates than something that happened."""
    return any(title_says(t, look.title) for t in ("tickets", "surveys", "users", "accounts", "subscriptions")) and (
        not title_says("events", look.title)
    )


def assign_tables(looks: Sequence[TableLook]) -> dict[str, Match]:
    """The best match of each canonical table; one table of files may serve as customers and as what they pay."""
    chosen: dict[str, Match] = {}
    taken: dict[str, set[str]] = {}
    for table in ("tickets", "surveys", "usage_limits", "treatments", "users", "subscriptions", "events", "accounts"):
        found = [match_table(table, look) for look in looks]
        found = [m for m in found if accepts(m) and _free(table, taken.get(m.look.view, set()))]
        if not found:
            continue
        best = max(found, key=lambda m: (m.score, m.look.rows))
        chosen[table] = best
        taken.setdefault(best.look.view, set()).add(table)
    return {table: chosen[table] for table in TABLES if table in chosen}


def any_events(looks: Sequence[TableLook]) -> Match | None:
    """The table that may stand for events where none is called so: the same people or customers at many times."""
    found = [match_table("events", look) for look in looks]
    repeated = [
        m
        for m in found
        if "time" in m.columns and (who := m.columns.get("user_id") or m.columns.get("account_id"))
        if m.look.column(who).distinct < 0.9 * m.look.column(who).filled
    ]
    return max(repeated, key=lambda m: (m.look.rows, m.score)) if repeated else None


def _free(table: str, taken: set[str]) -> bool:
    return not taken or (table, *taken) in {("accounts", "subscriptions"), ("subscriptions", "accounts")}


def is_code(source: str) -> bool:
    """Whether a column holds numbers or codes of names that stand elsewhere, by its name.

    >>> is_code("event_type_id"), is_code("event_name")
    (True, False)
    """
    return normal(source).split("_")[-1] in ("id", "code", "key", "no")
