"""The rules a row must keep, as SQL over its typed columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.sources.columns import blank_column, raw_column, value_column
from powerml.sources.sql import among
from powerml.tables import EARLIEST, KNOWN_AT, LATEST, ORDERED, Column, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

RAGGED = "wrong number of columns"
NOT_UTF8 = "not UTF-8"
UNREADABLE = "not readable as CSV"
MISSING = "missing"
NOT_A_TIME = "not a time"
NOT_A_NUMBER = "not a number"
FUTURE = "in the future"
BEFORE = "before "  # the project's earliest date
DUPLICATE = "duplicate "  # the columns of the key


@dataclass(frozen=True)
class RowRule:
    """A rule, the column it is about, and the SQL condition (never null) under which a row breaks it."""

    text: str
    column: str
    broken: str
    kept: str = ""

    @property
    def keeps(self) -> str:
        """SQL: the condition under which a row keeps the rule; a plain comparison where scans can use one."""
        return self.kept or f"NOT {self.broken}"


def rules_of(
    table: Table, present: Sequence[str], now: datetime, *, earliest: date = EARLIEST, binary: Collection[str] = ()
) -> list[RowRule]:
    """The table's rules over the columns it has, in the order in which a row is tried against them.

    No time lies before `earliest` (the project's) or after `LATEST`; those that say when a row happened or was written
    not after `now` either. `binary` names columns whose source holds bytes.
    """
    columns = [column for column in table.columns if column.name in present]
    rules = []
    for column in columns:
        value, blank = value_column(column.name), blank_column(column.name)
        if column.required:
            rules.append(RowRule(MISSING, column.name, blank))
        if column.kind in ("time", "number"):
            what = NOT_A_TIME if column.kind == "time" else NOT_A_NUMBER
            rules.append(RowRule(what, column.name, f"({value} IS NULL AND NOT {blank})"))
        elif column.name in binary:
            rules.append(RowRule(NOT_UTF8, column.name, f"({value} IS NULL AND NOT {blank})"))
        if column.kind == "time":
            rules.append(_not_before(column, value, earliest))
            if column.name not in (table.time, KNOWN_AT):
                late = f"COALESCE({value} > TIMESTAMP '{LATEST}', false)"
                rules.append(RowRule(f"after {LATEST:%Y-%m-%d}", column.name, late))
        if column.low is not None or column.high is not None:
            rules.append(_range(column.name, value, column.low, column.high))
        if column.one_of:
            outside = f"COALESCE(NOT {among(value, column.one_of)}, false)"
            rules.append(RowRule(f"not one of {', '.join(column.one_of)}", column.name, outside))
    for first, second in ORDERED.get(table.name, ()):
        if first in present and second in present:
            early = f"COALESCE({value_column(second)} < {value_column(first)}, false)"
            rules.append(RowRule(f"{second} before {first}", second, early))
    for written in (table.time, KNOWN_AT):
        if written and written in present:
            value, instant = value_column(written), f"TIMESTAMP '{now.isoformat(sep=' ')}'"
            kept = f"{value} <= {instant}" if written in table.required else ""
            rules.append(RowRule(FUTURE, written, f"COALESCE({value} > {instant}, false)", kept))
    return rules


def _not_before(column: Column, value: str, earliest: date) -> RowRule:
    instant = f"TIMESTAMP '{earliest.isoformat()} 00:00:00'"
    kept = f"{value} >= {instant}" if column.required else ""
    return RowRule(f"{BEFORE}{earliest.isoformat()}", column.name, f"COALESCE({value} < {instant}, false)", kept)


def _range(column: str, value: str, low: float | None, high: float | None) -> RowRule:
    if high is None:
        return RowRule(f"below {low:g}", column, f"COALESCE({value} < {low}, false)")
    return RowRule(f"not from {low:g} to {high:g}", column, f"COALESCE({value} NOT BETWEEN {low} AND {high}, false)")


def first_broken(rules: Sequence[RowRule]) -> str:
    """SQL: the position of the first rule a row breaks, null where it keeps all."""
    if not rules:
        return "CAST(NULL AS UTINYINT)"
    cases = " ".join(f"WHEN {rule.broken} THEN {i}" for i, rule in enumerate(rules))
    return f"CAST(CASE {cases} END AS UTINYINT)"


def broken_value(rules: Sequence[RowRule], position: str) -> str:
    """SQL: the raw text of the column that the rule at `position` is about."""
    if not rules:
        return "CAST(NULL AS VARCHAR)"
    cases = " ".join(f"WHEN {i} THEN {raw_column(rule.column)}" for i, rule in enumerate(rules))
    return f"CASE {position} {cases} END"
