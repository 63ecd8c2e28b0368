"""Columns of a ready-made table that read as instants (dates as text, epochs in any unit), and the days they lie back.

A calendar date says nothing by itself, and grows with the rows that hold it; how long before its row's date it lies is
a feature. What lies after that date was not known on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.sources.tables.files import blank

if TYPE_CHECKING:
    from numpy.typing import NDArray

PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of epochs -> how many make a second."""

FIRST, LAST = (pd.Timestamp(day).timestamp() for day in ("1990-01-01", "2100-01-01"))
"""Seconds since 1970 between which a column of numbers must lie, as a whole and in one unit, to be of epochs."""

WRITTEN_DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ]\s*(\d{1,2}:\d{2}.*))?")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?"
)
LIKE_A_DATE = re.compile(
    rf"(?:{WRITTEN_DATE.pattern}|(?:\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2}}|\d{{1,2}}[ \-/.]{_MONTH}[ \-/,.]+\d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}},? \d{{4}}|\d{{4}}[ \-]{_MONTH}[ \-]\d{{1,2}})(?:[T ,]+\d{{1,2}}:\d{{2}}.*)?)",
    re.IGNORECASE,
)
"""As `WRITTEN_DATE`, and with names of months or years of two digits, which are not read."""
OFFSET = re.compile(r"\s*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$")
SECONDS_A_DAY = 86_400


def epoch_unit(values: NDArray[np.float64]) -> str | None:
    """The unit in which numbers are epochs: `s`, `ms`, `us` or `ns`; None where they are ordinary numbers.

    Nulls and zeros (which stand for never) do not count; all others must be whole and lie between 1990 and 2100.

    >>> epoch_unit(np.array([1_767_225_600_000, 0, np.nan])), epoch_unit(np.array([1_767_225_600, 12]))
    ('ms', None)
    """
    given = values[~np.isnan(values) & (values != 0)]
    if not len(given):
        return None
    low, high = given.min(), given.max()
    for unit, factor in PER_SECOND.items():
        if FIRST * factor <= low and high < LAST * factor:
            return unit if unit == "s" or bool((given == np.floor(given)).all()) else None
    return None


def from_epochs(values: pd.Series, unit: str) -> pd.Series:
    """Epochs as UTC datetimes without a zone, to the microsecond; null where they are null or 0."""
    micros = values.where(values != 0) * (1e6 / PER_SECOND[unit])
    return pd.to_datetime(micros.round().astype("Int64"), unit="us")


def is_dates(text: pd.Series) -> bool:
    """Whether every text of a column without blanks looks like a date, with a time of day or without."""
    return len(text) > 0 and bool(text.str.fullmatch(LIKE_A_DATE).all())


def from_texts(text: pd.Series) -> pd.Series | None:
    """Dates as text as datetimes without a zone, as a clock on the wall showed them; null stays null.

    None where a cell is no date that there is, or where day and month cannot be told apart: `03/04/2026` alone may be
    March or April, beside `25/04/2026` it is April.
    """
    parts = text.astype("string").str.strip().str.extract(WRITTEN_DATE)
    day, given = parts[0].str.replace(r"[/.]", "-", regex=True), text.notna()
    year_first = day.str.match(r"\d{4}").fillna(False).astype(bool)
    ways = []
    for form in ("%d-%m-%Y", "%m-%d-%Y"):
        read = pd.to_datetime(day.where(~year_first), format=form, errors="coerce")
        if read[given & ~year_first].notna().all():
            ways.append(read)
    if not ways or (len(ways) == 2 and not ways[0].equals(ways[1])):
        return None
    moments = ways[0].fillna(pd.to_datetime(day.where(year_first), format="%Y-%m-%d", errors="coerce"))
    found: pd.Series = moments + _time_of_day(parts[1])
    return None if found[given].isna().any() else found


def _time_of_day(text: pd.Series) -> pd.Series:
    """`9:30` or `09:30:15.5Z` as the time since midnight; nothing is midnight, nonsense is null."""
    clock = text.str.replace(OFFSET, "", regex=True).str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
    return pd.to_timedelta(clock, errors="coerce").mask(text.isna(), pd.Timedelta(0))


def days_before(moments: pd.Series, at: pd.Series) -> pd.Series:
    """How many days each instant lies before its row's date `at`, negative after it; both without a zone.

    Where rows have dates only, days are whole ones and what happened on that day lies 0 days back.
    """
    if bool((at == at.dt.normalize()).all()):
        moments = moments.dt.normalize()
    days: pd.Series = (at - moments).dt.total_seconds() / SECONDS_A_DAY
    return days.astype("float64")


def moments_of(values: pd.Series) -> tuple[pd.Series | None, str]:
    """A column as datetimes, and why it cannot be read as such; (None, "") where it does not read as instants."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        return (values if values.dt.tz is None else values.dt.tz_localize(None)), ""
    if pd.api.types.is_bool_dtype(values):
        return None, ""
    empty = blank(values)
    numbers = values if pd.api.types.is_numeric_dtype(values) else pd.to_numeric(values.mask(empty), errors="coerce")
    if numbers[~empty].notna().all():
        unit = epoch_unit(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
        return (None if unit is None else from_epochs(numbers.astype("Float64"), unit)), ""
    text = values.astype("string").str.strip().mask(empty)
    if not is_dates(text[~empty]):
        return None, ""
    found = from_texts(text)
    return found, "" if found is not None else "dates that cannot be read for certain; write YYYY-MM-DD"
