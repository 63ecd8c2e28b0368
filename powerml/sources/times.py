"""SQL that gives UTC instants: TIMESTAMP without a zone, in microseconds.

DuckDB's own zone conversion costs about 80 ns a row, ours about 5: local times are moved by a search tree of CASEs over
the zone's changes. A local time that occurs twice is the first of the two; one that a change skipped is read with the
offset before the change, as Python's `zoneinfo` does with `fold=0`.
"""

from __future__ import annotations

import functools
import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta

from powerml.sources.sql import text

# Factors to microseconds.
ISO = "iso"
EPOCHS = {"epoch_s": 1_000_000.0, "epoch_ms": 1_000.0, "epoch_us": 1.0, "epoch_ns": 0.001}
NAIVE = ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE")
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FLOATS = ("FLOAT", "DOUBLE")
INT96 = "INT96"  # the type in which old Parquet writers keep times; it says of no zone

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_EPOCH_US = 8_000_000_000_000_000  # about the year 2223


@dataclass(frozen=True)
class Clock:
    """How a table writes its times: formats that are tried in order (none: ISO 8601), the zone of times without one.

    A format is strptime's, `iso` or one of `EPOCHS`.
    """

    zone: str = "UTC"
    time_format: str | tuple[str, ...] | None = None
    declared: bool = False  # whether the table itself names its zone

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats in the order in which they are tried."""
        if self.time_format is None:
            return ()
        return (self.time_format,) if isinstance(self.time_format, str) else self.time_format


@dataclass(frozen=True)
class Instant:
    """SQL for a time in two steps: the `digits` as written, and the instant over a column that holds them."""

    digits: str
    zone: str = "UTC"
    zoned: str = ""

    @property
    def is_utc(self) -> str:
        """SQL: whether the digits are those of UTC already."""
        return "true" if self.zone == "UTC" else self.zoned or "false"

    def value(self, digits: str) -> str:
        """SQL: the instant, where the expression `digits` holds what was written; it is repeated, so keep it short."""
        first, changes = offsets(self.zone)
        if not changes and not first:
            return digits
        moved = f"make_timestamp(epoch_us({digits}) - {_tree(digits, first, changes)})"
        return f"CASE WHEN {self.zoned} THEN {digits} ELSE {moved} END" if self.zoned else moved


def time_from_text(raw: str, clock: Clock) -> Instant:
    """The instant that the text `raw` stands for, null where it stands for none; the session's zone must be UTC."""
    tried = [_from_format(raw, fmt, clock.zone) for fmt in clock.formats or (ISO,)]
    if len(tried) == 1:
        return tried[0]
    digits = f"COALESCE({', '.join(one.digits for one in tried)})"
    if all(one.zone == "UTC" for one in tried):
        return Instant(digits)
    cases = " ".join(f"WHEN {one.digits} IS NOT NULL THEN {one.is_utc}" for one in tried)
    return Instant(digits, clock.zone, f"CASE {cases} ELSE false END")


def _from_format(raw: str, fmt: str, zone: str) -> Instant:
    if fmt in EPOCHS:
        return Instant(_from_epoch(f"TRY_CAST({raw} AS DOUBLE)", EPOCHS[fmt]))
    if fmt != ISO:
        parsed = f"try_strptime(trim({raw}), {text(fmt)})"
        if "%z" in fmt or "%Z" in fmt:
            return Instant(f"make_timestamp(epoch_us({parsed}))")
        return Instant(parsed, zone)
    zoned = _names_zone(raw)
    plain = f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    short = rf"TRY_CAST(regexp_replace(upper(trim({raw})), '([T ]\d\d:\d\d)(Z|[+-].*)$', '\1:00\2') AS TIMESTAMPTZ)"
    # A cast to TIMESTAMPTZ reads a text without a zone in the zone that a row before it named.
    naive = f"COALESCE(TRY_CAST({raw} AS TIMESTAMP), TRY_CAST(upper(trim({raw})) AS TIMESTAMP))"
    digits = f"CASE WHEN {zoned} THEN epoch_us(COALESCE({plain}, {short})) ELSE epoch_us({naive}) END"
    return Instant(f"make_timestamp({digits})", zone, zoned)


