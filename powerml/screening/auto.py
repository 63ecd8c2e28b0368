"""The screen `auto`: which columns a head may read, learned anew from the training rows of every fold.

What no outcome tells from noise is left out; beside that heads may choose a threshold of |r_bal| by what it loses out
of fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from powerml.screening.contrasts import correlation, group_sums, standardise
from powerml.screening.correlation import contrasts_of, filled_up
from powerml.screening.noise import TOLD_AT, signal_t
from powerml.statistics.folds import clustered_mean
from powerml.statistics.logistic import log_losses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powerml.statistics.folds import Folds, RowNumbers
    from powerml.statistics.logistic import Floats

THRESHOLDS = (0.10, 0.20, 0.30, 0.45)
"""What |r_bal| may have to reach; the first screen asks for none of them."""

STRICTER_AT = 2.0
"""t of the paired out-of-fold log loss, without a threshold less with it, above which a head takes the threshold.

The least loss alone chose thresholds by chance: on simulated products of 2,000 people a logistic head lost .6 points of
skill by it, and no real set gained from any (experiments/studies/learning/README.md)."""


@dataclass(frozen=True)
class AutoScreen:
    """The rule: names of columns that stay whatever they say, and how many are kept at least."""

    force_keep: tuple[str, ...] = ()
    min_keep: int = 5


@dataclass(frozen=True, eq=False)
class ScreenedRows:
    """All training rows of a model, from which the screens of its folds are learned.

    `matrix` (rows, columns) holds numbers, `labels` the outcomes, `codes` the accounts as numbers; columns in `exempt`
    (categories, columns kept by force) pass every screen.
    """

    matrix: Floats
    labels: np.ndarray
    codes: RowNumbers
    exempt: np.ndarray
    min_keep: int

    @classmethod
    def of(
        cls, rule: AutoScreen, matrix: Floats, labels: np.ndarray, codes: RowNumbers, *, names: Iterable[str],
        categorical: Iterable[int],
    ) -> ScreenedRows:  # fmt: skip
        """The rows of a model under a rule."""
        exempt = np.array([name in rule.force_keep for name in names], dtype=bool)
        exempt[list(categorical)] = True
        return cls(matrix, labels, codes, exempt, rule.min_keep)

    def screens(self, folds: Folds, at: RowNumbers) -> Screens:
        """The screens of folds over the rows at positions `at`: each learned without the accounts that it tests.

        They are learned from all rows of the other accounts that stand at `at`, whichever outcome the folds are about.
        """
        taken = np.isin(self.codes, self.codes[at])
        inside = [self._masks(np.flatnonzero(taken & ~np.isin(self.codes, self.codes[at[test]]))) for _, test in folds]
        return Screens(tuple(inside), self._whole)

    @cached_property
    def _whole(self) -> np.ndarray:
        """What each screen keeps over all rows, the same for both sides of a model."""
        return self._masks(np.arange(len(self.codes)))

    def _masks(self, rows: RowNumbers) -> np.ndarray:
        """What each screen keeps (screens, columns), learned from some of the rows."""
        labels, raw = self.labels[rows], self.matrix[rows]
        x, contrasts = standardise(raw), contrasts_of(labels)
        told = (signal_t(raw, labels, contrasts, self.codes[rows]) > TOLD_AT) | self.exempt
        by_outcome = [correlation(*group_sums(x, labels == outcome), prevalence=0.5) for outcome in contrasts]
        strength = np.nan_to_num(np.abs(np.array(by_outcome).reshape(-1, x.shape[1]))).max(axis=0, initial=0.0)
        kept = [told, *(told & ((strength >= threshold) | self.exempt) for threshold in THRESHOLDS)]
        return np.array([filled_up(mask, strength, x, least=self.min_keep) for mask in kept])


@dataclass(frozen=True, eq=False)
class Screens:
    """What each screen keeps, as masks (screens, columns): by the training rows of each fold, and by all rows."""

    folds: tuple[np.ndarray, ...]
    whole: np.ndarray

    @classmethod
    def single(cls, reads: np.ndarray, n_folds: int) -> Screens:
        """One screen, the same everywhere."""
        return cls((reads[None, :],) * n_folds, reads[None, :])

    @property
    def different(self) -> tuple[int, ...]:
        """The screens that keep something else than every one before, in any fold or over all."""
        seen: dict[bytes, int] = {}
        for k in range(len(self.whole)):
            seen.setdefault(b"".join(masks[k].tobytes() for masks in (*self.folds, self.whole)), k)
        return tuple(seen.values())

    def columns(self, screen: int) -> tuple[int, ...]:
        """Positions of the columns that a screen keeps over all rows."""
        return tuple(map(int, np.flatnonzero(self.whole[screen])))


def chosen_screen(y: Floats, logits: dict[int, Floats], codes: RowNumbers | None) -> int:
    """The first of the screens, or the one that loses least out of fold where that gains on the first at t > 2.

    `logits` holds the out-of-fold logits (rows,) under each screen, the least strict first; rows without one are NaN.
    """
    first = next(iter(logits))
    tested = np.isfinite(logits[first])
    if len(logits) < 2 or not tested.any():
        return first
    losses = {screen: log_losses(y[tested], z[tested]) for screen, z in logits.items()}
    best = min(losses, key=lambda screen: float(losses[screen].mean()))
    accounts = np.arange(int(tested.sum())) if codes is None else codes[tested]
    gain, spread = clustered_mean(losses[first] - losses[best], accounts)
    return best if gain > STRICTER_AT * spread else first
