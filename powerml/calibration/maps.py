"""Monotone maps from a head's logit to a calibrated logit: identity, Platt, beta, isotonic, and a shift on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from powerml.statistics.logistic import LOGIT_LIMIT, Floats, LogitLine, logit, penalised_logistic

Method = Literal["identity", "platt", "beta", "isotonic"]

MOST_BINS = 100
"""Bins of equal size that an isotonic map reads, of at least 100 rows where there are 1,000. Read row by row its
outermost blocks hold a few accounts and are too sure, so that it was not believed where it was right
(experiments/studies/learning/README.md)."""


class CalibrationMap(Protocol):
    """A non-decreasing function of the logit that can be written down."""

    @property
    def kind(self) -> Method:
        """Which of the four it is."""
        ...

    def apply(self, z: Floats) -> Floats:
        """Calibrated logits of raw logits, same shape."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The map as JSON-able numbers."""
        ...


@dataclass(frozen=True)
class Identity:
    """Leaves the logit as it is."""

    kind: Method = "identity"

    def apply(self, z: Floats) -> Floats:
        """The logits themselves."""
        return z

    def to_dict(self) -> dict[str, Any]:
        """Only its kind."""
        return {"kind": self.kind}


@dataclass(frozen=True)
class Platt:
    """`intercept + slope * z`, slope at least 0 (Platt scaling on the logit)."""

    intercept: float
    slope: float
    kind: Method = "platt"

    @classmethod
    def fit(cls, z: Floats, y: Floats) -> Platt:
        """Maximum likelihood, held to slope 1 as firmly as two rows would."""
        design = np.column_stack([np.ones_like(z), z])
        beta = penalised_logistic(design, y, penalty=[1e-6, 0.5], centre=[0, 1], lower=[-np.inf, 0], start=[0, 1])
        return cls(float(beta[0]), float(beta[1]))

    def apply(self, z: Floats) -> Floats:
        """Straight line in the logit."""
        return self.line.at(z)

    @property
    def line(self) -> LogitLine:
        """From the head's logit to the calibrated one."""
        return LogitLine(self.slope, self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Kind, intercept, slope."""
        return {"kind": self.kind, "intercept": self.intercept, "slope": self.slope}


@dataclass(frozen=True)
class Beta:
    """`intercept + a ln p - b ln(1 - p)`, a and b at least 0 (beta calibration, Kull et al. 2017)."""

    intercept: float
    a: float
    b: float
    kind: Method = "beta"

    @classmethod
    def fit(cls, z: Floats, y: Floats) -> Beta:
        """Maximum likelihood, held to a = b = 1 (the identity) as firmly as two rows would."""
        design = np.column_stack([np.ones_like(z), *_log_probabilities(z)])
        beta = penalised_logistic(
            design, y, penalty=[1e-6, 0.5, 0.5], centre=[0, 1, 1], lower=[-np.inf, 0, 0], start=[0, 1, 1]
        )
        return cls(float(beta[0]), float(beta[1]), float(beta[2]))

    def apply(self, z: Floats) -> Floats:
        """Two slopes, one for low and one for high probabilities."""
        log_p, minus_log_q = _log_probabilities(z)
        return self.intercept + self.a * log_p + self.b * minus_log_q

    def to_dict(self) -> dict[str, Any]:
        """Kind, intercept, a, b."""
        return {"kind": self.kind, "intercept": self.intercept, "a": self.a, "b": self.b}


@dataclass(frozen=True)
class Isotonic:
    """Centred isotonic regression on bins of equal size: a line through the centres of the pooled blocks, in logits.

    Flat outside the outermost centres.
    """

    at: tuple[float, ...]
    logits: tuple[float, ...]
    kind: Method = "isotonic"

    @classmethod
    def fit(cls, z: Floats, y: Floats) -> Isotonic:
        """Pools adjacent bins that violate the order, then keeps each block's mean logit and rate.

        Half an event and half a non-event are added to each block, so that none says never or always; rows of the same
        logit are in the same bin.
        """
        from scipy.optimize import isotonic_regression

        values, inverse, counts = np.unique(z, return_inverse=True, return_counts=True)
        events = np.bincount(inverse, weights=y)
        n_bins = min(MOST_BINS, max(10, len(z) // 100))
        bins = ((np.cumsum(counts) - counts / 2) * n_bins / len(z)).astype(np.intp)
        sums, at, rows = _summed(np.flatnonzero(np.diff(bins, prepend=-1)), events, values * counts, counts)
        starts = isotonic_regression(sums / rows, weights=rows).blocks[:-1]
        sums, at, rows = _summed(starts, sums, at, rows)
        levels = np.maximum.accumulate(logit((sums + 0.5) / (rows + 1.0)))
        return cls(tuple(map(float, at / rows)), tuple(map(float, levels)))

    def apply(self, z: Floats) -> Floats:
        """Interpolated logits; the first and last block's beyond the ends."""
        return np.interp(z, self.at, self.logits)

    def to_dict(self) -> dict[str, Any]:
        """Kind and the two columns of the line."""
        return {"kind": self.kind, "at": list(self.at), "logits": list(self.logits)}


def _summed(starts: Any, *columns: Any) -> tuple[Floats, ...]:
    """Sums of each column over the groups that begin at `starts`."""
    return tuple(np.add.reduceat(column, starts) for column in columns)


def _log_probabilities(z: Floats) -> tuple[Floats, Floats]:
    """`ln p` and `-ln(1 - p)` of logits."""
    return -np.logaddexp(0.0, -z), np.logaddexp(0.0, z)


def fit_map(method: Method, z: Floats, y: Floats) -> CalibrationMap:
    """The map of that kind for raw logits `z` and outcomes `y` (0 or 1)."""
    if method == "identity" or not len(y):
        return Identity()
    if method == "platt":
        return Platt.fit(z, y)
    if method == "beta":
        return Beta.fit(z, y)
    return Isotonic.fit(z, y)


def map_from_dict(written: dict[str, Any]) -> CalibrationMap:
    """The map that `to_dict` wrote."""
    kind = written["kind"]
    if kind == "platt":
        return Platt(written["intercept"], written["slope"])
    if kind == "beta":
        return Beta(written["intercept"], written["a"], written["b"])
    if kind == "isotonic":
        return Isotonic(tuple(written["at"]), tuple(written["logits"]))
    return Identity()


def clip_logits(z: Floats) -> Floats:
    """Logits within +-30, so that a calibrated probability is never exactly 0 or 1."""
    return np.clip(z, -LOGIT_LIMIT, LOGIT_LIMIT)
