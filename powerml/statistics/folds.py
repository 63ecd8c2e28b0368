"""Account-grouped folds and account-clustered means, as learning uses them inside one training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from powerml.statistics.logistic import Floats

RowNumbers = NDArray[np.intp]
Folds = list[tuple[RowNumbers, RowNumbers]]


def group_codes(groups: ArrayLike | None, n_rows: int) -> RowNumbers:
    """Accounts as numbers 0, 1, ... in the order of their names; each row its own where there are no accounts."""
    if groups is None:
        return np.arange(n_rows)
    return np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]


def account_folds(y: ArrayLike, groups: ArrayLike | None = None, *, n_folds: int = 5, seed: int = 0) -> Folds:
    """Pairs of (training rows, test rows): every account is in one fold, and accounts with events are spread evenly.

    `y` is 0 or 1 per row. Fewer folds are made where fewer than `n_folds` accounts have, or lack, an event; the folds
    depend on the accounts' names and on `seed`, not on the order of the rows.

    >>> [test.tolist() for _, test in account_folds([0, 1, 0, 1], ["a", "a", "b", "c"], n_folds=2)]
    [[2, 3], [0, 1]]
    """
    y = np.asarray(y)
    codes = group_codes(groups, len(y))
    eventful = np.bincount(codes, weights=y == 1) > 0
    n_folds = max(2, min(n_folds, int(eventful.sum()), int((~eventful).sum())))
    order = np.random.default_rng(seed).permutation(len(eventful))
    ranked = np.concatenate([order[eventful[order]], order[~eventful[order]]])
    fold_of = np.empty(len(eventful), dtype=np.intp)
    fold_of[ranked] = np.arange(len(ranked)) % n_folds
    of_row = fold_of[codes]
    folds = [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(n_folds)]
    return [(train, test) for train, test in folds if len(train) and len(test)]


def without(values: Floats, rows: RowNumbers) -> Floats:
    """A copy of values (rows,) that is NaN at some of the rows.

    >>> without(np.array([1.0, 2.0]), np.array([0])).tolist()
    [nan, 2.0]
    """
    left = np.array(values, dtype=np.float64)
    left[rows] = np.nan
    return left


def clustered_mean(values: Floats, codes: RowNumbers) -> tuple[float, float]:
    """Mean over rows and its standard error when rows of one account move together.

    >>> clustered_mean(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1]))
    (0.5, 0.5)
    """
    n = len(values)
    mean = float(values.mean())
    sums = np.bincount(codes, weights=values - mean)
    n_groups = len(np.unique(codes))
    if n_groups < 2:
        return mean, float("inf")
    return mean, float(np.sqrt((sums**2).sum() * n_groups / (n_groups - 1)) / n)
