"""Prior shift: moving probabilities to another base rate by moving the logit, and saying when it has moved too far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powerml.statistics.folds import group_codes
from powerml.statistics.logistic import Floats, base_logit, sigmoid

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
    def is_told(self) -> bool:
        """Whether the rows tell it from no move at all."""
        return self.low > 0 or self.high < 0

    @property
    def alarm(self) -> bool:
        """Whether the move exceeds 0.3 either way."""
        return abs(self.by) > ALARM


def intercept_shift(z: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Shift:
    """The move that makes predicted and observed totals agree on mature data, with its 95 % interval.

    `z` are the head's calibrated logits, `y` the outcomes (0 or 1), `groups` the rows' accounts, which move together
    (each row its own without). With no rows there is no move.
    """
    z, y = np.asarray(z, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(y):
        return Shift(0.0, -np.inf, np.inf)
    by = _offset_only(z, y)
    p = sigmoid(z + by)
    informed = max(float((p * (1 - p)).sum()), 1e-12)
    together = np.bincount(group_codes(groups, len(y)), weights=y - p)
    spread = 1.96 * np.sqrt(max(float((together**2).sum()), informed)) / informed
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
