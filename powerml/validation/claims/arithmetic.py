"""The sums behind the audit of claims: what printed rates, counts and shares imply about each other.

Printed numbers are rounded, so each stands for a range; a claim is contradicted only where the two ranges do not meet.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

Range = tuple[float, float]


def printed_range(value: float, step: float | None = None) -> Range:
    """The numbers that round to `value` as printed: half a step either way (`step`: by its decimals if not given).

    >>> printed_range(11)
    (10.5, 11.5)
    >>> tuple(round(end, 3) for end in printed_range(4.7))
    (4.65, 4.75)
    """
    if step is None:
        text = f"{value:.10f}".rstrip("0")
        step = 10.0 ** -len(text.partition(".")[2])
    return value - step / 2, value + step / 2


def over_corners(function: Callable[..., float], *ranges: Range) -> Range:
    """Smallest and largest value of a function, monotone in each argument, over a box of ranges."""
    values = [function(*corner) for corner in itertools.product(*ranges)]
    return min(values), max(values)


def meet(one: Range, other: Range) -> bool:
    """Whether two ranges share a number (ends included, up to floating-point dust)."""
    return max(one[0], other[0]) <= min(one[1], other[1]) + 1e-12


def implied_auroc(events: ArrayLike, others: ArrayLike) -> float:
    """AUROC of a banded score: the share of (event, other) pairs in which the event stands in the later group.

    `events`, `others`: how many stand in each group, from the lowest score to the highest; a pair within one group
    counts half. NaN where there are no pairs.

    >>> implied_auroc([0, 1], [1, 1])
    0.75
    """
    e, f = np.asarray(events, dtype=float), np.asarray(others, dtype=float)
    if e.sum() == 0 or f.sum() == 0:
        return float("nan")
    below = np.cumsum(f) - f
    return float((e @ (below + f / 2)) / (e.sum() * f.sum()))


def phi_of_shares(prevalence: float, share_in: float, share_out: float) -> float:
    """Correlation of two yes/no variables, from an outcome's prevalence and the metric's share within and without.

    phi = (share_in - share_out) sqrt(p (1 - p) / (m (1 - m))), m the metric's overall share; NaN if a margin is empty.
    """
    margin = prevalence * share_in + (1 - prevalence) * share_out
    if not 0 < margin < 1 or not 0 < prevalence < 1:
        return float("nan")
    return float((share_in - share_out) * np.sqrt(prevalence * (1 - prevalence) / (margin * (1 - margin))))


def largest_phi(one_share: float, other_share: float) -> float:
    """The largest correlation two yes/no variables with these shares can have: sqrt(p (1 - q) / (q (1 - p))), p <= q.

    It is reached when everybody with the rarer one also has the other. NaN where a share is 0 or 1.
    """
    p, q = sorted((one_share, other_share))
    if not 0 < p <= q < 1:
        return float("nan")
    return float(np.sqrt(p * (1 - q) / (q * (1 - p))))


def rate_ratio(prevalence: float, share_in: float, share_out: float) -> float:
    """How many times as often those with a metric have the outcome as those without it, by Bayes.

    Infinite where those without it never do; NaN where everybody or nobody has the metric.
    """
    margin = prevalence * share_in + (1 - prevalence) * share_out
    if not 0 < margin < 1:
        return float("nan")
    with_metric, without = prevalence * share_in / margin, prevalence * (1 - share_in) / (1 - margin)
    return with_metric / without if without > 0 else float("inf")


def mixture_share(overall: float, inside: float, outside: float) -> float:
    """The share of a subgroup at which rates `inside` and `outside` average to `overall`; outside [0, 1]: none does."""
    return (overall - outside) / (inside - outside) if inside != outside else float("nan")


def spread_for_correlation(prevalence: float, difference: float, correlation: float) -> float:
    """The overall standard deviation at which a difference of group means gives this point-biserial correlation."""
    return float(abs(difference) * np.sqrt(prevalence * (1 - prevalence)) / abs(correlation))


def least_gini(top: float, share: float) -> float:
    """The smallest Gini coefficient at which the top `top` of users make `share`: all others alike, so share - top."""
    return max(share - top, 0.0)


def top_over_rest(top: float, share: float) -> float:
    """How many times as much one of the top `top` makes as one of the rest, if the top make `share` of it."""
    return (share / top) / ((1 - share) / (1 - top))