def _names_zone(raw: str) -> str:
    return rf"(suffix({raw}, 'Z') OR regexp_matches(substr(ltrim({raw}), 12), '[A-Za-z+-]'))"


def zone_or_utc(raw: str) -> str:
    """SQL: the instant of a text in ISO 8601, in UTC where it names no zone; null where it is none.

    A bare cast to TIMESTAMPTZ reads a text without a zone in the zone that a row before it named.
    """
    naive = f"TRY_CAST({raw} AS TIMESTAMP) AT TIME ZONE 'UTC'"
    return f"CASE WHEN {_names_zone(raw)} THEN TRY_CAST({raw} AS TIMESTAMPTZ) ELSE {naive} END"


def from_native(raw: str, kind: str, clock: Clock) -> Instant | None:
    """The instant of a column of the DuckDB type `kind`; None if that type says no time without a format."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Instant(f"make_timestamp(epoch_us({raw}))")
    if kind == INT96:  # Spark writes UTC instants so; Hive and Impala local times, which the table's zone has to say
        return Instant(f"CAST({raw} AS TIMESTAMP)", clock.zone if clock.declared else "UTC")
    if kind in NAIVE:
        return Instant(raw if kind == "TIMESTAMP" else f"CAST({raw} AS TIMESTAMP)", clock.zone)
    if (kind in INTEGERS or kind in FLOATS or kind.startswith("DECIMAL")) and (
        units := [fmt for fmt in clock.formats if fmt in EPOCHS]
    ):
        tried = [_from_epoch(f"CAST({raw} AS DOUBLE)", EPOCHS[unit]) for unit in units]
        return Instant(tried[0] if len(tried) == 1 else f"COALESCE({', '.join(tried)})")
    return None


def _from_epoch(number: str, factor: float) -> str:
    # A double holds microseconds of the present exactly; `between` also drops NaN and infinities.
    micros = f"round({number} * {factor})"
    return f"CASE WHEN {micros} BETWEEN -{_EPOCH_US} AND {_EPOCH_US} THEN make_timestamp(CAST({micros} AS BIGINT)) END"


def _tree(local: str, first: int, changes: tuple[tuple[datetime, int], ...]) -> str:
    """A balanced tree of CASEs over the changes: about eight comparisons a row."""
    if not changes:
        return str(first * 1_000_000)
    middle = len(changes) // 2
    at, offset = changes[middle]
    before, after = _tree(local, first, changes[:middle]), _tree(local, offset, changes[middle + 1 :])
    return f"CASE WHEN {local} < TIMESTAMP '{at}' THEN {before} ELSE {after} END"


@functools.lru_cache
def offsets(zone: str) -> tuple[int, tuple[tuple[datetime, int], ...]]:
    """The zone's first offset from UTC in seconds, and each local time from which another one holds.

    >>> first, changes = offsets("Europe/Berlin")
    >>> first, [(str(at), seconds) for at, seconds in changes if at.year == 2026]
    (3600, [('2026-03-29 03:00:00', 7200), ('2026-10-25 03:00:00', 3600)])
    """
    info = zoneinfo.ZoneInfo(zone)

    def offset(local: datetime) -> int:
        shift = info.utcoffset(local)
        return int(shift.total_seconds()) if shift else 0

    week, at = timedelta(days=7), datetime(_FIRST_YEAR, 1, 1)
    first = now = offset(at)
    changes = []
    while at.year < _LAST_YEAR:
        if offset(at + week) != now:
            low, high = at, at + week
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(middle) == now else (low, middle)
            now = offset(high)
            changes.append((high, now))
        at += week
    return first, tuple(changes)
