"""Points scorers: ladders that give and deduct, added up and clipped (document D, fitted cards)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.bands.ladder import DIGITS
from powerml.config.points import LadderPart, PerUnitDeduction, PointsSpec, RungPart
from powerml.scoring.contributions import Contributions, shrink_to
from powerml.scoring.documented.base import DocumentedScorer, Numbers
from powerml.statistics.comparing import holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


MOST_UNITS = 200
"""Counts below the present one that a way to the next band looks at."""


class PointsScorer(DocumentedScorer[PointsSpec]):
    """Adds the points of parts and deductions and clips the sum to the limits.

    Notes
    -----
    `raw_score` is the sum, at most `limits.max`; `score` is also at least `limits.min`. `coverage` is the share of the
    parts' points whose inputs were all there. Source of the shipped set: document D, "Step 3".
    """

    kind_of_scorer = "points"
    spec_type = PointsSpec

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts, then deductions."""
        return tuple(self.card.criteria)

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The metrics that each part or deduction reads."""
        return {name: criterion.metrics for name, criterion in self.card.criteria.items()}

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Parts, deductions, `raw_score`, `score`, `coverage`, `band`, and `predicted` where declared."""
        numbers = self._numbers(X)
        columns = {name: criterion_points(c, numbers)[0] for name, c in self.card.criteria.items()}
        raw = self._raw(sum(columns.values(), np.zeros(len(X))))
        score = np.maximum(raw, self.card.limits.min)
        table: dict[str, Any] = {**columns, "raw_score": raw, "score": score, "coverage": self._coverage(numbers)}
        table = self._with_band(table, score)
        if (rule := self.card.predicted) is not None:
            shown = np.round(score, DIGITS)
            foretold = np.select([shown < rule.churn_below, shown > rule.expand_above], [0, 2], 1)
            table["predicted"] = np.array(["churn", "stay", "expand"], dtype=object)[foretold]
        return pd.DataFrame(table, index=X.index)

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Points by metric: a part over several metrics is split evenly among those its rung asked for.

        The baseline is the lower limit. Where the sum was clipped to it, deductions count only as far as there was
        something to deduct, so that the contributions add up to the score shown.
        """
        numbers = self._numbers(X)
        metrics = self.metrics_
        place = {metric: i for i, metric in enumerate(metrics)}
        given = self._parts(numbers, np.empty(0, dtype=bool))
        low = self.card.limits.min
        shown = shrink_to(given, np.maximum(self._raw(given.sum(axis=1)), low) - low)
        values = np.zeros((len(X), len(metrics)))
        for column, criterion in enumerate(self.card.criteria.values()):
            if not isinstance(criterion, RungPart):
                values[:, place[criterion.metric]] += shown[:, column]
                continue
            rung = criterion_points(criterion, numbers)[1]
            share = np.zeros((len(criterion.rungs) + 1, len(metrics)))
            asked = [*(r.metrics or criterion.metrics for r in criterion.rungs), criterion.metrics]
            for position, names in enumerate(asked):
                share[position, [place[name] for name in names]] = 1 / len(names)
            values += shown[:, [column]] * share[rung]
        return Contributions(pd.DataFrame(values, index=X.index, columns=list(metrics)), float(low))

    def branches(self) -> dict[str, str]:
        """The section of the part that reads each metric, or the part."""
        sections = {part: name for name, parts in self.card.sections.items() for part in parts}
        return {metric: sections.get(part, part) for metric, part in super().branches().items()}

    def edges(self, row: Mapping[str, float]) -> Iterable[tuple[str, float | str]]:
        """The edges of ladders and rungs, and of deductions by the unit the fewer units there could be."""
        for criterion in self.card.criteria.values():
            if isinstance(criterion, PerUnitDeduction):
                most = 2 * self.card.limits.max
                yield from ((criterion.metric, edge) for edge in _units(criterion, row, most=most))
            elif isinstance(criterion, LadderPart):
                yield from ((criterion.metric, step.from_) for step in criterion.steps if step.from_ is not None)
            else:
                yield from ((c.metric, c.value) for rung in criterion.rungs for c in rung.when)

    def weights(self) -> dict[str, float]:
        """Most points of each part; of a deduction the most it takes, for one unit where it goes by units."""
        return {name: float(max(map(abs, criterion.points))) for name, criterion in self.card.criteria.items()}

    def reviewed(self, X: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Points by section, by part that stands alone, and of all deductions."""
        table = self.score_table(X)
        levels = pd.DataFrame({part: table[list(names)].sum(axis=1) for part, names in self.card.reviewed().items()})
        return levels, levels

    def _adding(self) -> NDArray[np.bool_]:
        return np.array([name in self.card.parts for name in self.card.criteria])

    def _with_weights(self, data: dict[str, Any], weights: Mapping[str, float]) -> dict[str, Any]:
        documented = self.weights()
        by = {name: weight / documented[name] if documented[name] else 0.0 for name, weight in weights.items()}
        return {
            home: {name: _scaled(criterion, by[name]) for name, criterion in data.get(home, {}).items()}
            for home in ("parts", "deductions")
        }

    def _raw(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.minimum(total, self.card.limits.max)

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.column_stack([criterion_points(c, numbers)[0] for c in self.card.criteria.values()])

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        given = [criterion_points(c, numbers)[0] for c in self.card.criteria.values()]
        return np.maximum(self._raw(sum(given[1:], given[0])), self.card.limits.min)

    def _coverage(self, numbers: Numbers) -> NDArray[np.float64]:
        size = len(next(iter(numbers.values())))
        there, most = np.zeros(size), 0.0
        for part in self.card.parts.values():
            absent = np.any([np.isnan(numbers[metric]) for metric in part.metrics], axis=0)
            there += max(part.points) * ~absent
            most += max(part.points)
        return there / most if most else np.ones(size)

    def _ranges(self) -> dict[str, float]:
        """A part's range is its points from worst to best, split evenly; a deduction per unit counts one unit."""
        ranges = dict.fromkeys(self.metrics_, 0.0)
        for criterion in self.card.criteria.values():
            for metric in criterion.metrics:
                ranges[metric] += (max(criterion.points) - min(criterion.points)) / len(criterion.metrics)
        return ranges


def _units(criterion: PerUnitDeduction, row: Mapping[str, float], *, most: float) -> list[float]:
    """Whole counts below the present one, as far as fewer of them can matter."""
    value = row[criterion.metric]
    if math.isnan(value) or value <= 0:
        return []
    top = min(math.ceil(value) - 1, math.ceil(most / -criterion.per_unit), MOST_UNITS)
    return [float(count) for count in range(top + 1)]


def criterion_points(
    criterion: LadderPart | RungPart | PerUnitDeduction, numbers: Numbers
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The points a criterion gives to each row, and the position of the step or rung that gave them.

    The position after the last stands for a null.
    """
    if isinstance(criterion, PerUnitDeduction):
        values = numbers[criterion.metric]
        null = np.isnan(values)
        return np.where(null, criterion.missing, criterion.per_unit * values + 0.0), null.astype(np.intp)
    if isinstance(criterion, RungPart):
        position = _rung(criterion, numbers)
        points = [*(rung.points for rung in criterion.rungs), criterion.missing.points]
    else:
        values = numbers[criterion.metric]
        rising = [step.from_ for step in criterion.steps[-2::-1]]
        position = len(rising) - np.searchsorted(np.asarray(rising, dtype=float), values, side="right")
        position[np.isnan(values)] = len(criterion.steps)
        points = [*(step.points for step in criterion.steps), criterion.missing]
    return np.asarray(points, dtype=float)[position], position


def _rung(part: RungPart, numbers: Numbers) -> NDArray[np.intp]:
    combine = np.any if part.missing.when == "any" else np.all
    null = combine([np.isnan(numbers[metric]) for metric in part.metrics], axis=0)
    position = np.full(len(null), len(part.rungs) - 1, dtype=np.intp)
    for place in range(len(part.rungs) - 2, -1, -1):
        position[np.logical_and.reduce([holds(c, numbers) for c in part.rungs[place].when])] = place
    position[null] = len(part.rungs)
    return position


def _scaled(written: dict[str, Any], factor: float) -> dict[str, Any]:
    """A part or deduction with all its points multiplied."""
    out = dict(written)
    for key in ("steps", "rungs"):
        if key in out:
            out[key] = [dict(step) | {"points": step["points"] * factor} for step in out[key]]
    if "per_unit" in out:
        out["per_unit"] = min(out["per_unit"] * factor, -1e-9)
    if isinstance(out.get("missing"), dict):
        out["missing"] = out["missing"] | {"points": out["missing"]["points"] * factor}
    elif isinstance(out.get("missing"), (int, float)):
        out["missing"] = out["missing"] * factor
    return out
