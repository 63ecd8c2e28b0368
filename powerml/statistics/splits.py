"""Splits by time with a gap: no training label window reaches a test, and some accounts are never trained on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

LATE_CUTOFFS = 3  # so many count as the last ones where drift is looked for


@dataclass(frozen=True)
class Fold:
    """Cutoffs to train on and cutoffs to test on; both rise."""

    train: tuple[pd.Timestamp, ...]
    test: tuple[pd.Timestamp, ...]


@dataclass(frozen=True)
class SnapshotSplit:
    """Folds over the distinct cutoffs of snapshots whose labels are mature.

    A cutoff may be trained on for a test if its label window (`horizon_days` + `grace_days`) ends at or before the
    test's first cutoff. The last `test_months` calendar months are one test fold each, with all earlier cutoffs that
    the gap allows as training (expanding window); months before which nothing can be trained on are no tests.
    """

    horizon_days: int = 90
    grace_days: int = 0
    test_months: int = 3
    held_out_share: float = 0.2
    seed: int = 0

    def folds(self, as_ofs: Any) -> list[Fold]:
        """The folds, oldest test first; empty where history is too short for any.

        >>> quarters = ["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01"]
        >>> [(len(fold.train), str(fold.test[0].date())) for fold in SnapshotSplit().folds(quarters)]
        [(1, '2024-04-01'), (2, '2024-07-01'), (3, '2024-10-01')]
        """
        cutoffs = distinct_cutoffs(as_ofs)
        ends = cutoffs + pd.Timedelta(days=self.horizon_days + self.grace_days)
        months = (cutoffs.year * 12 + cutoffs.month).to_numpy()
        folds = []
        for month in np.unique(months)[-self.test_months :]:
            test = cutoffs[months == month]
            train = cutoffs[ends <= test[0]]
            if len(train):
                folds.append(Fold(tuple(train), tuple(test)))
        return folds

    def inner(self, train: Sequence[pd.Timestamp]) -> list[Fold]:
        """Walk-forward folds inside the training cutoffs, for choosing models; empty unless three months can be tests.

        Where it is empty, use `account_folds` on the training rows instead.
        """
        folds = SnapshotSplit(self.horizon_days, self.grace_days, test_months=3).folds(list(train)) if train else []
        return folds if len(folds) == 3 else []

    def held_out(self, accounts: ArrayLike) -> np.ndarray:
        """True for rows of the accounts that no training may see: a `held_out_share` of them, drawn by hash and seed.

        An account stays on its side whatever other accounts there are.
        """
        names, codes = np.unique(np.asarray(accounts, dtype=str), return_inverse=True)
        below = np.array([_uniform(self.seed, name) < self.held_out_share for name in names], dtype=bool)
        return below[codes]

    def rows(self, frame: pd.DataFrame, accounts: ArrayLike) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Per fold: positions of training rows (held-out accounts excepted) and of test rows (all accounts)."""
        times = pd.to_datetime(frame["as_of"])
        held_out = self.held_out(accounts)
        for fold in self.folds(times):
            train = times.isin(fold.train).to_numpy() & ~held_out
            yield np.flatnonzero(train), np.flatnonzero(times.isin(fold.test).to_numpy())


def distinct_cutoffs(as_ofs: Any) -> pd.DatetimeIndex:
    """Distinct cutoffs in rising order."""
    return pd.DatetimeIndex(pd.to_datetime(pd.Series(as_ofs))).unique().sort_values()


def _uniform(seed: int, name: str) -> float:
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
