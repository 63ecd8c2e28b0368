"""From what moved a head's logit to what moved the score: exact sums, through calibrators and both heads.

A head's calibrated logit difference from its baseline is shared out in proportion to its raw contributions. The score
is then followed along the straight path from the baseline's two logits to the row's (integrated gradients), which
weighs the two heads; the quadrature's rounding is shared between them, so that rows sum to `score - baseline`.
"""

from __future__ import annotations

import numpy as np

from powerml.statistics.logistic import Floats, sigmoid

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def score_of_logits(churn: Floats, expand: Floats | None, stay_value: float) -> Floats:
    """S = 100 (stay_value P(stay) + P(expand)) of the heads' logits; 100 (1 - P(churn)) without a second head."""
    kept = sigmoid(-churn)
    return 100.0 * kept if expand is None else 100.0 * kept * (stay_value + (1.0 - stay_value) * sigmoid(expand))


def head_shares(raw: Floats, start: Floats | float, end: Floats, slope: float) -> Floats:
    """Contributions (rows, columns) to a calibrated logit that moved from `start` to `end` (rows,).

    Each is the raw contribution times the secant slope of the calibrator; `slope` is used where the raw contributions
    cancel, and the secant is undefined.
    """
    moved, total = end - start, raw.sum(axis=1)
    tiny = np.abs(total) <= 1e-9 * (1.0 + np.abs(raw).sum(axis=1))
    return raw * np.where(tiny, slope, moved / np.where(tiny, 1.0, total))[:, None]


def path_weights(
    churn: Floats, expand: Floats | None, start: tuple[float, float], stay_value: float
) -> tuple[Floats, Floats]:
    """Score points per unit of churn logit and of expand logit, on the straight path from `start` to each row.

    `weights[0] * (churn - start[0]) + weights[1] * (expand - start[1])` is the score less the baseline's score.
    """
    moved = churn - start[0]
    if expand is None:
        change = score_of_logits(churn, None, stay_value) - score_of_logits(np.array(start[0]), None, stay_value)
        still = np.abs(moved) < 1e-12
        at_rest = -100.0 * sigmoid(churn) * sigmoid(-churn)
        return np.where(still, at_rest, change / np.where(still, 1.0, moved)), np.zeros_like(moved)
    grown = expand - start[1]
    by_churn, by_expand = np.zeros_like(moved), np.zeros_like(moved)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        c, e = sigmoid(start[0] + node * moved), sigmoid(start[1] + node * grown)
        by_churn -= weight * 100.0 * c * (1.0 - c) * (stay_value + (1.0 - stay_value) * e)
        by_expand += weight * 100.0 * (1.0 - c) * (1.0 - stay_value) * e * (1.0 - e)
    baseline = score_of_logits(np.array(start[0]), np.array(start[1]), stay_value)
    change = score_of_logits(churn, expand, stay_value) - baseline
    rest = change - by_churn * moved - by_expand * grown
    length = moved**2 + grown**2
    share = rest / np.where(length > 1e-18, length, 1.0)
    return by_churn + share * moved, by_expand + share * grown
