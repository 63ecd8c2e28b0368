"""Intervals for rates: Wilson, by the number of rows or, where accounts repeat, by the effective number."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from powerml.statistics.folds import clustered_mean, group_codes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def normal_quantile(level: float) -> float:
    """The z of a two-sided interval.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends of Wilson's interval for `k` of `n`; arrays broadcast, both ends are nan where `n` is 0.

    `n` may be an effective number of rows: give `k` scaled alike (rate times effective n).
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.

    >>> low, high = wilson(29, 41)
    >>> round(float(low), 3), round(float(high), 3)
    (0.555, 0.824)
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    z2 = normal_quantile(level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = k / n
        middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    empty = n <= 0
    low = np.where(empty, np.nan, np.clip(np.where(k <= 0, 0.0, middle - half), 0, 1))
    high = np.where(empty, np.nan, np.clip(np.where(k >= n, 1.0, middle + half), 0, 1))
    return low, high


def effective_n(y: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.95) -> float:
    """How many independent rows the rate of `y` is worth, when rows of one account move together.

    n over the design effect (cluster-robust variance of the mean over its binomial variance, never below 1), shrunk
    for the few degrees of freedom of few accounts as Korn & Graubard (1998) do. Where `y` does not vary the design
    effect cannot be seen: then the rows of an account are taken as one (its largest value). Without `groups`: n.

    >>> effective_n([0, 1, 0, 1])
    4.0
    >>> effective_n([0, 0, 0, 0], ["a", "a", "b", "b"])
    2.0
    """
    y = np.asarray(y, dtype=float)
    n = float(len(y))
    if groups is None or n == 0:
        return n
    _, codes, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    accounts = len(sizes)
    if accounts == n:
        return n
    together = n**2 / float((sizes.astype(float) ** 2).sum())  # an account's rows counted as one
    rate = y.mean()
    binomial = rate * (1 - rate) / n
    if binomial == 0 or accounts < 2:
        return together
    robust = clustered_mean(y, codes)[1] ** 2
    from scipy.special import stdtrit  # imported late: scipy is slow to load

    shrink = (normal_quantile(level) / float(stdtrit(accounts - 1, 0.5 + level / 2))) ** 2
    return float(min(n, n * binomial / robust) * shrink) if robust > 0 else together


def wilson_by_account(
    y: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.95
) -> tuple[float, float, float]:
    """Rate of `y` with the ends of its Wilson interval by effective n; all nan where there is no row.

    >>> [round(v, 3) for v in wilson_by_account([1] * 15 + [0] * 15)]
    [0.5, 0.332, 0.668]
    """
    y = np.asarray(y, dtype=float)
    if len(y) == 0:
        return float("nan"), float("nan"), float("nan")
    rate = float(y.mean())
    n = effective_n(y, groups, level=level)
    low, high = wilson(rate * n, n, level)
    return rate, float(low), float(high)


def mean_by_account(
    values: ArrayLike, groups: ArrayLike | None = None, *, within: tuple[float, float], level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of `values` with the ends of its interval by account; all nan where there is no row.

    Cluster-robust, with the t of as many accounts. Where the values do not vary that error cannot be seen: then the
    accounts are taken as one row each, of which so many may still be unlike these as Wilson's interval for none of
    them says, at worst at an end of `within`, the least and the largest value there can be.

    >>> mean_by_account([60.0, 60.0, 60.0, 60.0], ["a", "a", "b", "b"], within=(0, 100))[0]
    60.0
    """
    y = np.asarray(values, dtype=float)
    if not len(y):
        return float("nan"), float("nan"), float("nan")
    codes = group_codes(groups, len(y))
    mean, error = clustered_mean(y, codes)
    if np.ptp(y) == 0:
        unlike = float(wilson(0, effective_n(np.zeros(len(y)), groups), level)[1])
        return mean, mean - unlike * (mean - within[0]), mean + unlike * (within[1] - mean)
    accounts = int(codes.max()) + 1
    if accounts < 2:
        return mean, float(within[0]), float(within[1])
    from scipy.special import stdtrit  # imported late: scipy is slow to load

    half = float(stdtrit(accounts - 1, 0.5 + level / 2)) * error
    return mean, mean - half, mean + half


def ratio_of_sums(now: ArrayLike, then: ArrayLike, groups: ArrayLike | None = None) -> tuple[float, float, float]:
    """Sum over sum with a 95 % interval (linearised, clustered by `groups`); all nan where nothing was there before.

    >>> ratio_of_sums([2, 4], [1, 2])
    (2.0, 2.0, 2.0)
    """
    after, before = np.asarray(now, dtype=float), np.asarray(then, dtype=float)
    if before.sum() <= 0:
        return float("nan"), float("nan"), float("nan")
    ratio = float(after.sum() / before.sum())
    codes = np.arange(len(after)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    half = normal_quantile(0.95) * clustered_mean((after - ratio * before) / before.mean(), codes)[1]
    if not np.isfinite(half):
        return ratio, float("nan"), float("nan")
    return ratio, max(ratio - half, 0.0), ratio + half
