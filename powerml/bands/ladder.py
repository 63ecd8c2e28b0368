"""Scores into bands: the ladder, read from the top, over scores freed of floating-point dust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from powerml.config.bands import BandsSpec

DIGITS = 9  # scores are banded unrounded but for this: 0.1 + 0.2 is 0.3


def ladder_index(values: ArrayLike, edges: Sequence[float]) -> NDArray[np.intp]:
    """For each value the position in `edges` (falling) of the first edge it reaches; below all edges, the last one.

    >>> ladder_index([95.0, 29.5, -3.0, 70.0 - 1e-12], [90, 70, 30, 0]).tolist()
    [0, 3, 3, 1]
    """
    rising = np.asarray(edges, dtype=float)[::-1]
    with np.errstate(over="ignore"):  # rounding the largest floats ends at infinity, which is in the highest band too
        shown = np.round(np.asarray(values, dtype=float), DIGITS)
    reached = np.searchsorted(np.round(rising, DIGITS), shown, side="right")
    return np.asarray(len(rising) - np.maximum(reached, 1), dtype=np.intp)


def assign(scores: ArrayLike, bands: BandsSpec) -> NDArray[Any]:
    """The band's name of each score (shape (n,), texts); None where the score is null.

    >>> from powerml.config.bands import BandsSpec
    >>> assign([29.5, 30.0], BandsSpec.model_validate({30: "At Risk", 0: "High Risk"})).tolist()
    ['High Risk', 'At Risk']
    """
    values = np.asarray(scores, dtype=float)
    named = np.array(bands.names, dtype=object)[ladder_index(values, bands.edges)]
    named[np.isnan(values)] = None
    return named


def next_edge(score: float, bands: BandsSpec) -> tuple[float, str] | None:
    """The edge and name of the band above a score's own, or None in the highest."""
    position = int(ladder_index([score], bands.edges)[0])
    return (bands.edges[position - 1], bands.names[position - 1]) if position else None


def shares(scores: ArrayLike, bands: BandsSpec) -> pd.DataFrame:
    """How many scores lie in each band, highest band first: `band`, `from`, `n`, `share`, `expected_share`.

    `expected_share` is what the document expects (a number to compare with, not a quota); null where it is silent.
    """
    values = np.asarray(scores, dtype=float)
    values = values[~np.isnan(values)]
    counts = np.bincount(ladder_index(values, bands.edges), minlength=len(bands.bands))
    return pd.DataFrame(
        {
            "band": list(bands.names),
            "from": list(bands.edges),
            "n": counts,
            "share": counts / len(values) if len(values) else np.nan,
            "expected_share": [np.nan if b.expected_share is None else b.expected_share for b in bands.bands],
        }
    )
