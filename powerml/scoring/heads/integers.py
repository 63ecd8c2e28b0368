"""Whole points for fitted effects: the integers that cost least likelihood and add up to the total.

Near its optimum the log loss is a quadratic in the effects, with the Hessian of the fit. So the search for whole
points needs no rows: it minimises `(s q - effects)' H (s q - effects)` over integers `q` and the size `s` of a point.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from powerml.calibration.likelihood import Floats


def whole_points(
    effects: Floats,
    hessian: Floats,
    *,
    floor: Floats,
    ranges: Callable[[Floats], Floats],
    totals: Floats,
) -> Floats:
    """Integer points (effects,) whose parts' `ranges` add up to `totals`.

    `floor` is the least a coefficient may be (0 or -inf), `ranges(points)` what each budget's parts give at most.
    """
    size = np.maximum(ranges(effects), 1e-12)
    search = _Search(effects, hessian, floor, ranges, totals)
    scale = float(totals.sum() / size.sum())
    search.points = np.maximum(np.round(effects * scale), floor)
    search.descend()
    search.meet_totals()
    search.exchange()
    return search.points


class _Search:
    """Integer points being improved move by move; `against` holds H q and `pull` H effects."""

    def __init__(
        self, effects: Floats, hessian: Floats, floor: Floats, ranges: Callable[[Floats], Floats], totals: Floats
    ) -> None:
        self.hessian, self.floor, self.ranges, self.totals = hessian, floor, ranges, totals
        self.pull = hessian @ effects
        self.points = np.zeros(len(effects))

    def gains(self) -> tuple[Floats, Floats]:
        """What +1 and -1 of each effect's points do to the fit (more is better); -inf where not allowed."""
        against = self.hessian @ self.points
        curve, match = float(self.points @ against), float(self.points @ self.pull)
        diagonal = self.hessian.diagonal()
        results = []
        for step in (1.0, -1.0):
            new_curve = curve + 2 * step * against + diagonal
            new_match = match + step * self.pull
            value = np.where((new_match > 0) & (new_curve > 0), new_match**2 / np.maximum(new_curve, 1e-300), 0.0)
            allowed = self.points + step >= self.floor
            results.append(np.where(allowed, value, -np.inf))
        return results[0], results[1]

    def value(self) -> float:
        """How much of the fit the points keep, at the best size of a point."""
        curve, match = float(self.points @ self.hessian @ self.points), float(self.points @ self.pull)
        return match**2 / curve if match > 0 and curve > 0 else 0.0

    def descend(self) -> None:
        """Best single moves until none helps."""
        for _ in range(20 * len(self.points)):
            up, down = self.gains()
            i, step = (int(up.argmax()), 1.0) if up.max() >= down.max() else (int(down.argmax()), -1.0)
            if max(up[i], down[i]) <= self.value() * (1 + 1e-12):
                return
            self.points[i] += step

    def meet_totals(self) -> None:
        """Cheapest single moves until every budget is spent exactly."""
        for _ in range(100 * int(self.totals.sum())):
            off = self.totals - self.ranges(self.points)
            if not off.any():
                return
            if not self._step_towards(off):
                return

    def _step_towards(self, off: Floats) -> bool:
        up, down = self.gains()
        moves = sorted(
            [(-gain, i, step) for step, gains in ((1.0, up), (-1.0, down)) for i, gain in enumerate(gains)],
            key=lambda move: move[0],
        )
        distance = np.abs(off).sum()
        for cost, i, step in moves:
            if cost == np.inf:
                break
            self.points[i] += step
            if np.abs(self.totals - self.ranges(self.points)).sum() < distance:
                return True
            self.points[i] -= step
        return False

    def exchange(self) -> None:
        """A point more here and one less there, while that helps and every budget stays spent."""
        for _ in range(200):
            best, kept = self.value() * (1 + 1e-9), None
            before = self.points.copy()
            up, down = self.gains()
            for gains, step in ((up, 1.0), (down, -1.0)):
                for i in np.argsort(-gains, kind="stable")[:8]:
                    if not np.isfinite(gains[i]):
                        continue
                    self.points[i] += step
                    if (self._restored() or not (self.totals - self.ranges(self.points)).any()) and self.value() > best:
                        best, kept = self.value(), self.points.copy()
                    self.points = before.copy()
            if kept is None:
                return
            self.points = kept

    def _restored(self) -> bool:
        off = self.totals - self.ranges(self.points)
        return bool(off.any()) and self._step_towards(off) and not (self.totals - self.ranges(self.points)).any()
