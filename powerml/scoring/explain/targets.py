"""Where a metric would have to go for a weight set to count it otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.documented.base import DocumentedScorer

# Units that are counted in ones; others (days since, ratios, minutes) move as little as a number can.
WHOLE = {
    "events", "features", "categories", "integrations", "people", "workflows", "tickets", "requests", "assets",
    "logins", "weeks", "seats", "level",
}  # fmt: skip


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
    for metric, edge in scorer.edges(row):
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
    fills = scorer.fills(row) or {}
    found = {}
    for metric, facts in movable.items():
        fill = fills.get(metric)
        if facts.direction == "up" and fill is not None and fill.full > row[metric]:
            value = float(math.ceil(fill.full)) if _counted(facts) else fill.full
            found[metric] = [Target(value, "at least", value, fill.way, _counted(facts))]
    return found


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
