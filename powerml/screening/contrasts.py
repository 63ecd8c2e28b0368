"""How metrics differ between the rows with an outcome and the rest: one number per metric, all metrics at once.

Nulls are left out metric by metric. "Balanced" numbers weigh both groups the same, so they do not move with the base
rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BINS = 10


def standardise(x: np.ndarray) -> np.ndarray:
    """Columns to mean 0 and spread 1 (nulls stay null, constant columns become 0), so that squares are safe."""
    known = ~np.isnan(x)
    n = np.maximum(known.sum(axis=0), 1)
    scale = np.max(np.abs(np.where(known, x, 0.0)), axis=0, initial=0.0)
    scaled = x / np.where(scale > 0, scale, 1.0)  # first to 1 at most, so that squares do not overflow
    centred = scaled - np.where(known, scaled, 0.0).sum(axis=0) / n
    spread = np.sqrt((np.where(known, centred, 0.0) ** 2).sum(axis=0) / n)
    flat = spread <= 1e-12
    return np.where(flat & known, 0.0, centred / np.where(flat, 1.0, spread))


def correlation(
    count: np.ndarray, total: np.ndarray, squares: np.ndarray, *, prevalence: float | np.ndarray
) -> np.ndarray:
    """Pearson correlation of a metric and a yes/no outcome as it would be at a prevalence of the outcome.

    `count`, `total`, `squares`: rows, sums and sums of squares of the metric, last axis = (without, with the outcome).
    With a prevalence of one half: (m1 - m0) / sqrt(2 (s1^2 + s0^2) + (m1 - m0)^2). 0 where the metric does not vary,
    nan where a group is empty.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0.0)
        difference = mean[..., 1] - mean[..., 0]
        between = prevalence * (1 - prevalence)
        whole = prevalence * variance[..., 1] + (1 - prevalence) * variance[..., 0] + between * difference**2
        r = np.sqrt(between) * difference / np.sqrt(whole)
    empty = (count <= 0).any(axis=-1)
    return np.where(empty, np.nan, np.where(whole <= 1e-20, 0.0, np.clip(r, -1, 1)))


def group_sums(x: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, sums and sums of squares per metric, shape (metrics, 2): without and with the outcome."""
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    groups = np.column_stack([~positive, positive]).astype(float)
    return known.T.astype(float) @ groups, filled.T @ groups, (filled**2).T @ groups


@dataclass(frozen=True, eq=False)
class Contrast:
    """One metric's distinct values in rising order, with the number of rows of each (without, with the outcome)."""

    without: np.ndarray
    with_: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, values: int, positive: np.ndarray) -> Contrast:
        """From the position of each row's value among the distinct ones."""
        all_rows = np.bincount(codes, minlength=values).astype(float)
        with_ = np.bincount(codes[positive], minlength=values).astype(float)
        return cls(all_rows - with_, with_)

    @cached_property
    def groups_filled(self) -> bool:
        """Whether there are rows with and rows without the outcome."""
        return bool(self.with_.sum() > 0 and self.without.sum() > 0)

    @property
    def auroc(self) -> float:
        """Chance that a row with the outcome has the higher value, ties half."""
        if not self.groups_filled:
            return float("nan")
        below = self.without.cumsum() - self.without
        wins = self.with_ @ (below + self.without / 2)
        return float(wins / (self.with_.sum() * self.without.sum()))

    @property
    def spearman(self) -> float:
        """Balanced Spearman: correlation of the outcome with balanced midranks, both groups weighing the same."""
        if not self.groups_filled:
            return float("nan")
        a, b = self.with_ / self.with_.sum(), self.without / self.without.sum()
        weight = (a + b) / 2
        ranks = weight.cumsum() - weight / 2
        count, total, squares = np.ones(2), np.array([b @ ranks, a @ ranks]), np.array([b @ ranks**2, a @ ranks**2])
        return float(correlation(count, total, squares, prevalence=0.5))

    def correlation_ratio(self, independent: tuple[float, float]) -> float:
        """Balanced correlation ratio on at most ten quantile bins, which any shape of dependence raises.

        Tied values stay in one bin; up to ten values have a bin each. What chance alone adds, (bins - 1) / 4 times the
        sum of 1/n over both groups, is taken off; `independent` gives those n (accounts without, with the outcome).
        """
        if not self.groups_filled:
            return float("nan")
        rows = self.without + self.with_
        if len(rows) <= BINS:
            bins = np.arange(len(rows))
        else:
            bins = np.minimum((BINS * (rows.cumsum() - rows / 2) / rows.sum()).astype(int), BINS - 1)
        a = np.bincount(bins, weights=self.with_ / self.with_.sum())
        b = np.bincount(bins, weights=self.without / self.without.sum())
        a, b = a[a + b > 0], b[a + b > 0]
        ratio = float(
            ((a - b) ** 2 / (a + b)).sum() / 2
        )  # sum of W (ybar - 1/2)^2 / (1/4), W = (a+b)/2, ybar = a/(a+b)
        by_chance = (len(a) - 1) / 4 * sum(1 / n for n in independent)
        return float(np.sqrt(max(0.0, ratio - by_chance)))


def largest_attainable(x: np.ndarray, events: int, *, high: bool) -> float:
    """The largest |natural r| this sample allows: as if the events were the rows with the highest (or lowest) values.

    `x`: the known values in rising order. nan where every row or no row is an event.
    """
    n = len(x)
    if not 0 < events < n:
        return float("nan")
    spread = x.std()
    if spread <= 1e-12:
        return 0.0
    mean = x[n - events :].mean() if high else x[:events].mean()
    share = events / n
    return float(abs(mean - x.mean()) / spread * np.sqrt(share / (1 - share)))
