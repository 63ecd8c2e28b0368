"""Stretches of time as SQL that PostgreSQL and DuckDB both read: how a database is asked only for rows that are needed.

Only columns that hold times as such can be asked so; texts and numbers are read whole, as what they mean is found here.
A row without a time is always asked for: it is set aside, and counted, wherever the run looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from powerml.tables import KNOWN_AT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powerml.sources.columns import Mapped
    from powerml.sources.readers import SourcePart

ZONED, LOCAL, DAY = "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE"
ZONE_MARGIN = timedelta(days=1)  # local times lie up to 14 hours from their instants
WEEK = timedelta(days=7)
WEEK_ZERO = datetime(1970, 1, 1)
BEFORE, AFTER = -1, 7000  # the weeks of all times before 1970 and from February 2104 on, infinite ones included


@dataclass(frozen=True)
class Until:
    """That no event from an instant on (UTC, naive) can change what was asked; `outcomes`: labels are among that."""

    at: datetime
    outcomes: bool = False

    def condition(self, mapped: Iterable[Mapped], part: SourcePart) -> str | None:
        """SQL over the part's columns: whether a row may be needed; None where that cannot be told without reading it.

        A time without a zone gets a day more. Of copies of an event the one known first counts: for outcomes, which
        see what was written later, the copy that stands for it may lie behind the instant.
        """
        sources = {m.name: m.source for m in mapped}
        if self.outcomes and KNOWN_AT in sources:
            return None
        kind, column = part.columns[sources["time"]]
        return before(column, kind, self.at)


def before(column: str, kind: str, at: datetime) -> str | None:
    """SQL: whether a time of a DuckDB type may lie before a UTC instant, or is null; None for what is no time as such.

    >>> print(before('"at"', "DATE", datetime(2026, 3, 1)))
    ("at" IS NULL OR "at" < DATE '2026-03-02')
    """
    if kind not in (ZONED, LOCAL, DAY):
        return None
    return f"({column} IS NULL OR {column} < {instant(kind, at if kind == ZONED else at + ZONE_MARGIN)})"


def instant(kind: str, at: datetime) -> str:
    """A literal of a type: of an instant in UTC, of digits without a zone, or of the day (the next one if it began).

    >>> print(instant(ZONED, datetime(2026, 3, 1, 23)))
    TIMESTAMP WITH TIME ZONE '2026-03-01 23:00:00+00'
    """
    if kind == DAY:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return f"DATE '{midnight if midnight == at else midnight + timedelta(days=1):%Y-%m-%d}'"
    return f"{kind} '{at.isoformat(sep=' ')}{'+00' if kind == ZONED else ''}'"


def only_where(part: SourcePart, condition: str) -> SourcePart:
    """The part, of its rows only those for which a condition over its columns holds."""
    return replace(part, relation=f"(SELECT * FROM {part.relation} WHERE {condition})")


def week_of(column: str, kind: str) -> str:
    """SQL: the week (from 1970-01-01 on, a Thursday) in which a time as such lies, null for none; see BEFORE, AFTER."""
    low, high = instant(kind, WEEK_ZERO), instant(kind, WEEK_ZERO + AFTER * WEEK)
    number = f"CAST(floor(date_part('epoch', {column}) / 604800) AS integer)"
    return f"CASE WHEN {column} < {low} THEN {BEFORE} WHEN {column} >= {high} THEN {AFTER} ELSE {number} END"


def in_weeks(column: str, kind: str, weeks: Iterable[int | None]) -> str:
    """SQL: whether a time as such lies in some weeks (None: is null), as ranges that an index serves.

    >>> print(in_weeks("t", DAY, [1, 2, None]))
    (t >= DATE '1970-01-08' AND t < DATE '1970-01-22' OR t IS NULL)
    """
    chosen = set(weeks)
    told: list[str] = []
    runs: list[list[int]] = []
    for week in sorted(week for week in chosen if week is not None):
        if runs and runs[-1][1] == week:
            runs[-1][1] += 1
        else:
            runs.append([week, week + 1])
    for first, end in runs:
        low = [] if first == BEFORE else [f"{column} >= {instant(kind, WEEK_ZERO + first * WEEK)}"]
        high = [] if end > AFTER else [f"{column} < {instant(kind, WEEK_ZERO + end * WEEK)}"]
        told.append(" AND ".join(low + high) or f"{column} IS NOT NULL")
    told += [f"{column} IS NULL"] if None in chosen else []
    return f"({' OR '.join(told)})" if told else "false"
