"""Composites: dimensions of weighted ratios, each ratio clipped to 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from powerml.config.base import ColumnName, Source, Spec
from powerml.config.card_lines import Line, cited
from powerml.config.conditions import Metric
from powerml.config.moved_weights import apportioned
from powerml.config.weight_set import WeightSetSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

_Positive = Annotated[float, Field(gt=0)]
_Count = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Term(Spec):
    """One metric's share of a dimension: `metric / full_at` clipped to [0, 1], or 1 from `at_least` on, else 0.

    `missing`: spread its weight over the inputs that are there (`renormalise`), count `zero`, or count this value.
    """

    metric: Metric
    weight: _Positive
    full_at: _Positive | str = 1.0
    at_least: float | None = None
    missing: Literal["renormalise", "zero"] | _Share = "renormalise"
    quote: str | None = None
    reading: str | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.at_least is not None and self.full_at != 1.0:
            raise ValueError("has both 'full_at' and 'at_least'; keep one")
        return self


class Dimension(Spec):
    """Terms whose weights sum to 1, and the dimension's own weight."""

    weight: _Positive
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    source: Source | None = None

    @model_validator(mode="after")
    def _weights_sum(self) -> Self:
        _check_sum([term.weight for term in self.terms], "the weights of its terms")
        metrics = [term.metric for term in self.terms]
        if twice := [metric for metric in metrics if metrics.count(metric) > 1]:
            raise ValueError(f"{twice[0]!r} stands in two terms; add their weights in one")
        return self


class CompositeSpec(WeightSetSpec):
    """A weight set of weighted dimensions; `params` are numbers, or counted from the project's `vocabulary`."""

    scored_by = "powerml.scoring.documented.composite:CompositeScorer"

    kind: Literal["composite"] = "composite"
    params: dict[str, _Count | Literal["vocabulary"]] = {}
    dimensions: Annotated[dict[ColumnName, Dimension], Field(min_length=1)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _check_sum([d.weight for d in self.dimensions.values()], "the weights of the dimensions")
        for name, dimension in self.dimensions.items():
            for term in dimension.terms:
                if isinstance(term.full_at, str) and term.full_at not in self.params:
                    raise ValueError(
                        f"{name}: {term.metric}: 'full_at' names {term.full_at!r}, which 'params' does not declare"
                    )
        return self

    def counted(self, vocabulary: Mapping[str, float]) -> Self:
        """Parameters declared as `vocabulary` from its counts: `max_features` is the count of `features`."""
        open_ = {name: name.removeprefix("max_") for name, value in self.params.items() if value == "vocabulary"}
        found = {name: float(vocabulary[of]) for name, of in open_.items() if of in vocabulary}
        return self.model_copy(update={"params": {**self.params, **found}})

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        return tuple(dict.fromkeys(term.metric for d in self.dimensions.values() for term in d.terms))

    def lines(self) -> Iterator[Line]:
        """Its lines, from the top; see `card_lines`."""
        for name, value in self.params.items():
            yield "params", name, "counted from the vocabulary" if value == "vocabulary" else f"{value:g}", Source()
        for name, dimension in self.dimensions.items():
            source = dimension.source or Source()
            yield name, "dimension", f"{100 * dimension.weight:g} % of the score", source
            for term in dimension.terms:
                null = {"renormalise": "weight spread", "zero": "0"}.get(str(term.missing), str(term.missing))
                yield name, _fills(term), f"{100 * term.weight:g} % of {name}; null: {null}", cited(term, source)

    def moved(self, factors: Mapping[str, float]) -> Self:
        """Dimensions times their factors; they keep a sum of 1."""
        data = self.model_dump(by_alias=True)
        weights = {name: dimension.weight for name, dimension in self.dimensions.items()}
        for name, weight in apportioned(weights, factors, floor=True).items():
            data["dimensions"][name]["weight"] = weight
        return type(self).model_validate(data)


def _check_sum(weights: list[float], what: str) -> None:
    if not math.isclose(total := math.fsum(weights), 1, abs_tol=1e-9):
        raise ValueError(f"{what} sum to {total:g}; make them sum to 1")


def _fills(term: Term) -> str:
    if term.at_least is not None:
        return f"{term.metric} at least {term.at_least:g}"
    if isinstance(term.full_at, str):
        return f"{term.metric} / {term.full_at}, 0 to 1"
    return f"{term.metric}, 0 to 1" if term.full_at == 1 else f"{term.metric} / {term.full_at:g}, 0 to 1"
