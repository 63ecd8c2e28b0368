"""Conditions of lists and alerts: who somebody is now, who they were, and how they moved.

As text: `mrr >= 100`, `key_actions_30d in top 5 %`, `tier is Champions or Power Users`, `status = scored`, `band below
Healthy`, `distinct_features_30d below median`, `events_30d fell by 30 %`. As a mapping: `{score: fell, by: 15, days:
30}`, `{metric: events_30d, fell_share: 0.3, days: 30, at_least: 20}`, `{band: down}`, `{was: […], days: 30}`,
`{any: […]}`, `{branch: collaboration, pulls_mean_down: 2}`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from powerml.config.base import Spec
from powerml.config.conditions import Comparator, Metric, TopShare

_EQUALS = re.compile(r"\s*([a-z]\w*)\s*=\s*(\S.*?)\s*")
_IS = re.compile(r"\s*([a-z]\w*)\s+is\s+(\S.*?)\s*")
_LADDER = re.compile(r"\s*(band|tier)\s+(below|at least)\s+(\S.*?)\s*")
_MIDDLE = re.compile(r"\s*([a-z]\w*)\s+(below|above)\s+median\s*")
_CHANGE = re.compile(r"\s*([a-z]\w*)\s+(fell|rose)\s+by\s+(\d+\.?\d*)\s*%\s*")
_WORDS = (
    "write it like 'mrr >= 100', 'events_30d in top 5 %', 'tier is Champions', 'band below Healthy', 'events_30d fell "
    "by 30 %', or as a mapping like {score: fell, by: 15, days: 30}"
)


class Named(Spec):
    """A text column that is one of some names, such as a band or a tier."""

    column: Metric
    names: Annotated[tuple[str, ...], Field(min_length=1)]

    def __str__(self) -> str:
        return f"{self.column} is {' or '.join(self.names)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it reads."""
        return (self.column,)


class MetricChange(Spec):
    """A metric that fell or rose by at least a share of what it was at the night before."""

    metric: Metric
    direction: Literal["fell", "rose"]
    by: Annotated[float, Field(gt=0)]

    def __str__(self) -> str:
        return f"{self.metric} {self.direction} by {100 * self.by:.12g} %"

    @property
    def columns(self) -> tuple[str, ...]:
        """The metric it reads."""
        return (self.metric,)


class BandSide(Spec):
    """A band below another of the ladder, or at least it.

    >>> print(BandSide(side="below", name="Healthy"))
    band below Healthy
    """

    side: Literal["below", "at least"]
    name: Annotated[str, Field(min_length=1)]

    def __str__(self) -> str:
        return f"band {self.side} {self.name}"


class Middle(Spec):
    """A metric below or above the median of the active entities."""

    metric: Metric
    side: Literal["below", "above"]

    def __str__(self) -> str:
        return f"{self.metric} {self.side} median"


class ScoreMove(Spec):
    """A score that fell or rose by points over some days, both scored by the same version."""

    score: Literal["fell", "rose"]
    by: Annotated[float, Field(gt=0, le=100)]
    days: PositiveInt

    def __str__(self) -> str:
        return f"score {self.score} by {self.by:g} points in {self.days} days"


class MetricMove(Spec):
    """A metric that fell or rose by a share of what it was some days ago, where it was at least so much."""

    metric: Metric
    fell_share: Annotated[float | None, Field(gt=0, le=1)] = None
    rose_share: Annotated[float | None, Field(gt=0)] = None
    days: PositiveInt
    at_least: float = 0.0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.fell_share is None) == (self.rose_share is None):
            raise ValueError("needs 'fell_share' or 'rose_share'; give one of them")
        return self

    def __str__(self) -> str:
        way, share = ("fell", self.fell_share) if self.fell_share is not None else ("rose", self.rose_share)
        return f"{self.metric} {way} by {100 * (share or 0):g} % in {self.days} days"


class BandMove(Spec):
    """A band crossed, up or down, since some days ago or the night before."""

    band: Literal["down", "up"]
    days: PositiveInt | None = None

    def __str__(self) -> str:
        return f"crossed a band {self.band}" + (f" in {self.days} days" if self.days else "")


class BranchPull(Spec):
    """A branch of the metric tree that pulls the mean score down by points since some days ago or the night before."""

    branch: Annotated[str, Field(min_length=1)]
    pulls_mean_down: Annotated[float, Field(gt=0, le=100)]
    days: PositiveInt | None = None

    def __str__(self) -> str:
        return f"{self.branch} pulls the mean down by {self.pulls_mean_down:g} points"


class AnyOf(Spec):
    """Conditions of which one is enough."""

    any_of: Annotated[tuple[Clause, ...], Field(alias="any", min_length=1)]

    def __str__(self) -> str:
        return " or ".join(map(str, self.any_of))


class Was(Spec):
    """Conditions that all held some days ago."""

    was: Annotated[tuple[Clause, ...], Field(min_length=1)]
    days: PositiveInt

    def __str__(self) -> str:
        return f"{self.days} days ago: {', '.join(map(str, self.was))}"


def _parse(value: Any) -> Any:
    if isinstance(value, dict):
        return _mapping(value)
    if not isinstance(value, str):
        return value
    if parts := _LADDER.fullmatch(value):
        return BandSide(side=parts[2], name=parts[3])
    if parts := _MIDDLE.fullmatch(value):
        return Middle(metric=parts[1], side=parts[2])
    if parts := _CHANGE.fullmatch(value):
        return MetricChange(metric=parts[1], direction=parts[2], by=round(float(parts[3]) / 100, 12))
    for kind in (TopShare, Comparator):
        try:
            return kind.model_validate(value)
        except ValueError:
            continue
    if parts := _IS.fullmatch(value) or _EQUALS.fullmatch(value):
        return Named(column=parts[1], names=tuple(name.strip() for name in parts[2].split(" or ")))
    raise ValueError(f"{value!r} is no condition; {_WORDS}")


def _mapping(value: dict[str, Any]) -> Spec:
    kinds: dict[str, type[Spec]] = {
        "any": AnyOf, "was": Was, "score": ScoreMove, "band": BandMove, "branch": BranchPull, "metric": MetricMove,
    }  # fmt: skip
    kind = next((kind for word, kind in kinds.items() if word in value), None)
    if kind is None:
        raise ValueError(f"{value!r} is no condition; {_WORDS}")
    return kind.model_validate(value)


Clause = Annotated[
    Comparator | TopShare | Named | BandSide | Middle | MetricChange | ScoreMove | MetricMove | BandMove | BranchPull
    | AnyOf | Was,
    BeforeValidator(_parse),
]  # fmt: skip
"""One condition of a list or an alert."""

AnyOf.model_rebuild()
Was.model_rebuild()
