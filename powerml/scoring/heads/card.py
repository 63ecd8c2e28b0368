"""The card head: whole points per level of each metric, 100 in all, and a logistic link on their sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from powerml.scoring.heads.base import Head
from powerml.scoring.heads.binning import Levels, learn_groups, learn_levels
from powerml.scoring.heads.integers import Budgets, whole_points
from powerml.scoring.heads.shapes import Shape, learn_shapes, spread_rows
from powerml.scoring.heads.threads import side_by_side
from powerml.screening.auto import Screens, chosen_screen
from powerml.statistics.folds import Folds, RowNumbers, account_folds
from powerml.statistics.logistic import Floats, LogitLine, base_logit, penalised_logistic, sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_CARD_ROWS = 30_000
"""RowNumbers, evenly spaced, on which levels and points are found; the link is fitted on all."""

CARD_ROWS_PER_COLUMN = 500
"""With more rows than this per column no screen gains anything, and none is compared."""

RIDGE = 10.0
"""Held to zero as by this many rows per squared unit of logit."""


@dataclass(frozen=True)
class CardPart:
    """One metric's levels, the whole points of each (null last), and the average training row's points."""

    column: int
    levels: Levels
    points: tuple[int, ...]
    shape: Shape
    average: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "column": self.column,
            "levels": self.levels.to_dict(),
            "points": list(self.points),
            "shape": self.shape,
            "average": self.average,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> CardPart:
        """The part that `to_dict` wrote."""
        levels = Levels.from_dict(written["levels"])
        return cls(written["column"], levels, tuple(written["points"]), written["shape"], written["average"])


class CardHead(Head):
    """An additive card of whole points, read like a documented one: more points are always better.

    Parameters
    ----------
    total : int
        Points of a perfect row.
    most_levels : int
        Levels per metric at most.
    most_parts : int
        Metrics that may earn points.
    sign : {-1, 1}
        Whether the event falls (churn) or rises (expansion) with points.
    signs : sequence of int
        Declared effect (-1, 0, 1) of each column on the event; 0 leaves the direction to the data.
    shapes : sequence of str
        Shape of each column's effect on the event: rising, falling or free; by default declared and tested.
    categorical : sequence of int
        Positions of columns that hold level numbers.
    reads : sequence of int
        Positions of the columns that may earn points; by default all. `rehearse` chooses among screens.
    budgets : sequence of (int, sequence of int)
        Points and the positions of the columns that share them, such as 40/30/30; by default all share `total`.

    Attributes
    ----------
    parts_ : tuple of CardPart
        Metrics that earn points.
    intercept_, slope_ : float
        The link: `logit P(event) = intercept_ + slope_ * points`.

    Notes
    -----
    Levels are split by likelihood, effects fitted together with non-negative increments in each metric's direction,
    whole points found on the quadratic around that fit.
    """

    kind: ClassVar[str] = "card"

    def __init__(  # noqa: PLR0913 (an estimator's settings)
        self,
        total: int = 100,
        *,
        most_levels: int = 8,
        most_parts: int = 24,
        sign: int = 1,
        signs: Sequence[int] = (),
        shapes: Sequence[Shape] | None = None,
        categorical: Sequence[int] = (),
        reads: Sequence[int] | None = None,
        budgets: Sequence[tuple[int, Sequence[int]]] | None = None,
    ) -> None:
        self.total = total
        self.most_levels = most_levels
        self.most_parts = most_parts
        self.sign = sign
        self.signs = signs
        self.shapes = shapes
        self.categorical = categorical
        self.reads = reads
        self.budgets = budgets

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Self, Floats]:
        """Decides the shape of every column by the folds, once, and which screen it reads through."""
        if self.shapes is None:
            shapes = learn_shapes(X, y, tuple(self.signs), folds=folds, codes=codes)
            return type(self)(**self.get_params() | {"shapes": shapes}).rehearse(X, y, folds, codes, screens)
        if screens is None:
            return super().rehearse(X, y, folds, codes)
        wanted = screens.different if len(y) <= CARD_ROWS_PER_COLUMN * X.shape[1] else (0,)
        logits = {screen: np.full(len(y), np.nan) for screen in wanted}

        def tried(train: RowNumbers, test: RowNumbers, masks: np.ndarray) -> None:
            found = self._found(X[train], y[train], self.shapes or (), np.flatnonzero(masks[list(wanted)].any(axis=0)))
            for screen in wanted:
                head = clone(self)
                head._finish([part for part in found if masks[screen][part.column]], X[train], y[train])
                logits[screen][test] = head._logits(X[test])

        told = [
            (train, test, masks)
            for (train, test), masks in zip(folds, screens.folds, strict=True)
            if len(test) and len(np.unique(y[train])) == 2
        ]
        side_by_side([partial(tried, *each) for each in told])
        taken = chosen_screen(y, logits, codes)
        reads = None if screens.whole[taken].all() else screens.columns(taken)
        return type(self)(**self.get_params() | {"reads": reads}), logits[taken]

    def _fit(self, X: Floats, y: Floats) -> None:
        shapes = self.shapes
        if shapes is None:
            shapes = learn_shapes(X, y, tuple(self.signs), folds=account_folds(y))
        self._finish(self._found(X, y, shapes, range(X.shape[1]) if self.reads is None else self.reads), X, y)

    def _found(self, X: Floats, y: Floats, shapes: Sequence[Shape], columns: Iterable[int]) -> list[_Effects]:
        """The levels of those columns, each by itself, on evenly spaced rows."""
        some = spread_rows(len(y), MAX_CARD_ROWS)
        found = [self._effects(j, X[some, j], y[some], shapes[j]) for j in map(int, columns)]
        return [part for part in found if part.width]

    def _finish(self, found: list[_Effects], X: Floats, y: Floats) -> None:
        """Gives points to what was found, and links their sum."""
        self.parts_ = self._pointed(found, y[spread_rows(len(y), MAX_CARD_ROWS)])
        self._link(self.points(X).sum(axis=1), y)

    def _effects(self, j: int, values: Floats, y: Floats, shape: Shape) -> _Effects:
        min_rows = max(20, len(y) // 200)
        if j in self.categorical:
            levels, shape = learn_groups(values, min_rows=min_rows), "free"
        else:
            levels = learn_levels(values, y, most=self.most_levels, min_rows=min_rows)
        falls = shape != "free" and (shape == "rising") != (self.sign > 0)
        return _Effects(j, levels, shape, falls, levels.of(values))

    def _pointed(self, parts: list[_Effects], y: Floats) -> tuple[CardPart, ...]:
        """Fits the effects of the parts that matter on how well it goes, together, and gives whole points for them."""
        if not parts:
            return ()
        good = y if self.sign > 0 else 1.0 - y
        parts, first = self._foremost(parts, good)
        design = np.column_stack([np.ones(len(y)), *(part.design() for part in parts)])
        floor = np.concatenate([part.floor() for part in parts])
        penalty = np.r_[1e-8, np.full(len(floor), RIDGE)]
        lower = np.r_[-np.inf, floor]
        beta = penalised_logistic(design, good, penalty=penalty, lower=lower, start=first, tolerance=1e-6)
        if np.abs(beta[1:]).max() < 1e-9:
            return ()
        p = sigmoid(design @ beta)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + np.diag(penalty)
        hessian = hessian[1:, 1:] - np.outer(hessian[1:, 0], hessian[0, 1:]) / hessian[0, 0]
        ends = np.cumsum([part.width for part in parts])
        slices = [slice(end - part.width, end) for part, end in zip(parts, ends, strict=True)]
        budget, totals = self._budgets(parts)
        budgets = Budgets(slices, lambda k, own: float(np.ptp(parts[k].of_levels(own))), budget, totals)
        points = whole_points(beta[1:], hessian, floor=floor, budgets=budgets)
        made = [part.part(part.of_levels(points[own])) for part, own in zip(parts, slices, strict=True)]
        return tuple(part for part in made if max(part.points))

    def _foremost(self, parts: list[_Effects], good: Floats) -> tuple[list[_Effects], Floats]:
        """The parts that say most together, in the order given, and effects to start their joint fit from.

        Each part's levels are first valued alone, by their log odds; a fit of these values together ranks the parts.
        """
        alone = [part.alone(good) for part in parts]
        values = np.column_stack([part.value(own) for part, own in zip(parts, alone, strict=True)])
        spread = values.std(axis=0)
        design = np.column_stack([np.ones(len(good)), values - values.mean(axis=0)])
        start = np.r_[base_logit(good), np.full(len(parts), 1.0 / len(parts))]
        penalty = np.r_[1e-8, np.full(len(parts), RIDGE)]
        beta = penalised_logistic(
            design, good, penalty=penalty, lower=np.r_[-np.inf, np.zeros(len(parts))], start=start, tolerance=1e-6
        )
        ranked = np.lexsort([-spread, -beta[1:] * spread])[: self.most_parts]  # alone, where together they say nothing
        kept = sorted(map(int, ranked))
        effects = np.concatenate([beta[1 + k] * alone[k] for k in kept])
        offset = float(beta[0] - beta[1:] @ values.mean(axis=0))
        return [parts[k] for k in kept], np.r_[offset, effects]

    def _budgets(self, parts: list[_Effects]) -> tuple[np.ndarray, Floats]:
        """Budget of each part, and the points of each budget that has parts."""
        given = self.budgets or [(self.total, [part.column for part in parts])]
        owner = {column: k for k, (_, columns) in enumerate(given) for column in columns}
        if unowned := [part.column for part in parts if part.column not in owner]:
            raise ValueError(f"column {unowned[0]} is in no budget; every column that earns points needs one")
        used, codes = np.unique([owner[part.column] for part in parts], return_inverse=True)
        return codes, np.array([float(given[k][0]) for k in used])

    def _link(self, points: Floats, y: Floats) -> None:
        """Intercept and slope of the logit on the points (rows,)."""
        design = np.column_stack([np.ones(len(y)), points / self.total])
        start = np.array([base_logit(y), 0.0])
        lower = [-np.inf, 0.0 if self.sign > 0 else -np.inf]
        beta = penalised_logistic(design, y, penalty=[1e-8, 1e-6], lower=lower, start=start)
        self.intercept_, self.slope_ = float(beta[0]), float(beta[1]) / self.total

    def points(self, X: Floats) -> Floats:
        """Points of each part, (rows, parts)."""
        given = [np.asarray(part.points, float)[part.levels.of(X[:, part.column])] for part in self.parts_]
        return np.column_stack(given) if given else np.zeros((len(X), 0))

    @property
    def line(self) -> LogitLine:
        """From the points' sum to the logit."""
        return LogitLine(self.slope_, self.intercept_)

    def _logits(self, X: Floats) -> Floats:
        return self.line.at(self.points(X).sum(axis=1))

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """Slope times points above the average training row's, per metric."""
        average = np.array([part.average for part in self.parts_])
        values = np.zeros((len(X), self.n_features_in_))
        values[:, [part.column for part in self.parts_]] = self.slope_ * (self.points(X) - average)
        return values, self.intercept_ + self.slope_ * float(average.sum())

    def _state(self) -> dict[str, Any]:
        return {
            "intercept": self.intercept_,
            "slope": self.slope_,
            "parts": [part.to_dict() for part in self.parts_],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.intercept_, self.slope_ = state["intercept"], state["slope"]
        self.parts_ = tuple(CardPart.from_dict(part) for part in state["parts"])


@dataclass(frozen=True)
class _Effects:
    """The design columns of one metric while its card is being fitted: effects on how well it goes.

    A metric with a direction has one column per step from its worst level to its best, each effect at least 0; a free
    one has one per level but the first. Nulls, where there are any, have a column of their own.
    """

    column: int
    levels: Levels
    shape: Shape
    falls: bool
    level: RowNumbers

    @property
    def steps(self) -> int:
        """Columns for levels."""
        return self.levels.count - 1

    @property
    def has_nulls(self) -> bool:
        """Whether training rows lack the metric."""
        return bool((self.level == self.levels.count).any())

    @property
    def width(self) -> int:
        """Number of design columns."""
        return self.steps + self.has_nulls

    def design(self) -> Floats:
        """The design (rows, width)."""
        null = self.level == self.levels.count
        place = self.steps - self.level if self.falls else self.level
        at = np.arange(1, self.steps + 1)
        columns = (place[:, None] == at) if self.shape == "free" else (place[:, None] >= at)
        columns = columns & ~null[:, None]
        return np.column_stack([columns, null] if self.has_nulls else [columns]).astype(np.float64)

    def floor(self) -> Floats:
        """The least each effect may be."""
        lowest: Floats = np.r_[
            np.full(self.steps, -np.inf if self.shape == "free" else 0.0), [-np.inf] * self.has_nulls
        ]
        return lowest

    def alone(self, good: Floats) -> Floats:
        """Effects (width,) by the log odds of each level alone, drawn towards none, in the shape of the part."""
        from scipy.optimize import isotonic_regression

        count = self.levels.count + 1
        rows = np.bincount(self.level, minlength=count) + 1e-9
        rate = (np.bincount(self.level, weights=good, minlength=count) + 5 * good.mean()) / (rows + 5)
        odds = np.log(rate / (1 - rate))
        levels, null = odds[:-1], odds[-1:]
        if self.shape != "free":
            levels = isotonic_regression(levels, weights=rows[:-1], increasing=not self.falls).x
        ordered = levels[::-1] if self.falls else levels
        steps = ordered[1:] - ordered[0] if self.shape == "free" else np.maximum(np.diff(ordered), 0.0)
        effects: Floats = np.r_[steps, null - ordered[0]] if self.has_nulls else steps
        return effects

    def value(self, effects: Floats) -> Floats:
        """What the effects give each row, up to a constant."""
        levels = self.of_levels(effects)
        return (levels if self.has_nulls else np.r_[levels, 0.0])[self.level]

    def of_levels(self, effects: Floats) -> Floats:
        """Effect of each level in the order of the metric, and of null (as in `has_nulls`), from the lowest at 0."""
        count, steps = self.levels.count, effects[: self.steps]
        found = np.zeros(len(effects) + 1)
        found[1:count] = steps if self.shape == "free" else steps.cumsum()
        if self.falls:
            found[:count] = found[:count][::-1].copy()
        found[count:] = effects[self.steps :]
        from_zero: Floats = found - found.min()
        return from_zero

    def part(self, points: Floats) -> CardPart:
        """The finished part; a null that training never saw gets the average row's points, rounded."""
        average = float(points[self.level].mean())
        given = [*map(int, points)] if self.has_nulls else [*map(int, points), round(average)]
        return CardPart(self.column, self.levels, tuple(given), self.shape, average)
