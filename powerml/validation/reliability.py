"""Are the probabilities right: proper scores with skill, observed over expected, calibration line, reliability curve.

And the score: does the outcome value Y average to S where the score says S. Accuracy stands only beside that of the
majority class. Frames with n and 95 % intervals by account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.intervals import normal_quantile, wilson_by_account
from powerml.statistics.logistic import logit, sigmoid
from powerml.statistics.outcomes import Predictions, base_rates, outcome_values
from powerml.statistics.scores import (
    brier_rows,
    calibration_line,
    inside,
    log_loss_rows,
    observed_expected,
    outcomes_brier_rows,
    outcomes_log_loss_rows,
    ranked_probability_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike


def proper_scores(
    y: ArrayLike,
    p: pd.DataFrame,
    *,
    base: Mapping[str, float] | pd.DataFrame,
    groups: ArrayLike,
    repeats: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Losses with skill over the training base rates: outcome, score, n, loss, reference, skill, skill_low, skill_high.

    `score` is log_loss, brier and, overall for three outcomes, ranked_probability.
    """
    ours = Predictions.of(y, p)
    rates = base_rates(base, ours.outcomes, len(ours.codes))
    losses = {
        ("overall", "log_loss"): [outcomes_log_loss_rows(ours.codes, q) for q in (ours.probabilities, rates)],
        ("overall", "brier"): [outcomes_brier_rows(ours.codes, q) for q in (ours.probabilities, rates)],
    }
    if len(ours.outcomes) > 2:
        ranked = [ranked_probability_rows(ours.codes, q) for q in (ours.probabilities, rates)]
        losses["overall", "ranked_probability"] = ranked
    for outcome in ours.judged:
        came, column = ours.came(outcome), ours.outcomes.index(outcome)
        said = (ours.said(outcome), rates[:, column])
        losses[outcome, "log_loss"] = [log_loss_rows(came, q) for q in said]
        losses[outcome, "brier"] = [brier_rows(came, q) for q in said]
    rows = np.column_stack([column for both in losses.values() for column in both])
    drawn = AccountBootstrap.of(groups, repeats=repeats, seed=seed).sums(rows)
    table = []
    for i, (outcome, score) in enumerate(losses):
        loss, reference = rows[:, 2 * i].mean(), rows[:, 2 * i + 1].mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.where(drawn[:, 2 * i + 1] > 0, 1 - drawn[:, 2 * i] / drawn[:, 2 * i + 1], np.nan)
        low, high = interval(shares)
        row = {"outcome": outcome, "score": score, "n": len(rows), "loss": loss, "reference": reference}
        table.append(
            row | {"skill": 1 - loss / reference if reference > 0 else np.nan, "skill_low": low, "skill_high": high}
        )
    return pd.DataFrame(table)


