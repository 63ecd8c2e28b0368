"""Whole points for fitted effects: the integers that cost least likelihood and add up to the total.

Near its optimum the log loss is a quadratic in the effects, with the Hessian of the fit. So the search for whole
points needs no rows: it minimises `(s q - effects)' H (s q - effects)` over integers `q` and the size `s` of a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from powerml.statistics.folds import RowNumbers
    from powerml.statistics.logistic import Floats

EXCHANGES = 60
"""Rounds of giving a point here and taking one there."""


@dataclass(frozen=True)
class Budgets:
    """Which effects belong together and what they may give: `slices` of effects per part, the span of a part's points,
    the budget (0, 1, ...) of each part, and each budget's total.
    """

    slices: Sequence[slice]
    span: Callable[[int, Floats], float]
    budget: RowNumbers
    totals: Floats

    def spans(self, points: Floats) -> Floats:
        """What each part gives at most."""
        return np.array([self.span(k, points[own]) for k, own in enumerate(self.slices)])

    def spent(self, spans: Floats) -> Floats:
        """What each budget's parts give at most."""
        return np.bincount(self.budget, weights=spans, minlength=len(self.totals)).astype(np.float64)


def whole_points(effects: Floats, hessian: Floats, *, floor: Floats, budgets: Budgets) -> Floats:
    """Integer points (effects,) whose parts' spans add up to the budgets' totals; none below `floor` (0 or -inf)."""
    scale = float(budgets.totals.sum() / max(budgets.spans(effects).sum(), 1e-12))
    search = _Search(effects, hessian, floor, budgets)
    search.put(np.maximum(np.round(effects * scale), floor))
    search.descend()
    search.meet_totals()
    search.exchange()
    return search.points


class _Search:
    """Integer points being improved move by move; `against` is H q, `pull` is H effects, `spans` what parts give."""

    def __init__(self, effects: Floats, hessian: Floats, floor: Floats, budgets: Budgets) -> None:
        self.hessian, self.floor, self.budgets = hessian, floor, budgets
        self.pull, self.diagonal = hessian @ effects, hessian.diagonal()
        self.part_of = np.concatenate([np.full(s.stop - s.start, k) for k, s in enumerate(budgets.slices)])
        self.put(np.zeros(len(effects)))

    def put(self, points: Floats) -> None:
        self.points = points.copy()
        self.against = self.hessian @ self.points
        self.spans = self.budgets.spans(self.points)

    def move(self, i: int, step: float) -> None:
        self.points[i] += step
        self.against += step * self.hessian[i]
        part = self.part_of[i]
        self.spans[part] = self.budgets.span(part, self.points[self.budgets.slices[part]])

    def off(self) -> Floats:
        """What each budget still has to spend."""
        return self.budgets.totals - self.budgets.spent(self.spans)

    def value(self) -> float:
        """How much of the fit the points keep, at the best size of a point."""
        curve, match = float(self.points @ self.against), float(self.points @ self.pull)
        return match**2 / curve if match > 0 and curve > 0 else 0.0

    def gains(self) -> Floats:
        """The value after +1 (first row) or -1 (second) of each effect's points; -inf where not allowed."""
        curve, match = float(self.points @ self.against), float(self.points @ self.pull)
        steps = np.array([[1.0], [-1.0]])
        new_curve, new_match = curve + 2 * steps * self.against + self.diagonal, match + steps * self.pull
        value = np.where((new_match > 0) & (new_curve > 0), new_match**2 / np.maximum(new_curve, 1e-300), 0.0)
        return np.where(self.points + steps >= self.floor, value, -np.inf)

    def descend(self) -> None:
        """Best single moves until none helps."""
        for _ in range(20 * len(self.points)):
            gains = self.gains()
            row, i = np.unravel_index(int(gains.argmax()), gains.shape)
            if gains[row, i] <= self.value() * (1 + 1e-12):
                return
            self.move(int(i), 1.0 - 2.0 * float(row))

    def meet_totals(self) -> None:
        """Cheapest single moves until every budget is spent exactly."""
        while self.off().any() and self._step_nearer():
            pass

    def _step_nearer(self) -> bool:
        """The cheapest move that brings the budgets nearer to being spent; False where there is none."""
        distance, gains = float(np.abs(self.off()).sum()), self.gains()
        for at in np.argsort(-gains, axis=None, kind="stable"):
            row, i = divmod(int(at), len(self.points))
            if gains[row, i] == -np.inf:
                return False
            step = 1.0 - 2.0 * row
            self.move(i, step)
            if float(np.abs(self.off()).sum()) < distance:
                return True
            self.move(i, -step)
        return False

    def exchange(self) -> None:
        """A point more here and one less there, while that helps and every budget stays spent."""
        for _ in range(EXCHANGES):
            start, best, kept = self.points.copy(), self.value() * (1 + 1e-9), None
            gains = self.gains()
            for row in (0, 1):
                for i in np.argsort(-gains[row], kind="stable")[:6]:
                    if gains[row, i] == -np.inf:
                        continue
                    self.move(int(i), 1.0 - 2.0 * row)
                    if self.off().any():
                        self._step_nearer()
                    if not self.off().any() and self.value() > best:
                        best, kept = self.value(), self.points.copy()
                    self.put(start)
            if kept is None:
                return
            self.put(kept)
