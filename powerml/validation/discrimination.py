"""Does the score rank who churns and who expands: AUROC, average precision, lift and recall.

Frames with n and 95 % intervals by account. A score ranks churn downwards and expansion upwards; probabilities rank
their own outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.outcomes import outcomes_of
from powerml.statistics.scores import auroc, average_precision, recall_at
from powerml.tables import is_rest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TOP = 0.10


def discrimination(
    labels: ArrayLike,
    *,
    score: ArrayLike | None = None,
    probabilities: pd.DataFrame | None = None,
    groups: ArrayLike,
    repeats: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per outcome: n, n_events (rows), rate, then auroc, average_precision, lift_10 and recall_10 with ends.

    Give a `score` or `probabilities` (`p_churn`, ...). An outcome that never came or always came has nan.
    """
    y = np.asarray(labels)
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    rows = []
    for outcome in (o for o in outcomes_of(y) if not is_rest(o)):
        came, s = y == outcome, _rising(outcome, score, probabilities)
        recall, recalls = recall_at(came, s, TOP), draws.recall_at(came, s, TOP)
        row = {"outcome": outcome, "n": len(y), "n_events": int(came.sum()), "rate": float(came.mean())}
        row |= _with_ends("auroc", auroc(came, s), draws.auroc(came, s))
        row |= _with_ends("average_precision", average_precision(came, s), draws.average_precision(came, s))
        row |= _with_ends("lift_10", recall / TOP, recalls / TOP)
        row |= _with_ends("recall_10", recall, recalls)
        rows.append(row)
    return pd.DataFrame(rows)


def _rising(outcome: str, score: ArrayLike | None, probabilities: pd.DataFrame | None) -> np.ndarray:
    """What should be high where that outcome comes."""
    if probabilities is not None:
        return probabilities[f"p_{outcome}"].to_numpy(dtype=float)
    if score is None:
        raise TypeError("give a score or probabilities")
    s = np.asarray(score, dtype=float)
    return s if outcome == "expand" else -s


def _with_ends(name: str, value: float, replicates: np.ndarray) -> dict[str, float]:
    low, high = interval(replicates)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
