"""How alike columns of numbers are: the larger of two correlations, over the rows in which both are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_ROWS = 30
"""Rows that know both columns below which nothing is said: a few points lie on a line by chance."""


def likeness(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The larger of |Pearson| and |Spearman| of every two columns of `x` (rows, columns), shape (columns, columns).

    Nulls are left out pair by pair (ranks are those among all known values of a column); 0 where fewer than
    `FEWEST_ROWS` rows know both, or where one is constant among them.

    >>> rising = np.arange(40.0)
    >>> likeness(np.column_stack([rising, -np.exp(rising), np.ones(40)])).round(2).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    found: NDArray[np.float64] = np.maximum(_correlations(x), _correlations(_ranks(x)))
    return found


def _ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle ranks within each column, null where the value is."""
    ranks = np.full(x.shape, np.nan)
    for column in range(x.shape[1]):
        known = ~np.isnan(x[:, column])
        _, codes, counts = np.unique(x[known, column], return_inverse=True, return_counts=True)
        ranks[known, column] = (counts.cumsum() - counts / 2)[codes]
    return ranks


def _correlations(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """|Pearson| of every two columns over the rows in which both are known."""
    known = ~np.isnan(x)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, x, 0.0) - known * (np.where(known, x, 0.0).sum(axis=0) / counts)
    spread = np.sqrt((centred**2).sum(axis=0) / counts)
    z, m = centred / np.where(spread > 0, spread, 1.0), known.astype(np.float64)
    both = m.T @ m
    n = np.maximum(both, 1.0)
    sums, squares = z.T @ m, (z**2).T @ m
    left = squares - sums**2 / n
    size = np.sqrt(np.clip(left * left.T, 0.0, None))
    varies = left > 1e-9 * n
    told = (both >= FEWEST_ROWS) & varies & varies.T
    joint = z.T @ z - sums * sums.T / n
    found: NDArray[np.float64] = np.where(told, np.abs(joint) / np.where(told, size, 1.0), 0.0)
    return np.minimum(found, 1.0)
