"""What came of reading one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powerml.sources.rules import RowRule


@dataclass(frozen=True)
class LoadedTable:
    """Counts of one table, and the SQL that lists its bad rows: file, row, rule, column, value.

    `rows` = loaded + quarantined + `ignored`; `broken` counts bad rows by the first rule they break; `ignored` counts
    repeats of an `event_id`, `repeated_ids` the ids that stand more than once. `placed` lists all rows of events, where
    some are bad: file, number (from 0), time, bad.
    """

    table: str
    rows: int
    broken: tuple[tuple[RowRule, int], ...]
    ignored: int
    repeated_ids: int
    bad_rows: str
    placed: str = ""
    by_file: str = ""

    @property
    def quarantined(self) -> int:
        """Rows set aside."""
        return sum(n for _, n in self.broken)

    @property
    def loaded(self) -> int:
        """Rows that count."""
        return self.rows - self.quarantined - self.ignored


def who_columns(columns: Iterable[str]) -> list[str]:
    """Of the columns of a table those that say whom a row is about."""
    return [column for column in columns if column in ("user_id", "account_id", "entity_id", "name", "email")]
