"""Local days: cutoffs, midnights and windows as whole numbers, so that a window is arithmetic and not a range join.

A day is a number, days since 1970-01-01 of the project's calendar; an instant is microseconds since 1970-01-01 UTC.
Day D runs from local midnight to the next local midnight, whatever daylight saving does in between.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from powerml.errors import UsageError
from powerml.tables import FIRST_DATE, LAST_DATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from powerml.config.project import SnapshotsSpec

DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return (day - EPOCH).days


def day_date(number: int) -> date:
    """The calendar date of a day number."""
    return EPOCH + timedelta(days=number)


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware time, exactly."""
    return (instant.astimezone(UTC) - _EPOCH_UTC) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Calendar:
    """The local days of a time zone."""

    timezone: str

    def midnight(self, day: int) -> int:
        """The instant at which a local day begins, in microseconds."""
        return _midnight(self.timezone, day)

    def day_of(self, instant: int) -> int:
        """The local day that holds an instant."""
        day = instant // DAY_US
        while self.midnight(day) > instant:
            day -= 1
        while self.midnight(day + 1) <= instant:
            day += 1
        return day

    def day_expression(self, instant: ir.IntegerColumn, low: int, high: int) -> ir.IntegerColumn:
        """The local day of a column of instants known to lie in [low, high], by plain arithmetic.

        Between two changes of the UTC offset a day is a division; the first midnight after a change starts the next
        stretch, and days of 23 or 25 hours are kept whole by a ceiling.
        """
        first, last = self.day_of(low) - 1, self.day_of(high) + 1
        stretches: list[tuple[int, int]] = []  # (first day, microseconds to add)
        for day in range(first, last + 1):
            add = day * DAY_US - self.midnight(day)
            if not stretches or stretches[-1][1] != add:
                stretches.append((day, add))
        pieces = []
        for i, (_, add) in enumerate(stretches):
            whole = (instant + add) // DAY_US
            if i + 1 < len(stretches):
                whole = ibis.least(whole, stretches[i + 1][0] - 1)
            pieces.append(whole)
        if len(pieces) == 1:
            return pieces[0].cast("int32")
        cases = [(instant < self.midnight(stretches[i + 1][0]), pieces[i]) for i in range(len(pieces) - 1)]
        return ibis.cases(*cases, else_=pieces[-1]).cast("int32")


@lru_cache(maxsize=65536)
def _midnight(timezone: str, day: int) -> int:
    local = datetime(1970, 1, 1, tzinfo=ZoneInfo(timezone)) + timedelta(days=day)
    return microseconds(local)


@dataclass(frozen=True)
class Cutoffs:
    """The cutoffs of a run, in order and without repeats, as local days."""

    calendar: Calendar
    days: tuple[int, ...]

    @classmethod
    def of(cls, timezone: str, dates: Sequence[date]) -> Cutoffs:
        """Cutoffs at the local midnights of `dates`; raises UsageError for one that no calendar needs."""
        for day in (min(dates, default=FIRST_DATE), max(dates, default=FIRST_DATE)):
            if not FIRST_DATE <= day <= LAST_DATE:
                raise UsageError(
                    f"{day} is no cutoff: it does not lie from {FIRST_DATE} to {LAST_DATE}; correct the date"
                )
        return cls(Calendar(timezone), tuple(sorted({day_number(d) for d in dates})))

    def frame(self, back: Sequence[int] = ()) -> pd.DataFrame:
        """One row per cutoff: `c` (its position), `day`, `at` (instant), `back_N` (the midnight N days before)."""
        columns = {
            "c": list(range(len(self.days))),
            "day": list(self.days),
            "at": [self.calendar.midnight(d) for d in self.days],
        } | {f"back_{n}": [self.calendar.midnight(d - n) for d in self.days] for n in sorted(set(back))}
        return pd.DataFrame(columns).astype({"c": "int32", "day": "int32"} | {f"back_{n}": "int64" for n in back})

    def placement(self, older: int, newer: int, low: int, high: int) -> pd.DataFrame:
        """Every (day, cutoff) such that `newer < age <= older`, `age` = cutoff minus day, for days in [low, high]."""
        rows = [
            (day, c, cutoff - day)
            for c, cutoff in enumerate(self.days)
            for day in range(max(low, cutoff - older), min(high, cutoff - newer - 1) + 1)
        ]
        return pd.DataFrame(rows, columns=["day", "c", "age"]).astype("int32")

    def periods(self, low: int, high: int) -> pd.DataFrame:
        """Every day in [low, high] that lies before the last cutoff, with `p`, the first cutoff that knows it."""
        rows = [(day, bisect_right(self.days, day)) for day in range(low, min(high, self.days[-1] - 1) + 1)]
        return pd.DataFrame(rows, columns=["day", "p"]).astype("int32")


def cutoff_dates(every: str, first: date, last: date) -> list[date]:
    """Regular cutoffs in [first, last]: every day, Monday, first of the month, or first of the quarter.

    >>> cutoff_dates("quarter", date(2025, 12, 15), date(2026, 4, 1))
    [datetime.date(2026, 1, 1), datetime.date(2026, 4, 1)]
    """
    days = (day_date(n) for n in range(day_number(first), day_number(last) + 1))
    of_each: dict[str, Callable[[date], bool]] = {
        "day": lambda _: True,
        "week": lambda d: d.weekday() == 0,
        "month": lambda d: d.day == 1,
        "quarter": lambda d: d.day == 1 and d.month % 3 == 1,
    }
    starts = of_each[every]
    return [d for d in days if starts(d)]


def cutoffs_asked(spec: SnapshotsSpec, first_day: int, last_day: int) -> list[date]:
    """The cutoffs that a project's `snapshots` ask for; by default from the first event to the last (day numbers)."""
    return cutoff_dates(spec.every, spec.from_ or day_date(first_day + 1), spec.to or day_date(last_day + 1))
