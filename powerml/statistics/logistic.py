"""Penalised logistic regression: the one solver behind links, calibrators, logistic heads, cards and blends.

Every fit here is convex and small (at most a few hundred columns), so a projected Newton method reaches the optimum to
rounding error, which makes a fit a function of the data alone: no step sizes, no seeds, no stopping by luck.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LOGIT_LIMIT = 30.0
"""Logits are kept within this distance of 0: probabilities stay off 0 and 1 by 1e-13."""

_BLOCK_ROWS = 8192


class LogitLine(NamedTuple):
    """A straight line from a score (or a logit) to a logit.

    >>> LogitLine(slope=-0.1, intercept=2.0).at([0.0, 30.0]).tolist()
    [2.0, -1.0]
    """

    slope: float
    intercept: float

    def at(self, score: ArrayLike) -> Floats:
        """The logit at each score."""
        return self.intercept + self.slope * np.asarray(score, dtype=np.float64)

    def then(self, outer: LogitLine) -> LogitLine:
        """This line followed by another, as one.

        >>> LogitLine(2.0, 1.0).then(LogitLine(10.0, 5.0))
        LogitLine(slope=20.0, intercept=15.0)
        """
        return LogitLine(outer.slope * self.slope, outer.intercept + outer.slope * self.intercept)


def sigmoid(logit: ArrayLike) -> Floats:
    """Probability of a logit, without overflow.

    >>> float(sigmoid(0.0))
    0.5
    """
    z = np.asarray(logit, dtype=np.float64)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def logit(probability: ArrayLike) -> Floats:
    """Logit of a probability, limited to +-30.

    >>> float(logit(0.5))
    0.0
    """
    p = np.asarray(probability, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logits: Floats = np.clip(np.log(p) - np.log1p(-p), -LOGIT_LIMIT, LOGIT_LIMIT)
        return logits


def log_losses(y: ArrayLike, logits: ArrayLike) -> Floats:
    """Log loss of each row in nats, from logits.

    >>> log_losses([1, 0], [0.0, 0.0]).round(4).tolist()
    [0.6931, 0.6931]
    """
    z = np.asarray(logits, dtype=np.float64)
    return np.logaddexp(0.0, z) - np.asarray(y, dtype=np.float64) * z


def tested_log_loss(y: Floats, logits: Floats) -> float:
    """Mean log loss (nats a row) of out-of-fold logits (rows,), of the rows that a fold tests; nan without any.

    >>> round(tested_log_loss(np.array([1.0, 0.0]), np.array([0.0, np.nan])), 4)
    0.6931
    """
    tested = np.isfinite(logits)
    return float(log_losses(y[tested], logits[tested]).mean()) if tested.any() else float("nan")


def base_logit(y: ArrayLike) -> float:
    """Logit of the rate of events, half an event and half a non-event added so that it is finite."""
    y = np.asarray(y, dtype=np.float64)
    return float(logit((y.sum() + 0.5) / (len(y) + 1.0)))


def penalised_logistic(
    design: Floats,
    y: Floats,
    *,
    penalty: ArrayLike = 0.0,
    centre: ArrayLike = 0.0,
    lower: ArrayLike = -np.inf,
    start: ArrayLike | None = None,
    tolerance: float = 1e-9,
    max_steps: int = 60,
) -> Floats:
    """Coefficients that minimise the summed log loss plus `penalty / 2 * (coefficient - centre)^2`, none below `lower`.

    `design` is (rows, columns) and holds the intercept as a column of its own; `penalty`, `centre` and `lower` are
    numbers or one per column; `start` is where to begin (warm starts save steps and change nothing else).
    """
    n_columns = design.shape[1]
    penalty, centre, lower = (np.broadcast_to(np.asarray(v, float), n_columns) for v in (penalty, centre, lower))
    beta: Floats = np.maximum(centre if start is None else np.asarray(start, float), lower)
    logits = design @ beta
    value = _objective(y, logits, beta, penalty, centre)
    for _ in range(max_steps):
        gradient, hessian = _derivatives(design, y, logits)
        gradient = gradient + penalty * (beta - centre)
        free = ~((beta <= lower) & (gradient >= 0))
        if not free.any() or np.abs(gradient[free]).max() <= tolerance * max(1.0, len(y)):
            break
        held = hessian[np.ix_(free, free)]
        held[np.diag_indices_from(held)] += penalty[free] + 1e-10 * (1.0 + held.diagonal())
        direction = np.zeros(n_columns)
        direction[free] = np.linalg.solve(held, -gradient[free])
        step, moved = 1.0, False
        while step > 1e-8:
            trial = np.maximum(beta + step * direction, lower)
            trial_logits = design @ trial
            trial_value = _objective(y, trial_logits, trial, penalty, centre)
            if trial_value <= value + 1e-4 * float(gradient @ (trial - beta)):
                moved = True
                break
            step /= 2
        if not moved:
            break
        gain = value - trial_value
        beta, logits, value = trial, trial_logits, trial_value
        if gain <= 1e-13 * (1.0 + abs(value)):
            break
    return beta


def _objective(y: Floats, logits: Floats, beta: Floats, penalty: Floats, centre: Floats) -> float:
    return float(log_losses(y, logits).sum() + 0.5 * (penalty * (beta - centre) ** 2).sum())


def _derivatives(design: Floats, y: Floats, logits: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian of the summed log loss, block by block so that no second copy of the design is made."""
    p = sigmoid(logits)
    residual, spread = p - y, np.sqrt(p * (1.0 - p))
    hessian = np.zeros((design.shape[1], design.shape[1]))
    for begin in range(0, len(y), _BLOCK_ROWS):
        rows = design[begin : begin + _BLOCK_ROWS] * spread[begin : begin + _BLOCK_ROWS, None]
        hessian += rows.T @ rows  # a product with itself costs half of one with another
    return design.T @ residual, hessian
