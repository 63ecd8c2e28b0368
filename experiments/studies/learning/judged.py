"""What a model says of one later month, held against what came: calibration with intervals by account, bands, skill."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.config import documents
from powerml.statistics.bootstrap import AccountBootstrap
from powerml.statistics.logistic import logit, sigmoid
from powerml.statistics.outcomes import outcome_values
from powerml.statistics.scores import (
    auroc,
    calibration_line,
    log_loss_rows,
    observed_expected,
    outcomes_log_loss_rows,
)

OUTCOMES = ("churn", "stay", "expand")
LEVELS = (0.005, 0.995)  # 99 % intervals, as the specification asks
REPEATS = 2000


def sides(p: pd.DataFrame, y: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per head: which rows it is about, whether its outcome came, and its probability of it."""
    churn, expand = p["p_churn"].to_numpy(), p["p_expand"].to_numpy()
    kept = y != "churn"
    given = expand[kept] / np.maximum(1 - churn[kept], 1e-12)
    return {
        "churn": (np.ones(len(y), bool), y == "churn", churn),
        "expand given not churn": (kept, y[kept] == "expand", np.clip(given, 1e-9, 1 - 1e-9)),
    }


def calibration(p: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, *, seed: int = 7) -> pd.DataFrame:
    """One row per head: rate, slope and observed/expected with 99 % intervals, AUROC, log loss."""
    rows = []
    for name, (kept, came, said) in sides(p, y).items():
        draws = AccountBootstrap.of(accounts[kept], repeats=REPEATS, seed=seed)
        slope, slopes = _slope(came, said, draws)
        sums = draws.sums(np.column_stack([came, said]))
        low, high = np.quantile(sums[:, 0] / sums[:, 1], LEVELS)
        slope_low, slope_high = np.quantile(slopes, LEVELS)
        rows.append(
            {
                "head": name, "n": len(came), "events": int(came.sum()), "rate": came.mean(),
                "slope": slope, "slope_low": slope_low, "slope_high": slope_high,
                "observed_expected": observed_expected(came, said), "oe_low": low, "oe_high": high,
                "auroc": auroc(came, said), "log_loss": log_loss_rows(came, said).mean(),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table["slope_ok"] = table["slope"].between(0.9, 1.1) | ((table["slope_low"] <= 1) & (table["slope_high"] >= 1))
    inside = table["observed_expected"].between(0.95, 1.05)
    table["oe_ok"] = inside | ((table["oe_low"] <= 1) & (table["oe_high"] >= 1))
    return table


def _slope(came: np.ndarray, said: np.ndarray, draws: AccountBootstrap) -> tuple[float, np.ndarray]:
    """The calibration slope and its bootstrap replicates, each one Newton step from the slope of all rows."""
    slope, intercept = calibration_line(came, said)
    z = logit(said)
    p = sigmoid(intercept + slope * z)
    w = p * (1 - p)
    sums = draws.sums(np.column_stack([came - p, (came - p) * z, w, w * z, w * z * z]))
    g0, g1, h00, h01, h11 = sums.T
    return slope, slope + (h00 * g1 - h01 * g0) / (h00 * h11 - h01**2)


def bands(p: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, *, seed: int = 7) -> pd.DataFrame:
    """One row per band of the score: does the mean outcome of those in it lie inside it (judged from n = 100 on)?"""
    worth = outcome_values(OUTCOMES)
    values = np.array([worth[OUTCOMES.index(o)] for o in y])
    score = p[["p_churn", "p_stay", "p_expand"]].to_numpy() @ worth
    edges = [band.from_ for band in documents.ladder().bands][::-1]
    rows = []
    for band, low, high in zip(
        [b.name for b in documents.ladder().bands][::-1], edges, [*edges[1:], 100.0], strict=True
    ):
        at = (score >= low) & ((score < high) | (high == 100))
        if not at.any():
            continue
        means = AccountBootstrap.of(accounts[at], repeats=REPEATS, seed=seed).means(values[at])
        first, last = np.quantile(means, LEVELS)
        mean = values[at].mean()
        rows.append(
            {
                "band": band, "from": low, "to": high, "n": int(at.sum()), "mean_score": score[at].mean(),
                "mean_outcome": mean, "low": first, "high": last,
                "inside": "" if at.sum() < 100 else "yes" if low <= mean <= high else "no",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def log_losses(p: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """Three-way log loss of each row."""
    codes = np.array([OUTCOMES.index(o) for o in y])
    return outcomes_log_loss_rows(codes, p[["p_churn", "p_stay", "p_expand"]].to_numpy())


def as_probabilities(churn: np.ndarray, expand: np.ndarray) -> pd.DataFrame:
    """Probabilities of the three outcomes from those of churn and of expansion."""
    return pd.DataFrame({"p_churn": churn, "p_stay": np.maximum(1 - churn - expand, 1e-12), "p_expand": expand})
