"""Which metrics moved: the last three cutoffs against those before, by ranks, accounts drawn whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap
from powerml.statistics.scores import midranks
from powerml.statistics.splits import LATE_CUTOFFS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PLAIN = 4.0  # standard errors that a move needs: of 60 metrics that stand still one passes in 260 sessions
LARGE = 0.05  # and how far from one half the chance must be that a late value is above an earlier one


def moved_metrics(
    metrics: pd.DataFrame, *, times: ArrayLike, groups: ArrayLike, repeats: int = 300, seed: int = 0
) -> pd.DataFrame:
    """Metrics that moved, farthest first: metric, before, after (means), chance (late value above an earlier one), z.

    `chance` counts ties half; `z` is its distance from one half in standard errors, by account. Empty where fewer than
    six cutoffs are there.
    """
    times = np.asarray(times)
    cutoffs, columns = np.unique(times), ["metric", "before", "after", "chance", "z"]
    if len(cutoffs) < 2 * LATE_CUTOFFS:
        return pd.DataFrame(columns=columns)
    late = times >= cutoffs[-LATE_CUTOFFS]
    x = metrics.to_numpy(dtype=float)
    known = ~np.isnan(x)
    ranks = np.zeros_like(x)
    for j in range(x.shape[1]):
        n = int(known[:, j].sum())
        if n:
            ranks[known[:, j], j] = (midranks(x[known[:, j], j]) - (n + 1) / 2) / n
    halves = [(late[:, None] & known), (~late[:, None] & known)]
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    sums = draws.sums(np.column_stack([*(half * ranks for half in halves), *(half.astype(float) for half in halves)]))
    a, b, n_a, n_b = np.split(sums, 4, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = a / n_a - b / n_b
        seen = [(half * ranks).sum(axis=0) / half.sum(axis=0) for half in halves]
        chance = 0.5 + (seen[0] - seen[1])
        z = (chance - 0.5) / np.nanstd(drawn, axis=0)
    filled = np.where(known, x, 0.0)
    means = [(half * filled).sum(axis=0) / np.maximum(half.sum(axis=0), 1) for half in halves]
    table = pd.DataFrame(
        {"metric": metrics.columns.astype(str), "before": means[1], "after": means[0], "chance": chance, "z": z}
    )
    table = table[(table["z"].abs() >= PLAIN) & ((table["chance"] - 0.5).abs() >= LARGE)]
    order = (table["chance"] - 0.5).abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def drift_sentence(moved: pd.DataFrame, *, of: int, top: int = 3) -> str:
    """Which metrics moved, in a sentence; empty where none did."""
    if moved.empty:
        return ""
    told = [f"{r['metric']} (mean {r['before']:.3g} before, {r['after']:.3g} then)" for r in moved.to_dict("records")]
    count = f"{len(moved)} of {of} metrics stand" if len(moved) > 1 else f"one of {of} metrics stands"
    return f"Drift: {count} elsewhere at the last {LATE_CUTOFFS} cutoffs than before, farthest {', '.join(told[:top])}."


def comparable(times: ArrayLike, *, warm_up_days: int = 90) -> np.ndarray:
    """True for rows late enough that metrics of a quarter's window are full: `warm_up_days` after the first cutoff."""
    at = np.asarray(times, dtype="datetime64[ns]")
    return np.asarray(at >= at.min() + np.timedelta64(warm_up_days, "D"))
