"""What each part of a weight set gave to each score: dimensions, sections of points, actions, groups of metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.scoring.contributions import by_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from powerml.scoring.scorer import Scorer


@dataclass(frozen=True, eq=False)
class Parts:
    """One row per scored row (its index), one column per part of the weight set.

    `levels`: the part as the scores table shows it (a dimension from 0 to 100, points, raw weighted counts; of a fitted
    model the contribution of a group of metrics). `shares`: percent of the score that is due to the part, of the sum
    of the sizes of all parts where some deduct; 0 where no part gave anything.
    """

    levels: pd.DataFrame
    shares: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """The parts."""
        return tuple(map(str, self.levels.columns))


def review_parts(scorer: Scorer, frame: pd.DataFrame, groups: Mapping[str, str] | None = None) -> Parts:
    """The parts of every row's score.

    `groups` (metric -> group) is for fitted models, whose parts are groups of metrics.
    """
    given = None if scorer.document is None else scorer.document.reviewed(frame)
    if given is not None:
        levels, points = given
        return Parts(levels, _shares(points))
    levels = by_group(scorer.contributions(frame), groups or {}).values
    return Parts(levels, _shares(levels))


def _shares(points: pd.DataFrame) -> pd.DataFrame:
    size = points.abs().sum(axis=1)
    return 100 * points.div(size.where(size > 0), axis=0).fillna(0.0)
