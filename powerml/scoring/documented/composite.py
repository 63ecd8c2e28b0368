"""Composite scorers: dimensions of weighted ratios, missing inputs spread over what is there (document A)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.config.composite import CompositeSpec, Dimension, Term
from powerml.errors import UsageError
from powerml.scoring.contributions import Contributions
from powerml.scoring.documented.base import DocumentedScorer, Fill, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


NO_WEIGHT = 1e-9
"""Up to this a fitted dimension is left out."""


class CompositeScorer(DocumentedScorer[CompositeSpec]):
    """Weighs ratios into dimensions and dimensions into a score.

    Notes
    -----
    dimension = 100 sum(w v) / sum(w) over the inputs that are there, score the same over the dimensions that have any;
    `coverage` is the share of all weight that was there. Without any input the score is 0 and so is `coverage`.
    Source of the shipped set: document A, "1. Define the scoring dimensions".
    """

    kind_of_scorer = "composite"
    spec_type = CompositeSpec
    band_column = "tier"

    @property
    def parts(self) -> tuple[str, ...]:
        """The dimensions, each with `_score`."""
        return tuple(f"{name}_score" for name in self.card.dimensions)

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The metrics that each dimension reads."""
        return {f"{name}_score": tuple(t.metric for t in d.terms) for name, d in self.card.dimensions.items()}

    def combine(self, dimensions: Mapping[str, float]) -> float:
        """The score of given dimension scores (0 to 100), those not given spread over the others.

        The document's example: 85, 72, 65, 80, 90 give 0.30 x 85 + 0.20 x 72 + 0.20 x 65 + 0.15 x 80 + 0.15 x 90.
        """
        if unknown := [name for name in dimensions if name not in self.card.dimensions]:
            raise UsageError(f"{self.name} has no dimension {unknown[0]!r}; it has {', '.join(self.card.dimensions)}")
        weights = {name: self.card.dimensions[name].weight for name in dimensions}
        return sum(weights[name] * value for name, value in dimensions.items()) / sum(weights.values())

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Dimensions from 0 to 100 (null without any input), `score`, `coverage`, `tier`."""
        numbers = self._numbers(X)
        dimensions, there = self._dimensions(numbers)
        score = self._combined(dimensions)
        coverage = sum(d.weight * there[name] for name, d in self.card.dimensions.items())
        table: dict[str, Any] = {f"{name}_score": values for name, values in dimensions.items()}
        return pd.DataFrame(self._with_band({**table, "score": score, "coverage": coverage}, score), index=X.index)

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Score points by metric, after the weight of missing inputs was spread; the baseline is 0."""
        numbers = self._numbers(X)
        _, there = self._dimensions(numbers)
        weight = sum(d.weight * (there[name] > 0) for name, d in self.card.dimensions.items())
        values = {metric: np.zeros(len(X)) for metric in self.metrics_}
        for name, dimension in self.card.dimensions.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.where(there[name] > 0, 100 * dimension.weight / (weight * there[name]), 0.0)
            for term in dimension.terms:
                values[term.metric] += scale * term.weight * np.nan_to_num(self._term(term, numbers))
        return Contributions(pd.DataFrame(values, index=X.index), 0.0)

    def branches(self) -> dict[str, str]:
        """The dimension of each metric."""
        return {metric: part.removesuffix("_score") for metric, part in super().branches().items()}

    def fills(self, row: Mapping[str, float]) -> dict[str, Fill]:
        """The value at which each term is full, and how far that is as a share of it."""
        full: dict[str, float] = {}
        for dimension in self.card.dimensions.values():
            for term in dimension.terms:
                at = term.at_least if term.at_least is not None else self.full_at(term)
                full[term.metric] = max(full.get(term.metric, -math.inf), at)
        return {metric: Fill(at, (at - row[metric]) / at) for metric, at in full.items() if at > 0}

    def weights(self) -> dict[str, float]:
        """The weight of each dimension."""
        return {name: dimension.weight for name, dimension in self.card.dimensions.items()}

    def unit_parts(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Dimensions from 0 to 1; NaN where one has no input."""
        return np.asarray(self.transform(X), dtype=np.float64) / 100.0

    def reviewed(self, X: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Dimensions from 0 to 100, and those times their weights."""
        levels = pd.DataFrame(self.transform(X), index=X.index, columns=list(self.card.dimensions))
        return levels, levels.fillna(0.0) * np.array([*self.weights().values()])

    def _with_weights(self, data: dict[str, Any], weights: Mapping[str, float]) -> dict[str, Any]:
        kept = {name: weight for name, weight in weights.items() if weight > NO_WEIGHT}
        return {"dimensions": {name: data["dimensions"][name] | {"weight": weight} for name, weight in kept.items()}}

    def full_at(self, term: Term) -> float:
        """The value at which a term is full; 0 where there is nothing to use, so that the input counts as missing.

        Raises UsageError for a parameter that nobody has given.
        """
        if not isinstance(term.full_at, str):
            return term.full_at
        value = self.card.params[term.full_at]
        if value == "vocabulary":
            raise UsageError(
                f"weight set {self.name!r} needs {term.full_at}, which is counted from a project's vocabulary; "
                f"without a project give it as --set {term.full_at}=NUMBER"
            )
        return value

    def _term(self, term: Term, numbers: Numbers) -> NDArray[np.float64]:
        """The term's value from 0 to 1; NaN where its weight is spread."""
        values = numbers[term.metric]
        null = np.isnan(values)
        if term.at_least is not None:
            filled = (values >= term.at_least).astype(float)
        else:
            full_at = self.full_at(term)
            null = null | (full_at == 0)
            filled = np.clip(values / (full_at or 1.0), 0.0, 1.0)
        if term.missing == "renormalise":
            filled[null] = np.nan
        else:
            filled[null] = 0.0 if term.missing == "zero" else term.missing
        return filled

    def _dimensions(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Dimension scores, and the share of each dimension's weight that was there to be weighed."""
        scores, there = {}, {}
        for name, dimension in self.card.dimensions.items():
            scores[name], there[name] = self._dimension(dimension, numbers)
        return scores, there

    def _dimension(self, dimension: Dimension, numbers: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        size = len(next(iter(numbers.values())))
        total, weight = np.zeros(size), np.zeros(size)
        for term in dimension.terms:
            value = self._term(term, numbers)
            absent = np.isnan(value)
            weight += term.weight * ~absent
            value[absent] = 0.0
            total += term.weight * value
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(weight > 0, np.clip(100 * total / weight, 0.0, 100.0), np.nan), weight

    def _combined(self, dimensions: Numbers) -> NDArray[np.float64]:
        size = len(next(iter(dimensions.values())))
        total, weight = np.zeros(size), np.zeros(size)
        for name, dimension in self.card.dimensions.items():
            present = ~np.isnan(dimensions[name])
            weight += dimension.weight * present
            total += dimension.weight * np.where(present, dimensions[name], 0.0)
        return np.clip(np.divide(total, weight, out=np.zeros(size), where=weight > 0), 0.0, 100.0)

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.column_stack(list(self._dimensions(numbers)[0].values()))

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self._combined(self._dimensions(numbers)[0])

    def _ranges(self) -> dict[str, float]:
        ranges = dict.fromkeys(self.metrics_, 0.0)
        for dimension in self.card.dimensions.values():
            for term in dimension.terms:
                ranges[term.metric] += 100 * dimension.weight * term.weight
        return ranges
