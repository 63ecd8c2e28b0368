"""Why one entity has its score: what `powerml explain` finds, prints and puts on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pandas as pd

    from powerml.scoring.explain.next_band import NextBand


@dataclass(frozen=True)
class Explanation(Shown):
    """Why one entity has its score.

    `row`: the scores table's row. `reasons`: `metric`, `branch` of the metric tree, `value`, `said` (the value in
    words, or what is missing), `usual` (in words, too; empty where nothing was learnt), `contribution`, `with` (the
    metrics that say the same and are counted in, each with its value and its part of the contribution), largest first;
    with `baseline` they add up to the score. `changes` since the row before (None without one): `metric`,
    `value_before`, `value`, `before`, `after`, `change`; the changes add up to the change of the score. `recipe`:
    documented weight sets only. `caution`: the sentence where the scorer learned from rows of that date.
    """

    entity: str
    as_of: date | None
    scorer: str
    row: pd.Series
    reasons: pd.DataFrame
    baseline: float
    before: date | None
    score_before: float | None
    changes: pd.DataFrame | None
    recipe: NextBand | None
    caution: str | None = None

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        at = "" if self.as_of is None else f" at {self.as_of}"
        yield f"{self.entity}{at}, {self.scorer}: score {self.row['score']:.4g}, baseline {self.baseline:.4g}"
        yield self.caution
        yield self.reasons
        yield None if self.changes is None else f"Since {self.before} (score {self.score_before:.4g}):"
        yield self.changes
