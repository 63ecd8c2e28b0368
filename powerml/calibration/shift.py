"""Prior shift: moving probabilities to another base rate by moving the logit, and saying when it has moved too far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powerml.statistics.logistic import Floats, base_logit, logit, sigmoid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ALARM = 0.3
"""A logit that moves by more than this says that more than the base rate has changed."""


@dataclass(frozen=True)
class Shift:
    """How far the logits of one head were moved, and whether that is an alarm."""

    by: float
    low: float
    high: float

    @property
    def alarm(self) -> bool:
        """Whether the move exceeds 0.3 either way."""
        return abs(self.by) > ALARM


def prior_shift(old_rate: float, new_rate: float) -> Shift:
    """The move of the logit that takes a head from one known base rate to another.

    >>> round(prior_shift(0.037, 0.221).by, 3), prior_shift(0.05, 0.06).alarm
    (1.999, False)
    """
    by = float(logit(new_rate) - logit(old_rate))
    return Shift(by, by, by)


def intercept_shift(z: ArrayLike, y: ArrayLike) -> Shift:
    """The move that makes predicted and observed totals agree on mature data, with its 95 % interval.

    `z` are the head's calibrated logits, `y` the outcomes (0 or 1). With no rows there is no move.
    """
    z, y = np.asarray(z, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(y):
        return Shift(0.0, -np.inf, np.inf)
    by = _offset_only(z, y)
    p = sigmoid(z + by)
    spread = 1.96 / np.sqrt(max(float((p * (1 - p)).sum()), 1e-12))
    return Shift(by, by - spread, by + spread)


def _offset_only(z: Floats, y: Floats) -> float:
    """Maximum-likelihood intercept with slope fixed at 1, by Newton steps; half an event keeps it finite."""
    by = base_logit(y) - base_logit(sigmoid(z))
    target = (y.sum() + 0.5) / (len(y) + 1.0) * len(y)
    for _ in range(50):
        p = sigmoid(z + by)
        step = (target - p.sum()) / max(float((p * (1 - p)).sum()), 1e-12)
        by += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-12:
            break
    return by


def reference_mix(proba: Floats, *, trained: ArrayLike, reference: ArrayLike) -> Floats:
    """Outcome probabilities (rows, outcomes) as they would be if the outcomes came in another mix.

    Each column is multiplied by reference over trained rate and the rows are scaled back to 1.

    >>> reference_mix(np.array([[0.5, 0.5]]), trained=[0.5, 0.5], reference=[0.2, 0.8]).round(2).tolist()
    [[0.2, 0.8]]
    """
    ratio = np.asarray(reference, float) / np.maximum(np.asarray(trained, float), 1e-12)
    shifted = np.asarray(proba, float) * ratio
    mix: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return mix
