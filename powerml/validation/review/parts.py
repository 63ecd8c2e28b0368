"""What each part of a weight set gave to each score: dimensions, sections of points, actions, groups of metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.scoring.documented.activity import ActivityScorer
from powerml.scoring.documented.composite import CompositeScorer
from powerml.scoring.documented.criteria import CriteriaScorer
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.explain.contributions import by_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.points import PointsSpec

DEDUCTIONS = "deductions"


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


def members(spec: PointsSpec) -> dict[str, tuple[str, ...]]:
    """The parts of a points set that are reviewed together: its sections, what stands alone, all deductions.

    Without sections every part and every deduction is reviewed by itself.
    """
    if not spec.sections:
        return {name: (name,) for name in spec.criteria}
    grouped = {name for names in spec.sections.values() for name in names}
    together = {section: tuple(names) for section, names in spec.sections.items()}
    together |= {name: (name,) for name in spec.parts if name not in grouped}
    return together | ({DEDUCTIONS: tuple(spec.deductions)} if spec.deductions else {})


def review_parts(scorer: Any, frame: pd.DataFrame, groups: Mapping[str, str] | None = None) -> Parts:
    """The parts of every row's score.

    `groups` (metric -> group) is for fitted models, whose parts are groups of metrics.
    """
    if isinstance(scorer, CompositeScorer):
        table = scorer.score_table(frame)
        levels = table[list(scorer.parts)].set_axis(list(scorer.card.dimensions), axis=1)
        weights = np.array([d.weight for d in scorer.card.dimensions.values()])
        return Parts(levels, _shares(levels.fillna(0.0) * weights))
    if isinstance(scorer, PointsScorer):
        table = scorer.score_table(frame)
        levels = pd.DataFrame({part: table[list(names)].sum(axis=1) for part, names in members(scorer.card).items()})
        return Parts(levels, _shares(levels))
    if isinstance(scorer, (ActivityScorer, CriteriaScorer)):
        declared = scorer.card.actions if isinstance(scorer, ActivityScorer) else scorer.parts
        levels = pd.DataFrame(scorer.transform(frame), index=frame.index, columns=list(declared))
        return Parts(levels, _shares(levels))
    levels = by_group(scorer.contributions(frame), groups or {}).values
    return Parts(levels, _shares(levels))


def _shares(points: pd.DataFrame) -> pd.DataFrame:
    size = points.abs().sum(axis=1)
    return 100 * points.div(size.where(size > 0), axis=0).fillna(0.0)
