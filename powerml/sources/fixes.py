"""What to do about a bad row, by the rule it breaks and by what its value looks like."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from powerml.sources.rules import (
    BEFORE,
    DUPLICATE,
    FUTURE,
    MISSING,
    NOT_A_NUMBER,
    NOT_A_TIME,
    NOT_UTF8,
    RAGGED,
)
from powerml.sources.times import EPOCHS
from powerml.tables import LARGEST_NUMBER

_FIXES = {
    NOT_A_TIME: "give 'time_format' (strptime, or epoch_s, epoch_ms)",
    NOT_A_NUMBER: "correct the rows or map another column",
    MISSING: "fill the column or map another one",
    FUTURE: "correct the times or the table's 'timezone'",
    RAGGED: "quote fields that hold the delimiter",
    NOT_UTF8: "save it as UTF-8",
}
_PRODUCTS = (datetime(1995, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp())


def fix_of(rule: str, value: str) -> str:
    """What to do about rows that break a rule, `value` being one of theirs."""
    if rule == NOT_A_NUMBER and _is_large(value):
        return f"it is beyond {LARGEST_NUMBER:g}: correct it, or change the unit"
    if rule == NOT_A_NUMBER and re.fullmatch(r"\s*[^\w\s]?\s*[\d.,' ]*\d[\d.,' ]*\s*\D{0,3}\s*", value):
        return "it looks like money or a number with separators: write digits and a point, or cut them in a query"
    if (rule in (NOT_A_TIME, FUTURE) or rule.startswith((BEFORE, "after "))) and (look := look_of_time(value)):
        return look
    if rule.startswith(BEFORE):
        return "correct the times, or say another 'earliest' in the project"
    if rule.startswith(DUPLICATE):
        return "keep one row of each key, or map 'known_at' if they are versions of it"
    return _FIXES.get(rule, "correct the rows")


def _is_large(value: str) -> bool:
    try:
        return abs(float(value)) > LARGEST_NUMBER
    except ValueError:
        return False


def look_of_time(value: str) -> str:
    """What a time that cannot be right looks like, and the fix; empty where it looks like nothing known.

    >>> look_of_time("1735689600000")
    "looks like epoch_ms: say 'time_format: epoch_ms'"
    >>> look_of_time("1970-01-21 02:08:09")[:27], look_of_time("soon")
    ('looks like an epoch read in', '')
    """
    if value.strip().startswith(("1970-01-", "1970-02-")):
        return "looks like an epoch read in the wrong unit: say 'time_format: epoch_s' or the unit it has"
    try:
        number = float(value)
    except ValueError:
        return ""
    for unit, factor in EPOCHS.items():
        if _PRODUCTS[0] <= number * factor / 1e6 <= _PRODUCTS[1]:
            return f"looks like {unit}: say 'time_format: {unit}'"
    return ""
