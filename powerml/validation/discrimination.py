"""Does the score rank who churns and who expands: AUROC, average precision, lift and recall, by month, and earlier.

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

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    for outcome in (o for o in outcomes_of(y) if o != "stay"):
        came, s = y == outcome, _rising(outcome, score, probabilities)
        recall, recalls = recall_at(came, s, TOP), draws.recall_at(came, s, TOP)
        row = {"outcome": outcome, "n": len(y), "n_events": int(came.sum()), "rate": float(came.mean())}
        row |= _with_ends("auroc", auroc(came, s), draws.auroc(came, s))
        row |= _with_ends("average_precision", average_precision(came, s), draws.average_precision(came, s))
        row |= _with_ends("lift_10", recall / TOP, recalls / TOP)
        row |= _with_ends("recall_10", recall, recalls)
        rows.append(row)
    return pd.DataFrame(rows)


def auroc_by_month(
    labels: ArrayLike,
    times: ArrayLike,
    *,
    score: ArrayLike | None = None,
    probabilities: pd.DataFrame | None = None,
    groups: ArrayLike,
    repeats: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """AUROC per outcome and cutoff with its interval: outcome, as_of, n, n_events, rate, auroc, ends, worst.

    `worst` marks each outcome's lowest AUROC among the months that have at least one event.
    """
    y, at, names = np.asarray(labels), pd.to_datetime(pd.Series(np.asarray(times))), np.asarray(groups)
    rows = []
    for outcome in (o for o in outcomes_of(y) if o != "stay"):
        s = _rising(outcome, score, probabilities)
        for as_of in sorted(at.unique()):
            here = (at == as_of).to_numpy()
            came = y[here] == outcome
            row = {"outcome": outcome, "as_of": as_of, "n": len(came), "n_events": int(came.sum())}
            row["rate"] = float(came.mean())
            draws = AccountBootstrap.of(names[here], repeats=repeats, seed=seed)
            rows.append(row | _with_ends("auroc", auroc(came, s[here]), draws.auroc(came, s[here])))
    months = pd.DataFrame(rows)
    lowest = months.groupby("outcome")["auroc"].transform("min")
    return months.assign(worst=months["auroc"] == lowest)


def auroc_by_days_before(
    scores: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    id_column: str,
    account: str | None = None,
    days: Sequence[int] = (0, 30, 60, 90),
    tolerance_days: int = 15,
    repeats: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How well the score of so many days earlier ranks the outcome: outcome, days_earlier, n, n_events, auroc, ends.

    `scores`: as_of, id, score at any cutoffs. `labels`: as_of, id, label (and the `account` column, if resampled by).
    For each labelled row the score nearest to `days` before its cutoff counts, if it is within `tolerance_days`;
    rows without one are left out, so n falls with the days. Only snapshots on or before that moment stand in it.
    """
    history = scores[["as_of", id_column, "score"]].dropna().sort_values("as_of")
    rows = labels.assign(row=np.arange(len(labels)))
    found = []
    for earlier in days:
        asked = rows.assign(wanted=pd.to_datetime(rows["as_of"]) - pd.Timedelta(days=earlier)).sort_values("wanted")
        asked["wanted"] = asked["wanted"].astype(history["as_of"].dtype)
        near = pd.merge_asof(
            asked.drop(columns="as_of"),
            history,
            left_on="wanted",
            right_on="as_of",
            by=id_column,
            direction="nearest",
            tolerance=pd.Timedelta(days=tolerance_days if earlier else 0),
        ).dropna(subset=["score"])
        near = near.sort_values("row")
        for outcome in (o for o in outcomes_of(labels["label"]) if o != "stay"):
            came = near["label"].eq(outcome).to_numpy()
            s = _rising(outcome, near["score"], None)
            row = {"outcome": outcome, "days_earlier": earlier, "n": len(near), "n_events": int(came.sum())}
            if len(near):
                draws = AccountBootstrap.of(near[account or id_column], repeats=repeats, seed=seed)
                found.append(row | _with_ends("auroc", auroc(came, s), draws.auroc(came, s)))
            else:
                found.append(row | _with_ends("auroc", np.nan, np.array([np.nan])))
    return pd.DataFrame(found).sort_values(["outcome", "days_earlier"], ignore_index=True)


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
