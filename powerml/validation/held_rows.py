"""What a judgement needs of held-out rows, and what a scorer said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.outcomes import Predictions, base_rates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, eq=False)
class HeldRows:
    """Held-out rows: the outcome, account and cutoff of each.

    `instants`: the outcome's instant (or a name for it) per row, by which events are counted; absent: see
    `outcomes.distinct_events`. `variance_factor`: `verdict.CROSS_FITTED` where the rows were predicted by account folds
    that trained on each other, else 1.
    """

    y: np.ndarray
    accounts: np.ndarray
    times: np.ndarray
    instants: np.ndarray | None = None
    horizon_days: int = 90
    variance_factor: float = 1.0

    def take(self, positions: np.ndarray) -> HeldRows:
        """Some of the rows."""
        instants = None if self.instants is None else self.instants[positions]
        rows = (self.y[positions], self.accounts[positions], self.times[positions])
        return HeldRows(*rows, instants, self.horizon_days, self.variance_factor)


@dataclass(frozen=True, eq=False)
class Said:
    """What a scorer said of held-out rows.

    `probabilities`: `p_churn`, `p_stay` and, for three outcomes, `p_expand`. `base`: the training rates, one per
    outcome, or a frame with a row per row where folds differ. `score`: 0 to 100; absent: the expected outcome value.
    """

    probabilities: pd.DataFrame
    base: Mapping[str, float] | pd.DataFrame
    score: np.ndarray | None = None

    def of(self, y: np.ndarray) -> Predictions:
        """Beside what came of the rows."""
        return Predictions.of(y, self.probabilities, self.score)

    def rates(self, outcomes: Sequence[str]) -> np.ndarray:
        """The training base rates, rows x outcomes."""
        return base_rates(self.base, outcomes, len(self.probabilities))

    def take(self, positions: np.ndarray) -> Said:
        """What was said of some of the rows."""
        base = self.base
        return Said(
            self.probabilities.iloc[positions].reset_index(drop=True),
            base.iloc[positions].reset_index(drop=True) if isinstance(base, pd.DataFrame) else base,
            None if self.score is None else self.score[positions],
        )

    @classmethod
    def pooled(cls, parts: Sequence[Said]) -> Said:
        """The folds one after another."""
        bases = [pd.DataFrame([dict(part.base)] * len(part.probabilities)) for part in parts]
        scores = [part.score for part in parts if part.score is not None]
        return cls(
            pd.concat([part.probabilities for part in parts], ignore_index=True),
            pd.concat(bases, ignore_index=True),
            np.concatenate(scores) if len(scores) == len(parts) else None,
        )
