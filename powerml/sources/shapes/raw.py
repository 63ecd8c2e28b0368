"""The columns of an export as texts, and the few expressions that all shapes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.sources.sql import name, text
from powerml.sources.times import zone_or_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.config.project import ShapeSpec
    from powerml.sources.readers import SourcePart

CUSTOMERS = ("company", "organization", "organisation", "account", "customer", "team", "workspace", "tenant", "org")
"""What people call the group of users that pays, the likeliest first."""


@dataclass(frozen=True)
class Raw:
    """An export's rows as SQL, every column a text (objects are JSON), and the names of its columns."""

    sql: str
    columns: tuple[str, ...]

    def has(self, column: str) -> bool:
        """Whether the export has the column."""
        return column in self.columns

    def first(self, *columns: str, of: str = "r") -> str:
        """SQL: the first of some columns that has a value; null where the export has none of them."""
        there = [f"NULLIF({of}.{name(column)}, '')" for column in columns if column in self.columns]
        return there[0] if len(there) == 1 else f"COALESCE({', '.join(there)})" if there else "NULL"

    def instant(self, *columns: str, of: str = "r") -> str:
        """SQL: the first of some columns as an instant; what names no zone is UTC, as all these services write it."""
        return zone_or_utc(self.first(*columns, of=of))


def raw_of(parts: Sequence[SourcePart]) -> Raw:
    """All parts of an export together."""
    columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
    return Raw(" UNION ALL BY NAME ".join(_texts(part) for part in parts), columns)


def _texts(part: SourcePart) -> str:
    chosen = ", ".join(f"{_text(kind, raw)} AS {name(column)}" for column, (kind, raw) in part.columns.items())
    return f"(SELECT {chosen} FROM {part.from_clause(part.columns)})"


def _text(kind: str, raw: str) -> str:
    nested = kind.startswith(("STRUCT", "MAP")) or kind.endswith("[]")
    return f"CAST(to_json({raw}) AS VARCHAR)" if nested else f"CAST({raw} AS VARCHAR)"


def key(json: str, *names: str) -> str:
    """SQL: the text under the first of some keys of a JSON object that has one; null where there is none."""
    found = [f"json_extract_string({json}, {text('$.' + _quoted(one))})" for one in names]
    return found[0] if len(found) == 1 else f"COALESCE({', '.join(found)})"


def customers(spec: ShapeSpec) -> tuple[str, ...]:
    """What the customers may be called: as the project says, else as people do."""
    return (spec.group,) if spec.group else CUSTOMERS


def customer_key(json: str, groups: Sequence[str]) -> str:
    """SQL: the customer that an object of properties or traits names, by id before name."""
    return key(json, *(f"{group}_id" for group in groups), *groups)


def _quoted(one: str) -> str:
    return '"' + one.replace('"', '\\"') + '"'


def parsed(column: str) -> str:
    """SQL: a text as JSON; null where it is none."""
    return f"TRY_CAST({column} AS JSON)"


def number(field: str) -> str:
    """SQL: a text as a number; null where it is none."""
    return f"TRY_CAST({field} AS DOUBLE)"
