"""P values of normal statistics, and Holm's correction for having looked several times."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_NORMAL = NormalDist()


def upper_tail(z: float) -> float:
    """Chance of a standard normal above `z`."""
    return 1 - _NORMAL.cdf(z) if z < 5 else _NORMAL.cdf(-z)


def two_sided(z: float) -> float:
    """Chance of a standard normal as far from 0 as `z`."""
    return min(1.0, 2 * upper_tail(abs(z)))


def holm(p_values: ArrayLike) -> np.ndarray:
    """P values times the number of hypotheses still open, in rising order, never falling, at most 1.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, 1979.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    back = np.empty_like(adjusted)
    back[order] = adjusted
    return back
