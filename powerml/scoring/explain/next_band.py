"""The nearest way to the next band: which actionable metrics, how far, for one entity.

Nearest means fewest metrics, then the shortest way (each metric's move over the span of its own edges). For ladders
and criteria the search is exact; for composites and activity scores it fills the metrics that give most, the last one
only as far as needed. A recipe says what the rule would count, not what a customer would do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.bands.ladder import assign, next_edge
from powerml.errors import UsageError
from powerml.scoring.explain.search import HALVINGS, Move, fewest_full, fewest_steps
from powerml.scoring.explain.targets import MetricFacts, edge_targets, full_targets
from powerml.scoring.outcome.linked import LinkedScorer
from powerml.statistics.ranks import active_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.scorer import Scorer

CAUTION = "This is what the rule counts and what went with it; it is no promise that the change would keep a customer."


@dataclass(frozen=True)
class NextBand:
    """The moves that reach the next band, with the score before and after.

    `reached` is False where no moves of actionable metrics reach it: `moves` is then empty and `score_after` the most
    they could. In the highest band `next_band` is None.
    """

    score: float
    band: str
    next_band: str | None
    edge: float | None
    score_after: float
    moves: tuple[Move, ...]
    reached: bool

    @property
    def text(self) -> str:
        """The recipe as sentences."""
        if self.next_band is None:
            return f"Already {self.band}, the highest band."
        if not self.reached:
            return (
                f"{self.next_band} (from {self.edge:g}) is out of reach of the actionable metrics alone: "
                f"at their best they would give {self.score_after:.1f}."
            )
        ways = "; ".join(map(str, self.moves))
        return (
            f"Nearest way the rule knows from {self.band} to {self.next_band} (from {self.edge:g}): {ways}. {CAUTION}"
        )


def recipe(scorer: DocumentedScorer[Any], row: pd.DataFrame, catalogue: Mapping[str, MetricFacts]) -> NextBand:
    """The nearest way to the next band for the one row of `row`.

    Only metrics that are actionable, have a direction and are not null are moved, and only in that direction. Raises
    UsageError for a scorer without bands, or one that must be fitted first because it scores against a reference.
    """
    if len(row) != 1:
        raise UsageError(f"a recipe is for one row, got {len(row)}")
    if (bands := scorer.bands) is None:
        raise UsageError(f"weight set {scorer.name!r} declares no bands, so there is no next one; add 'bands'")
    if scorer.needs_reference:
        raise UsageError(f"weight set {scorer.name!r} scores against a reference; fit it on a snapshot first")
    score = float(scorer.predict_score(row)[0])
    band = str(assign([score], bands)[0])
    above = next_edge(score, bands)
    if above is None:
        return NextBand(score, band, None, None, score, (), reached=True)
    edge, name = above
    moves, best = _moved(scorer, row, catalogue, edge=edge)
    return NextBand(score, band, name, edge, best, moves, reached=bool(moves))


def _moved(
    scorer: DocumentedScorer[Any], row: pd.DataFrame, catalogue: Mapping[str, MetricFacts], *, edge: float
) -> tuple[tuple[Move, ...], float]:
    """The nearest moves by which a weight set's number reaches `edge`, and the number after them."""
    numbers = {metric: float(row[metric].to_numpy(dtype=float, na_value=np.nan)[0]) for metric in scorer.metrics_}
    movable = {m: f for m, f in _facts(scorer, catalogue).items() if _moves(f, numbers[m])}
    active = bool(active_rows(row)[0])
    if scorer.fills(numbers) is not None:
        return fewest_full(scorer, numbers, full_targets(scorer, numbers, movable), edge=edge, active=active)
    return fewest_steps(scorer, numbers, edge_targets(scorer, numbers, movable), edge=edge, active=active)


def next_band(scorer: Scorer, row: pd.DataFrame, catalogue: Mapping[str, MetricFacts]) -> NextBand | None:
    """The nearest way to the next band of any scorer's own score; None where no weight set with bands stands behind it.

    Of a linked weight set the document's number is moved until S reaches the edge, which it does at one number, because
    S never falls with it.
    """
    document = scorer.document
    if document is None or scorer.bands is None:
        return None
    if not isinstance(scorer, LinkedScorer):
        return recipe(document, row, catalogue)
    score = float(scorer.predict_score(row)[0])
    band = str(assign([score], scorer.bands)[0])
    above = next_edge(score, scorer.bands)
    if above is None:
        return NextBand(score, band, None, None, score, (), reached=True)
    edge, name = above
    number = _reaching(scorer, edge)
    moves, best = _moved(document, row, catalogue, edge=number)
    after = float(scorer.of_document(best))
    return NextBand(score, band, name, edge, after, moves, reached=bool(moves))


def _reaching(scorer: LinkedScorer, edge: float) -> float:
    """The smallest of the document's numbers at which S reaches `edge`; above 100 where none does."""
    low, high = 0.0, 100.0
    if float(scorer.of_document(high)) < edge:
        return math.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if float(scorer.of_document(middle)) >= edge else (middle, high)
    return high


def apply(recipe: NextBand, row: pd.DataFrame) -> pd.DataFrame:
    """The row as it would be after the recipe's moves."""
    return row.assign(**{move.metric: move.target for move in recipe.moves})


def _facts(scorer: DocumentedScorer[Any], catalogue: Mapping[str, MetricFacts]) -> dict[str, MetricFacts]:
    declared = scorer.declared_metrics
    return {m: catalogue[declared.get(m, m)] for m in scorer.metrics_ if declared.get(m, m) in catalogue}


def _moves(facts: MetricFacts, value: float) -> bool:
    return facts.actionable and facts.direction in ("up", "down") and not np.isnan(value)
