"""Levels of a metric: a few ranges with readable edges, found where the outcome's rate changes most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from powerml.statistics.folds import RowNumbers
    from powerml.statistics.logistic import Floats

CANDIDATES = 64
"""Stretches of equal size between which an edge may lie."""

MIN_GAIN = 4.5
"""An edge must raise the log likelihood by this much (nats)."""


@dataclass(frozen=True)
class Levels:
    """One metric's levels: ranges from each edge upwards, or groups of text levels; nulls are a level of their own.

    Level 0 lies below the first edge, level k from edge k on; the null level comes last.
    """

    edges: tuple[float, ...] = ()
    groups: tuple[int, ...] | None = None

    @property
    def count(self) -> int:
        """Number of levels, the null level left out."""
        return len(self.edges) + 1 if self.groups is None else len(self.groups) + 1

    def of(self, values: Floats) -> RowNumbers:
        """The level of each value (rows,); nulls get `count`."""
        null = np.isnan(values)
        if self.groups is None:
            found = np.searchsorted(np.asarray(self.edges), values, side="right")
        else:
            found = np.zeros(len(values), dtype=np.intp)
            for place, code in enumerate(self.groups):
                found[values == code] = place + 1
        return np.where(null, self.count, found).astype(np.intp)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"edges": list(self.edges), "groups": None if self.groups is None else list(self.groups)}

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Levels:
        """The levels that `to_dict` wrote."""
        groups = written["groups"]
        return cls(tuple(written["edges"]), None if groups is None else tuple(groups))


def learn_levels(values: Floats, y: Floats, *, most: int = 6, min_rows: int = 20) -> Levels:
    """Splits a numeric metric best first, by log likelihood, into at most `most` levels of at least `min_rows` rows."""
    known = ~np.isnan(values)
    if not known.any():
        return Levels()
    above, upto, rows, events = _stretches(values[known], y[known])
    total_rows, total_events = np.r_[0, np.cumsum(rows)], np.r_[0.0, np.cumsum(events)]

    def best_split(begin: int, end: int) -> tuple[float, int]:
        at = np.arange(begin + 1, end)
        n_left, n_right = total_rows[at] - total_rows[begin], total_rows[end] - total_rows[at]
        e_left, e_right = total_events[at] - total_events[begin], total_events[end] - total_events[at]
        whole = _likelihood(total_rows[end] - total_rows[begin], total_events[end] - total_events[begin])
        gain = _likelihood(n_left, e_left) + _likelihood(n_right, e_right) - whole
        gain = np.where(np.minimum(n_left, n_right) >= min_rows, gain, -np.inf)
        return (float(gain.max()), int(at[gain.argmax()])) if len(at) else (-np.inf, begin)

    open_ = [(*best_split(0, len(rows)), 0, len(rows))]
    cuts: list[int] = []
    while len(cuts) < most - 1:
        gain, cut, begin, end = max(open_)
        if gain < MIN_GAIN:
            break
        open_.remove((gain, cut, begin, end))
        open_ += [(*best_split(begin, cut), begin, cut), (*best_split(cut, end), cut, end)]
        cuts.append(cut)
    return Levels(tuple(simplest_number(float(above[cut - 1]), float(upto[cut])) for cut in sorted(cuts)))


def learn_groups(values: Floats, *, min_rows: int = 20) -> Levels:
    """One level per text level with at least `min_rows` rows; the rest share level 0."""
    codes, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    kept = [int(code) for code, count in zip(codes, counts, strict=True) if count >= min_rows]
    if len(kept) == len(codes):
        kept = kept[1:]  # the first is level 0
    return Levels(groups=tuple(kept))


def equal_levels(values: Floats, most: int = 16) -> Levels:
    """Levels of about equal size, found without looking at the outcome; all distinct values where there are few."""
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) > most:
        distinct = np.unique(np.quantile(known, np.arange(most) / most, method="inverted_cdf"))
    return Levels(tuple(map(float, distinct[1:])))


def simplest_number(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and up to `high`.

    >>> [simplest_number(*ends) for ends in ((4.2, 5.1), (0.0, 1.0), (1234.5, 1277.0), (-0.31, -0.22))]
    [5.0, 1.0, 1270.0, -0.3]
    """
    largest = max(abs(low), abs(high))
    power = int(np.ceil(np.log10(largest))) if largest > 0 else 0
    for digits in range(-power, -power + 17):
        number = round(np.floor(high * 10.0**digits + 1e-9) / 10.0**digits, max(digits, 0))
        if low < number <= high:
            return float(number)
    return high


def _stretches(values: Floats, y: Floats) -> tuple[Floats, Floats, RowNumbers, Floats]:
    """Stretches of about equal size, equal values together: where an edge above or below each may lie; rows; events.

    An edge between two stretches lies above the first's third quarter and at most at the second's first quarter, so
    that it can be a readable number.
    """
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    events = np.bincount(place, weights=y, minlength=len(distinct))
    before = np.cumsum(counts) - counts
    stretch = before * CANDIDATES // len(values) if len(distinct) > CANDIDATES else np.arange(len(distinct))
    first = np.flatnonzero(np.r_[True, np.diff(stretch) > 0])
    reach = np.r_[first[1:], len(distinct)] - 1 - first
    above, upto = distinct[first + reach - reach // 4], distinct[first + reach // 4]
    return above, upto, np.add.reduceat(counts, first), np.add.reduceat(events, first)


def _likelihood(rows: Any, events: Any) -> Any:
    """Log likelihood of `events` among `rows` at their own rate."""
    rows, events = np.asarray(rows, dtype=float), np.asarray(events, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = events * np.log(events / rows) + (rows - events) * np.log1p(-events / rows)
    return np.where((events > 0) & (events < rows), inside, 0.0)
