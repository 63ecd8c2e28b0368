"""Why a score is what it is: contributions that add up to it, for one entity, for a group, for a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Contributions:
    """What each metric adds to each score.

    `values` has one row per scored row and one column per metric; its row sums and `baseline` give the score.
    """

    values: pd.DataFrame
    baseline: float

    @property
    def scores(self) -> pd.Series:
        """The scores that the contributions add up to."""
        return self.values.sum(axis=1) + self.baseline

    @property
    def mean(self) -> pd.Series:
        """The mean contribution of each metric: with `baseline` they add up to the mean score."""
        return self.values.mean()

    def of(self, rows: pd.Series | NDArray[np.bool_]) -> Contributions:
        """The contributions of some rows, by a mask: of a band, a segment, one entity."""
        return Contributions(self.values[np.asarray(rows, dtype=bool)], self.baseline)


def change(before: Contributions, after: Contributions) -> pd.DataFrame:
    """What moved the mean score between two dates: one row per metric, largest move first.

    Columns `metric`, `before`, `after`, `change`; the changes add up to the change of the mean score (baselines, where
    they differ, stand in a row named `baseline`). For one entity give one row on each side.
    """
    frame = pd.DataFrame({"before": before.mean, "after": after.mean}).fillna(0.0)
    if before.baseline != after.baseline:
        frame.loc["baseline"] = [before.baseline, after.baseline]
    frame["change"] = frame["after"] - frame["before"]
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].rename_axis("metric").reset_index()


def by_group(contributions: Contributions, groups: Mapping[str, str]) -> Contributions:
    """The same contributions added up over groups of metrics; a metric without a group stands for itself."""
    names = [groups.get(str(metric), str(metric)) for metric in contributions.values.columns]
    summed = contributions.values.T.groupby(names, sort=False).sum().T
    return Contributions(summed, contributions.baseline)


def shrink_to(parts: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contributions (n, k) made to add up to `target` (n,) where clipping cut the sum.

    Cut above, what adds is scaled down; cut below, what deducts counts only as far as there was something to deduct.

    >>> shrink_to(np.array([[10.0, -15.0, -5.0]]), np.array([0.0])).tolist()
    [[10.0, -7.5, -2.5]]
    """
    total = parts.sum(axis=1)
    off = ~np.isclose(total, target, rtol=0, atol=1e-12)
    if not off.any():
        return parts
    cut = parts[off]
    plus, minus = np.where(cut > 0, cut, 0.0), np.where(cut < 0, cut, 0.0)
    up, down, goal = plus.sum(axis=1), minus.sum(axis=1), target[off]
    above = (total[off] > goal)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        less = np.where(above, ((goal - down) / up)[:, None], 1.0)
        milder = np.where(above, 1.0, ((goal - up) / down)[:, None])
    result = parts.copy()
    result[off] = np.where(cut > 0, plus * less, 0.0) + np.where(cut < 0, minus * milder, 0.0)
    return result
