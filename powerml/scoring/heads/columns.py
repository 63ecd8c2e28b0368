"""How metrics become the columns of a linear fit: tails drawn in, edges clipped, nulls marked, levels one-hot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.statistics.logistic import Floats

EDGE_SHARE = 0.005
LONG_TAIL = 2.0
"""A metric enters as a signed logarithm if its skewness exceeds this and the logarithm brings it nearer to 0."""


@dataclass(frozen=True)
class DesignColumn:
    """One column of the design: a metric's value, its being null, or its being at one level."""

    column: int
    role: Literal["value", "null", "level"]
    mean: float
    sd: float
    fill: float = 0.0
    log_scale: float | None = None
    low: float = -np.inf
    high: float = np.inf
    level: float = 0.0

    def build(self, values: Floats) -> Floats:
        """The standardised design column for raw values (rows,)."""
        if self.role == "null":
            raw = np.isnan(values).astype(np.float64)
        elif self.role == "level":
            raw = (values == self.level).astype(np.float64)
        else:
            raw = np.clip(drawn_in(np.where(np.isnan(values), self.fill, values), self.log_scale), self.low, self.high)
        return (raw - self.mean) / self.sd


@dataclass(frozen=True)
class ColumnDesign:
    """All design columns, with the metric each belongs to."""

    columns: tuple[DesignColumn, ...]

    @classmethod
    def learn(cls, X: Floats, categorical: tuple[int, ...] = (), reads: Sequence[int] | None = None) -> ColumnDesign:
        """The design of training rows (rows, metrics); metrics without spread, or not in `reads`, get no column."""
        columns: list[DesignColumn] = []
        for j in range(X.shape[1]) if reads is None else reads:
            columns += _levels(j, X[:, j]) if j in categorical else _number(j, X[:, j])
        return cls(tuple(columns))

    @property
    def n_columns(self) -> int:
        """Number of design columns."""
        return len(self.columns)

    @property
    def owner(self) -> np.ndarray:
        """Position of the metric that each design column belongs to."""
        return np.array([column.column for column in self.columns], dtype=np.intp)

    def build(self, X: Floats) -> Floats:
        """The design (rows, design columns) of metrics (rows, metrics)."""
        out = np.empty((len(X), len(self.columns)))
        for k, column in enumerate(self.columns):
            out[:, k] = column.build(X[:, column.column])
        return out

    def limits(self, signs: Sequence[int]) -> tuple[Floats, Floats]:
        """Per design column: the sign (-1, 1) that makes its coefficient count upwards, and the least it may then be.

        `signs` says per metric which way (-1, 0, 1) its value may move the outcome; being null, or at a level, is free.
        """
        bound = np.array([signs[c.column] if signs and c.role == "value" else 0 for c in self.columns], dtype=float)
        return np.where(bound < 0, -1.0, 1.0), np.where(bound == 0, -np.inf, 0.0)

    def to_dict(self) -> list[dict[str, Any]]:
        """One JSON-able row per design column; infinite edges are left out."""
        written = []
        for column in self.columns:
            row: dict[str, Any] = {k: getattr(column, k) for k in ("column", "role", "mean", "sd")}
            if column.role == "value":
                row |= {k: getattr(column, k) for k in ("fill", "log_scale", "low", "high")}
            if column.role == "level":
                row["level"] = column.level
            written.append(row)
        return written

    @classmethod
    def from_dict(cls, written: list[dict[str, Any]]) -> ColumnDesign:
        """The design that `to_dict` wrote."""
        return cls(tuple(DesignColumn(**row) for row in written))


def drawn_in(values: Floats, log_scale: float | None) -> Floats:
    """Signed `log(1 + |x| / scale)`, or the values as they are where there is no scale."""
    return values if log_scale is None else np.sign(values) * np.log1p(np.abs(values) / log_scale)


def _number(j: int, values: Floats) -> list[DesignColumn]:
    null = np.isnan(values)
    known = values[~null]
    columns = []
    if len(known):
        fill = float(np.median(known))
        scale = _log_scale(known)
        drawn = drawn_in(np.where(null, fill, values), scale)
        low, high = (float(v) for v in np.quantile(drawn, [EDGE_SHARE, 1.0 - EDGE_SHARE], method="inverted_cdf"))
        if low == high:  # nearly all rows are equal; the few others are the signal
            low, high = float(drawn.min()), float(drawn.max())
        drawn = np.clip(drawn, low, high)
        mean, sd = _moments(drawn)
        if sd > 0:
            columns.append(DesignColumn(j, "value", mean, sd, fill, scale, low, high))
    mean, sd = _moments(null.astype(np.float64))
    if sd > 0:
        columns.append(DesignColumn(j, "null", mean, sd))
    return columns


def _levels(j: int, values: Floats) -> list[DesignColumn]:
    columns = []
    for level in np.unique(values[~np.isnan(values)]):
        mean, sd = _moments((values == level).astype(np.float64))
        if sd > 0:
            columns.append(DesignColumn(j, "level", mean, sd, level=float(level)))
    mean, sd = _moments(np.isnan(values).astype(np.float64))
    if sd > 0:
        columns.append(DesignColumn(j, "null", mean, sd))
    return columns


def _log_scale(known: Floats) -> float | None:
    away = np.abs(known[known != 0])
    if len(away) < 2:
        return None
    scale = float(np.median(away))
    plain, drawn = abs(_skewness(known)), abs(_skewness(drawn_in(known, scale)))
    return scale if plain > LONG_TAIL and drawn < plain else None


def _skewness(values: Floats) -> float:
    mean, sd = _moments(values)
    if sd == 0:
        return 0.0
    away = (values - mean) / sd
    return float((away * away * away).mean())  # ten times faster than a power


def _moments(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation; a spread that is rounding dust counts as none."""
    mean, sd = float(values.mean()), float(values.std())
    return mean, sd if sd > 1e-9 * max(1.0, abs(mean)) else 0.0
