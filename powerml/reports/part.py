"""A part of a report: what is said, the numbers it stands on, and how they are read; or why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True, eq=False)
class Part:
    """One part, by a stable name.

    `code`: its key in `--json` and the name of its file. `sentences`: for reading, in order. `table`: the numbers, one
    fact a row. `title`: of the table for reading, which is `shown` where the numbers are put side by side in it; empty:
    the table is for files only. `figures`: by the names under which runs are compared. `not_applicable`: why there is
    nothing, in words.
    """

    code: str
    sentences: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    title: str = ""
    shown: pd.DataFrame | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    not_applicable: str = ""

    @property
    def for_reading(self) -> pd.DataFrame | None:
        """The table to print; None where there is none, or no row in it."""
        frame = self.table if self.shown is None else self.shown
        return frame if self.title and frame is not None and len(frame) else None

    @property
    def has_table(self) -> bool:
        """Whether there are numbers to keep."""
        return self.table is not None and len(self.table) > 0


def nothing(code: str, why: str) -> Part:
    """A part that does not apply, with the reason."""
    return Part(code, not_applicable=why)


def ends(value: float, low: float, high: float, digits: int = 3) -> str:
    """A value with its interval, empty where there is none.

    >>> ends(0.7312, 0.7, 0.76)
    '0.731 (0.700-0.760)'
    """
    return "" if value != value else f"{value:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def share(value: float, low: float, high: float) -> str:
    """A share in per cent with its interval, empty where there is none.

    >>> share(0.123, 0.1, 0.2)
    '12.3 % (10.0 to 20.0)'
    """
    return "" if value != value else f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
