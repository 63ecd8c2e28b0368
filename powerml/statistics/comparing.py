"""Comparisons of declared conditions, over whole columns at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from powerml.config.conditions import Comparator

_COMPARE = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}


def holds(comparison: Comparator, numbers: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Whether a comparison holds in each row; with a null it does not."""
    against = numbers[comparison.value] if isinstance(comparison.value, str) else comparison.value
    return np.asarray(_COMPARE[comparison.operator](numbers[comparison.metric], against), dtype=bool)
