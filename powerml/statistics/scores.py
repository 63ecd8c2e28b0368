"""How good predictions are: proper scores per row, ranking, calibration line. One number each, no intervals.

Outcomes are 0/1 (`y`) with probabilities `p`, or codes 0, 1, 2 = churn, stay, expand (`k`) with a matrix of
probabilities whose columns stand in that order. Undefined numbers (one class only, no rows) are nan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.statistics.logistic import LogitLine, base_logit, logit, penalised_logistic

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NO_LINE = LogitLine(float("nan"), float("nan"))
SMALLEST = 1e-12  # probabilities are kept this far from 0 and 1: a certain mistake costs 27.6 nats, not infinity


def inside(p: ArrayLike) -> np.ndarray:
    """Probabilities kept `SMALLEST` from 0 and 1."""
    clipped: np.ndarray = np.clip(np.asarray(p, dtype=float), SMALLEST, 1 - SMALLEST)
    return clipped


def log_loss_rows(y: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Log loss of every row, in nats.

    >>> log_loss_rows([1, 0], [0.5, 0.2]).round(4)
    array([0.6931, 0.2231])
    """
    said = inside(p)
    loss: np.ndarray = -np.log(np.where(np.asarray(y, dtype=bool), said, 1 - said))
    return loss


def brier_rows(y: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Squared error of every row's probability."""
    loss: np.ndarray = (np.asarray(p, dtype=float) - np.asarray(y, dtype=float)) ** 2
    return loss


def outcomes_log_loss_rows(k: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Log loss of every row over all outcomes: minus the log of what was said of the one that came."""
    said = np.clip(np.asarray(p, dtype=float), SMALLEST, 1.0)
    loss: np.ndarray = -np.log(np.take_along_axis(said, np.asarray(k, dtype=int)[:, None], axis=1)[:, 0])
    return loss


def outcomes_brier_rows(k: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Squared errors of every row's probabilities, summed over the outcomes."""
    p = np.asarray(p, dtype=float)
    loss: np.ndarray = ((p - np.eye(p.shape[1])[np.asarray(k, dtype=int)]) ** 2).sum(axis=1)
    return loss


def ranked_probability_rows(k: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Ranked probability score of every row: squared errors of the cumulative probabilities, summed.

    To say churn where the entity expands costs more than to say stay.

    >>> ranked_probability_rows([2, 2], [[1, 0, 0], [0, 1, 0]])
    array([2., 1.])
    """
    p = np.asarray(p, dtype=float)
    happened = np.eye(p.shape[1])[np.asarray(k, dtype=int)]
    loss: np.ndarray = ((p.cumsum(axis=1) - happened.cumsum(axis=1))[:, :-1] ** 2).sum(axis=1)
    return loss


def skill(loss: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Share of the reference's loss that is saved: 1 = perfect, 0 = no better, below 0 = worse."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gained: np.ndarray = 1 - np.asarray(loss) / np.asarray(reference)
        return gained


def midranks(s: ArrayLike) -> np.ndarray:
    """Ranks from 1, ties sharing their mean rank.

    >>> midranks([3, 1, 3, 2])
    array([3.5, 1. , 3.5, 2. ])
    """
    _, codes, counts = np.unique(np.asarray(s), return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[codes]


def auroc(y: ArrayLike, s: ArrayLike) -> float:
    """Chance that a row with the outcome has the higher `s` than one without, ties counting half.

    >>> auroc([1, 1, 0, 0], [3, 1, 1, 0])
    0.875
    """
    y = np.asarray(y, dtype=bool)
    events, others = int(y.sum()), int((~y).sum())
    if not events or not others:
        return float("nan")
    return float((midranks(s)[y].sum() - events * (events + 1) / 2) / (events * others))


def concordance(k: ArrayLike, s: ArrayLike) -> float:
    """Chance that of two rows with different outcomes the one with the better has the higher `s`, ties half.

    With two outcomes it is the AUROC.
    """
    k, s = np.asarray(k), np.asarray(s, dtype=float)
    kinds = np.unique(k)
    right = pairs = 0.0
    for i, low in enumerate(kinds):
        for high in kinds[i + 1 :]:
            both = (k == low) | (k == high)
            count = float((k == low).sum()) * float((k == high).sum())
            right += count * auroc(k[both] == high, s[both])
            pairs += count
    return right / pairs if pairs else float("nan")


def average_precision(y: ArrayLike, s: ArrayLike) -> float:
    """Mean precision at the events, tied rows entering together."""
    y, s = np.asarray(y, dtype=float), np.asarray(s, dtype=float)
    if not y.any():
        return float("nan")
    _, codes = np.unique(-s, return_inverse=True)
    events, rows = np.bincount(codes, weights=y), np.bincount(codes)
    return float((events * events.cumsum() / rows.cumsum()).sum() / events.sum())


def recall_at(y: ArrayLike, s: ArrayLike, share: float = 0.1) -> float:
    """Share of the events among the `share` of rows with the highest `s`; rows tied at the cut count by expectation.

    >>> recall_at([1, 1, 0, 0], [9, 5, 5, 5], share=0.5)  # the second place goes to one of three, one of them an event
    0.6666666666666666
    """
    y, s = np.asarray(y, dtype=float), np.asarray(s, dtype=float)
    if not y.any():
        return float("nan")
    _, codes = np.unique(-s, return_inverse=True)
    events, rows = np.bincount(codes, weights=y), np.bincount(codes)
    before = rows.cumsum() - rows
    taken = np.clip((share * len(y) - before) / rows, 0, 1)
    return float((events * taken).sum() / events.sum())


def lift_at(y: ArrayLike, s: ArrayLike, share: float = 0.1) -> float:
    """How many times more frequent the events are among the `share` of rows with the highest `s` than among all."""
    return recall_at(y, s, share) / share


def observed_expected(y: ArrayLike, p: ArrayLike) -> float:
    """Events that came over events expected; 1 = right on the whole, above 1 = too few were expected."""
    expected = float(np.sum(p))
    return float(np.sum(np.asarray(y, dtype=float))) / expected if expected > 0 else float("nan")


def calibration_line(y: ArrayLike, p: ArrayLike) -> LogitLine:
    """Slope and intercept of the outcome on the logit of `p` (logistic regression); 1 and 0 when calibrated.

    A slope below 1 says that the probabilities are too extreme. The intercept is that of the line, not the one at
    slope 1. nan where the line cannot be found: one class only, `p` constant, or classes that `p` separates.
    """
    return logistic_line(y, logit(inside(p)))


def logistic_line(y: ArrayLike, x: ArrayLike, *, ridge: float = 0.0) -> LogitLine:
    """The logistic regression on one column; `ridge` shrinks the slope, nan where no line is the best."""
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    if len(y) == 0 or y.min() == y.max() or np.ptp(x) == 0:
        return NO_LINE
    middle, width = float(x.mean()), float(x.std())
    z = (x - middle) / width
    if ridge == 0 and _separated(y, z):
        return NO_LINE
    design = np.column_stack([z, np.ones_like(z)])
    slope, intercept = penalised_logistic(design, y, penalty=[ridge / width**2, 0.0], start=[0.0, base_logit(y)])
    if abs(slope) > 50:  # the classes are nearly separated: the line runs away
        return NO_LINE
    return LogitLine(float(slope / width), float(intercept - slope * middle / width))


def _separated(y: np.ndarray, z: np.ndarray) -> bool:
    """Whether some value of `z` parts the classes, so that no line is the best."""
    low, high = z[y == 0], z[y == 1]
    return bool(low.max() <= high.min() or high.max() <= low.min())
