"""Which snapshots a scorer learned from, and what is said where it is judged or read on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

TRAINED_UNTIL = "powerml.trained_until"
TRAINED_FROM = "powerml.trained_from"
OUTCOMES_UNTIL = "powerml.trained_outcomes_until"
UNTIMED = "no time given"


@dataclass(frozen=True)
class Learned:
    """The snapshots learned from: the last, the first (None: not known), and the day their outcomes reach to.

    `until` is None for rows without times, of which nobody can tell whether they are among those judged.
    """

    until: pd.Timestamp | None
    since: pd.Timestamp | None = None
    outcomes_until: pd.Timestamp | None = None

    @classmethod
    def of(cls, times: ArrayLike, horizon_days: int) -> Self:
        """What rows at these cutoffs tell, whose outcomes are those of so many days after."""
        at = pd.to_datetime(pd.Series(np.asarray(times)))
        return cls(at.max(), at.min(), at.max() + pd.Timedelta(days=horizon_days))

    @classmethod
    def of_card(cls, until: str | None) -> Self | None:
        """What a card file says of itself; None of a set that no outcome taught."""
        return None if until is None else cls(pd.Timestamp(until))

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """What a version's tags say; None where they say nothing."""
        if TRAINED_UNTIL not in tags:
            return None
        if tags[TRAINED_UNTIL] == UNTIMED:
            return cls(None)
        first, reached = (pd.Timestamp(tags[name]) if name in tags else None for name in (TRAINED_FROM, OUTCOMES_UNTIL))
        return cls(pd.Timestamp(tags[TRAINED_UNTIL]), first, reached)

    def to_tags(self) -> dict[str, str]:
        """As a version keeps it."""
        if self.until is None:
            return {TRAINED_UNTIL: UNTIMED}
        told = {TRAINED_UNTIL: self.until, TRAINED_FROM: self.since, OUTCOMES_UNTIL: self.outcomes_until}
        return {name: str(day.date()) for name, day in told.items() if day is not None}

    def seen(self, times: ArrayLike) -> NDArray[np.bool_]:
        """Which rows (as_of) were learned from, or end with an outcome that was: those before its outcomes' end."""
        at = pd.to_datetime(pd.Series(np.asarray(times)))
        if self.until is None:
            return np.zeros(len(at), dtype=bool)
        known = at <= self.until if self.outcomes_until is None else at < self.outcomes_until
        if self.since is not None:
            known &= at >= self.since
        return known.to_numpy(dtype=bool)

    def caution(self, name: str, times: ArrayLike, *, instead: str) -> str | None:
        """The sentence on a scorer that is judged on rows at `times`; None where none of them was learned from.

        `instead` says what to do for a fair verdict.
        """
        if self.until is None:
            return (
                f"{name} was fitted on rows without times, so whether it learned from rows judged here cannot be told."
            )
        seen = self.seen(times)
        if not seen.any():
            return None
        whose = "" if self.outcomes_until is None else f", whose outcomes reach to {self.outcomes_until.date()},"
        some = "all" if seen.all() else f"{int(seen.sum()):,} of {len(seen):,}"
        return (
            f"{name} was fitted on snapshots up to {self.until.date()}{whose} and is judged on some of them ({some} of "
            f"the rows here), so its figures flatter it; {instead}."
        )

    def aside(self, name: str, when: Any) -> str | None:
        """The sentence on a score of one date that it learned from; None where it did not."""
        if self.until is None or not self.seen([when]).any():
            return None
        return (
            f"{name} was fitted on snapshots up to {self.until.date()} and knows outcomes of this date, so the score "
            "says in part what came."
        )
