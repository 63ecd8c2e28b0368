"""Where a metric would have to go for a weight set to count it otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from powerml.config.composite import CompositeSpec
from powerml.config.conditions import Comparator, TopShare
from powerml.config.points import LadderPart, PerUnitDeduction, PointsSpec
from powerml.config.signals import CriteriaSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from powerml.scoring.documented.base import DocumentedScorer

# Units that are counted in ones; others (days since, ratios, minutes) move as little as a number can.
WHOLE = {
    "events", "features", "categories", "integrations", "people", "workflows", "tickets", "requests", "assets",
    "logins", "weeks", "seats", "level",
}  # fmt: skip
MOST_UNITS = 200


Bound = Literal["at least", "at most", "below", "above"]


class MetricFacts(Protocol):
    """What a recipe must know of a metric; `powerml.config.metrics.MetricSpec` says it."""

    @property
    def direction(self) -> str: ...  # noqa: D102
    @property
    def actionable(self) -> bool: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Target:
    """A value worth moving a metric to: how it is said, and how far it is on the scale of the metric's own edges."""

    value: float
    bound: Bound
    edge: float
    distance: float
    whole: bool = False


def edge_targets(
    scorer: DocumentedScorer[Any], row: Mapping[str, float], movable: Mapping[str, MetricFacts]
) -> dict[str, list[Target]]:
    """For each movable metric the values at which a ladder, rung or criterion changes, in its good direction."""
    edges: dict[str, set[float]] = {}
    pairs: list[tuple[str, str]] = []
    for metric, edge in _edges(scorer, row):
        if isinstance(edge, str):
            pairs.append((metric, edge))
        else:
            edges.setdefault(metric, set()).add(edge)
    for a, b in pairs:
        for metric, other in ((a, b), (b, a)):
            if not math.isnan(row[other]):
                edges.setdefault(metric, set()).update({row[other], row[other] + 1, row[other] - 1})
                edges[metric] |= {edge for edge in edges.get(other, ()) if _counted(movable.get(other))}
    found = {metric: _targets(row[metric], edges.get(metric, set()), facts) for metric, facts in movable.items()}
    return {metric: targets for metric, targets in found.items() if targets}


def full_targets(
    scorer: DocumentedScorer[Any], row: Mapping[str, float], movable: Mapping[str, MetricFacts]
) -> dict[str, list[Target]]:
    """For each movable metric the one value at which it gives all it can."""
    full: dict[str, float] = {}
    way: dict[str, float] = {}
    if isinstance(scorer.card, CompositeSpec):
        for dimension in scorer.card.dimensions.values():
            for term in dimension.terms:
                at = term.at_least if term.at_least is not None else scorer.full_at(term)
                full[term.metric] = max(full.get(term.metric, -math.inf), at)
        way = {metric: (full[metric] - row[metric]) / full[metric] for metric in full if full[metric] > 0}
    else:
        way = {metric: 100 / each for metric, each in scorer.points_each.items() if each > 0}
        full = {metric: row[metric] + distance for metric, distance in way.items()}
    found = {}
    for metric, facts in movable.items():
        if facts.direction == "up" and metric in way and full[metric] > row[metric]:
            value = float(math.ceil(full[metric])) if _counted(facts) else full[metric]
            found[metric] = [Target(value, "at least", value, way[metric], _counted(facts))]
    return found


def _edges(scorer: DocumentedScorer[Any], row: Mapping[str, float]) -> Iterable[tuple[str, float | str]]:
    """Every value, or other metric, at which what a metric counts for may change."""
    spec = scorer.card
    if isinstance(spec, PointsSpec):
        for criterion in spec.criteria.values():
            if isinstance(criterion, PerUnitDeduction):
                yield from ((criterion.metric, edge) for edge in _units(criterion, row, most=2 * spec.limits.max))
            elif isinstance(criterion, LadderPart):
                yield from ((criterion.metric, step.from_) for step in criterion.steps if step.from_ is not None)
            else:
                yield from ((c.metric, c.value) for rung in criterion.rungs for c in rung.when)
    elif isinstance(spec, CriteriaSpec):
        for signal in spec.criteria.values():
            for condition in signal.any_of:
                if isinstance(condition, Comparator):
                    yield condition.metric, condition.value
                elif isinstance(condition, TopShare) and hasattr(scorer, "reference_"):
                    top = scorer.reference_.metrics[condition.metric].top_edge(condition.share)
                    if top is not None:
                        yield condition.metric, top


def _units(criterion: PerUnitDeduction, row: Mapping[str, float], *, most: float) -> list[float]:
    """Whole counts below the present one, as far as fewer of them can matter."""
    value = row[criterion.metric]
    if math.isnan(value) or value <= 0:
        return []
    top = min(math.ceil(value) - 1, math.ceil(most / -criterion.per_unit), MOST_UNITS)
    return [float(count) for count in range(top + 1)]


def _targets(value: float, edges: set[float], facts: MetricFacts) -> list[Target]:
    whole = _counted(facts)
    span = (max(edges) - min(edges) or abs(max(edges)) or 1.0) if edges else 1.0
    found: dict[float, Target] = {}
    tries: list[tuple[float, Bound]]
    for edge in sorted(edges):
        if facts.direction == "up":
            beyond = math.floor(edge) + 1.0 if whole else math.nextafter(edge, math.inf)
            tries = [(math.ceil(edge) if whole else edge, "at least"), (beyond, "at least" if whole else "above")]
        else:
            beyond = math.ceil(edge) - 1.0 if whole else math.nextafter(edge, -math.inf)
            tries = [(math.floor(edge) if whole else edge, "at most"), (beyond, "at most" if whole else "below")]
        for target, bound in tries:
            better = target > value if facts.direction == "up" else target < value
            if better and not (value >= 0 > target):
                shown = float(target) if whole else edge
                found.setdefault(float(target), Target(float(target), bound, shown, abs(target - value) / span))
    return list(found.values())


def _counted(facts: MetricFacts | None) -> bool:
    return facts is not None and facts.unit in WHOLE