def calibration(
    y: ArrayLike, p: pd.DataFrame, *, groups: ArrayLike, repeats: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Per outcome: n, n_events, observed_expected, slope and intercept of the calibration line, each with ends.

    Ends of slope and intercept are cluster-robust (sandwich); those of observed/expected are bootstrapped.
    """
    ours = Predictions.of(y, p)
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    table = []
    for outcome in ours.judged:
        came, said = ours.came(outcome), ours.said(outcome)
        sums = draws.sums(np.column_stack([came.astype(float), said]))
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = interval(sums[:, 0] / sums[:, 1])
        row = {"outcome": outcome, "n": len(came), "n_events": int(came.sum())}
        row |= {"observed_expected": observed_expected(came, said), "observed_expected_low": low}
        slope, intercept = calibration_line(came, said)
        errors = _line_errors(came, said, slope, intercept, draws.codes)
        row |= {"observed_expected_high": high}
        for name, value, error in (("slope", slope, errors[0]), ("intercept", intercept, errors[1])):
            half = normal_quantile(0.95) * error
            row |= {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
        table.append(row)
    return pd.DataFrame(table)


def reliability_curve(y: ArrayLike, p: pd.DataFrame, *, groups: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Per outcome and tenth of the probabilities: outcome, bin, n, predicted, observed, low, high (by effective n).

    Bins hold about as many rows each; tied probabilities stay together.
    """
    ours, accounts = Predictions.of(y, p), np.asarray(groups)
    table = []
    for outcome in ours.judged:
        came, said = ours.came(outcome), ours.said(outcome)
        for number, rows in enumerate(_equal_bins(said, bins)):
            observed, low, high = wilson_by_account(came[rows], accounts[rows])
            row = {"outcome": outcome, "bin": number, "n": len(rows), "predicted": float(said[rows].mean())}
            table.append(row | {"observed": observed, "low": low, "high": high})
    return pd.DataFrame(table)


def score_calibration(
    score: ArrayLike,
    y: ArrayLike,
    *,
    outcomes: tuple[str, ...],
    groups: ArrayLike,
    stay_value: float = 60.0,
    bins: int = 10,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcome value Y on score S: the line (intercept 0 and slope 1 when E[Y | S = s] = s), and the curve by tenths.

    Line: n, intercept, slope, mean_gap (mean Y less mean S), each with ends. Curve: bin, n, mean_score, mean_outcome,
    low, high.
    """
    s, labels = np.asarray(score, dtype=float), pd.Index(np.asarray(y))
    values = outcome_values(outcomes, stay_value=stay_value)[pd.Index(outcomes).get_indexer(labels)]
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    sums = draws.sums(np.column_stack([np.ones_like(s), s, values, s * s, s * values]))
    every = np.column_stack([np.ones_like(s), s, values, s * s, s * values]).sum(axis=0)
    line: dict[str, object] = {"n": len(s)}
    for name, value, drawn in zip(("intercept", "slope", "mean_gap"), _line(every), _line(sums), strict=True):
        low, high = interval(drawn)
        line |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
    curve = []
    for number, rows in enumerate(_equal_bins(s, bins)):
        here = AccountBootstrap.of(np.asarray(groups)[rows], repeats=min(repeats, 300), seed=seed)
        low, high = interval(here.means(values[rows]))
        row = {"bin": number, "n": len(rows), "mean_score": float(s[rows].mean())}
        curve.append(row | {"mean_outcome": float(values[rows].mean()), "low": low, "high": high})
    return pd.DataFrame([line]), pd.DataFrame(curve)


def accuracy_beside_majority(y: ArrayLike, predicted: ArrayLike) -> pd.DataFrame:
    """Accuracy of predicted outcomes, never without that of always saying the most frequent one.

    Columns: n, accuracy, majority (the outcome), majority_accuracy, skill (share of the majority's mistakes saved).
    """
    labels, said = pd.Series(np.asarray(y)), pd.Series(np.asarray(predicted))
    counts = labels.value_counts()
    right, majority = float((labels == said).mean()), float(counts.iloc[0] / len(labels))
    skill = (right - majority) / (1 - majority) if majority < 1 else float("nan")
    row = {"n": len(labels), "accuracy": right, "majority": counts.index[0], "majority_accuracy": majority}
    return pd.DataFrame([row | {"skill": skill}])


def _line(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercept, slope and mean gap from sums of 1, S, Y, S^2, SY (last axis)."""
    n, s, y, ss, sy = np.moveaxis(np.asarray(sums, dtype=float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = ss - s * s / n
        slope = np.where(spread > 1e-9, (sy - s * y / n) / spread, np.nan)
        return y / n - slope * s / n, slope, (y - s) / n


def _line_errors(
    came: np.ndarray, said: np.ndarray, slope: float, intercept: float, codes: np.ndarray
) -> tuple[float, float]:
    """Cluster-robust standard errors of the calibration line's slope and intercept."""
    if np.isnan(slope):
        return float("nan"), float("nan")
    x = logit(inside(said))
    fitted = sigmoid(slope * x + intercept)
    design = np.column_stack([x, np.ones_like(x)])
    bread = np.linalg.inv(design.T @ (design * (fitted * (1 - fitted))[:, None]))
    residual = design * (came - fitted)[:, None]
    accounts = int(codes.max()) + 1
    by_account = np.column_stack([np.bincount(codes, weights=column, minlength=accounts) for column in residual.T])
    meat = by_account.T @ by_account * accounts / max(accounts - 1, 1)
    errors = np.sqrt(np.diag(bread @ meat @ bread))
    return float(errors[0]), float(errors[1])


def _equal_bins(values: np.ndarray, bins: int) -> list[np.ndarray]:
    """Row positions of at most `bins` stretches of about equal size, in rising order, ties together."""
    distinct, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = (counts.cumsum() - counts / 2) / len(values)
    number = np.minimum((bins * middle).astype(int), bins - 1) if len(distinct) > bins else np.arange(len(distinct))
    of_row = number[codes]
    return [np.flatnonzero(of_row == b) for b in np.unique(of_row)]
