"""The gaming monitor: does what each metric gives to the score still go with the outcome in the newest months?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from powerml.statistics.scores import midranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEWEST_MONTHS = 3
FEWEST_CAME = 10
SMALLEST_SHARE = 1.0
"""Per cent of a score below which a metric is not asked about."""
GAMING_COLUMNS = (
    *("metric", "share", "auroc_before", "before_low", "before_high", "auroc_now", "now_low", "now_high", "verdict"),
)
GamingVerdict = Literal["still tells", "tells no longer", "told nothing before", "cannot tell"]


def gaming(
    contributions: pd.DataFrame, stayed: NDArray[np.bool_], *, account: NDArray[np.object_], recent: NDArray[np.bool_]
) -> pd.DataFrame:
    """One row per metric that gives at least a hundredth of the score, the largest share first (GAMING_COLUMNS).

    `contributions`: points per metric, a row per entity and month with a known outcome; `stayed`: it did not come to
    what is feared; `recent`: it is one of the newest months. `share` is in per cent of the mean absolute deviation of
    all contributions; `auroc_*` is the chance that one who stayed got more points of it than one who did not, 95 %
    intervals by account. A metric that people learn to move tells no longer: what it gives still varies, and it goes
    with the outcome less than before, and not measurably at all.
    """
    spread = (contributions - contributions.mean()).abs().mean()
    shares = 100 * spread / spread.sum() if spread.sum() > 0 else spread
    rows = []
    for name in shares[shares >= SMALLEST_SHARE].sort_values(ascending=False, kind="stable").index:
        points = contributions[name].to_numpy(dtype=float)
        before = auroc_by_account(stayed[~recent], points[~recent], account[~recent])
        now = auroc_by_account(stayed[recent], points[recent], account[recent])
        rows.append((str(name), float(shares[name]), *before, *now, _verdict(before, now)))
    return pd.DataFrame(rows, columns=list(GAMING_COLUMNS))


def _verdict(before: tuple[float, float, float], now: tuple[float, float, float]) -> GamingVerdict:
    if math.isnan(before[1]) or math.isnan(now[1]):
        return "cannot tell"
    if before[1] <= 0.5:
        return "told nothing before"
    if now[1] > 0.5:
        return "still tells"
    fell = before[0] - now[0]
    errors = [(high - low) / (2 * 1.96) for _, low, high in (before, now)]
    return "tells no longer" if fell > 1.96 * math.hypot(*errors) else "cannot tell"


def gaming_sentence(table: pd.DataFrame) -> str:
    """The one sentence of the monitor."""
    lost = table[table["verdict"] == "tells no longer"]
    if table.empty or table["verdict"].eq("cannot tell").all():
        return "Gaming monitor: too few outcomes to tell whether each metric's share still predicts them."
    if lost.empty:
        n = int(table["verdict"].eq("still tells").sum())
        return f"Gaming monitor: no metric's share has ceased to go with the outcome; {n} of {len(table)} still tell."
    told = "; ".join(
        f"{str(row.metric).replace('_', ' ')} ({row.share:.0f} % of the score, {row.auroc_before:.2f} before, "
        f"{row.auroc_now:.2f} now)"
        for row in lost.itertuples()
    )
    return f"Gaming monitor: gives points and no longer goes with the outcome: {told}; look at how it is earned."


def auroc_by_account(
    event: NDArray[np.bool_], points: NDArray[np.float64], account: NDArray[np.object_]
) -> tuple[float, float, float]:
    """AUROC and its 95 % interval, accounts as wholes; nan where fewer than ten rows of either side are known.

    The error sums each account's placements. Source: Obuchowski, Nonparametric analysis of clustered ROC curve data,
    Biometrics 53 (1997).
    """
    n_1, n_0 = int(event.sum()), int((~event).sum())
    if min(n_1, n_0) < FEWEST_CAME:
        return float("nan"), float("nan"), float("nan")
    ranks = midranks(points)
    above = np.empty(len(points))  # the share of the other side that lies on the expected side of a row, ties half
    above[event] = (ranks[event] - midranks(points[event])) / n_0
    above[~event] = 1 - (ranks[~event] - midranks(points[~event])) / n_1
    value = float(above[event].mean())
    influence = np.where(event, (above - value) / n_1, (above - value) / n_0)
    sums = pd.Series(influence).groupby(account).sum()
    error = math.sqrt(float((sums**2).sum()) * len(sums) / (len(sums) - 1))
    return value, value - 1.96 * error, value + 1.96 * error
