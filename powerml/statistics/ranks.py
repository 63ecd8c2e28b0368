"""Ranks against a reference: the active entities of the snapshot that is stored with a weight set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Ranks:
    """The distribution of one number: its distinct values, rising, and how many lie at or below each."""

    values: NDArray[np.float64]
    at_or_below: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: ArrayLike) -> Ranks:
        """The distribution of `numbers`, nulls left out."""
        array = np.asarray(numbers, dtype=float)
        values, counts = np.unique(array[~np.isnan(array)], return_counts=True)
        return cls(values, np.cumsum(counts))

    @property
    def n(self) -> int:
        """How many numbers it holds."""
        return int(self.at_or_below[-1]) if len(self.values) else 0

    def below(self, numbers: ArrayLike) -> NDArray[np.int64]:
        """How many of the reference lie strictly below each number."""
        return self._upto(np.searchsorted(self.values, np.asarray(numbers, dtype=float), side="left"))

    def above(self, numbers: ArrayLike) -> NDArray[np.int64]:
        """How many of the reference lie strictly above each number."""
        return self.n - self._upto(np.searchsorted(self.values, np.asarray(numbers, dtype=float), side="right"))

    def _upto(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        return np.concatenate([[0], self.at_or_below]).astype(np.int64)[positions]

    def percentile(self, numbers: ArrayLike) -> NDArray[np.float64]:
        """100 times the percent rank: (entities below + half of the other ties) / (n - 1); 100 when n = 1.

        A number that the reference lacks has no ties; one above all of it gets 100. Null numbers, and an empty
        reference, give null. The rule is document A's.

        >>> Ranks.of([10, 20, 20, 30]).percentile([10, 20, 30, 99]).tolist()
        [0.0, 50.0, 100.0, 100.0]
        """
        array = np.asarray(numbers, dtype=float)
        if self.n <= 1:
            return np.where(np.isnan(array) | (self.n == 0), np.nan, 100.0)
        below = self.below(array)
        ties = self.n - below - self.above(array)
        rank = (below + np.maximum(ties - 1, 0) / 2) / (self.n - 1)
        return np.where(np.isnan(array), np.nan, 100.0 * np.minimum(rank, 1.0))

    def in_top(self, numbers: ArrayLike, share: float) -> NDArray[np.bool_]:
        """Whether fewer than `share` of the reference lie strictly above each number, and the number is above 0.

        >>> Ranks.of(range(1, 11)).in_top([9, 10], share=0.10).tolist()
        [False, True]
        """
        array = np.asarray(numbers, dtype=float)
        with np.errstate(invalid="ignore"):
            return (self.above(array) < round(share * self.n, 9)) & (array > 0)

    def top_edge(self, share: float) -> float | None:
        """The smallest number of the reference that is in its top `share`, or None where there is none."""
        inside = self.values[self.in_top(self.values, share)]
        return float(inside[0]) if len(inside) else None

    def to_dict(self) -> dict[str, list[float]]:
        """As JSON holds it."""
        return {"values": self.values.tolist(), "at_or_below": self.at_or_below.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ranks:
        """The inverse of `to_dict`."""
        return cls(np.asarray(data["values"], dtype=float), np.asarray(data["at_or_below"], dtype=np.int64))


@dataclass(frozen=True)
class Reference:
    """The stored snapshot of a weight set: the distribution of its score and of the metrics it ranks."""

    score: Ranks
    metrics: Mapping[str, Ranks] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"score": self.score.to_dict(), "metrics": {m: r.to_dict() for m, r in self.metrics.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reference:
        """The inverse of `to_dict`."""
        metrics = {metric: Ranks.from_dict(ranks) for metric, ranks in data["metrics"].items()}
        return cls(Ranks.from_dict(data["score"]), metrics)


def active_rows(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are active: the column `active`, else an event in 30 days, else all."""
    if "active" in frame:
        return frame["active"].fillna(False).to_numpy(dtype=bool)
    if "events_30d" in frame:
        return frame["events_30d"].to_numpy(dtype=float, na_value=np.nan) >= 1
    return np.ones(len(frame), dtype=bool)


def percentiles(scores: ArrayLike, active: NDArray[np.bool_], reference: Ranks | None = None) -> NDArray[np.float64]:
    """The percentile of each score, null for inactive rows; without a reference, within the active rows given."""
    array = np.asarray(scores, dtype=float)
    ranks = reference if reference is not None else Ranks.of(array[active])
    return np.where(active, ranks.percentile(array), np.nan)


def top_share(scores: ArrayLike, active: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Whether each active row is in the top `share` of the active by any score (document B's second definition)."""
    array = np.asarray(scores, dtype=float)
    return active & Ranks.of(array[active]).in_top(array, share)
