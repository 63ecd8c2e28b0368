"""Weights moved by factors: scaled back to what they added up to, and rounded as they were written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def apportioned(weights: Mapping[str, float], factors: Mapping[str, float], *, floor: bool) -> dict[str, float]:
    """Weights times factors, scaled to the old sum and rounded so that they add up to it to the last digit.

    Digits: those of the weights, at least 2 for shares of 1, none for points. `floor`: nothing positive becomes 0.

    >>> apportioned({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.8}, floor=True)
    {'a': 0.45, 'b': 0.33, 'c': 0.22}
    """
    total = math.fsum(weights.values())
    digits = decimals(weights.values(), at_least=2 if total <= 1 + 1e-9 else 0)
    unit = 10**digits
    moved = {name: weight * factors.get(name, 1.0) for name, weight in weights.items()}
    scale = total / math.fsum(moved.values())
    wanted = {name: value * scale * unit for name, value in moved.items()}
    least = {name: 1 if floor and weights[name] > 0 else 0 for name in weights}
    units = {name: max(math.floor(value + 1e-9), least[name]) for name, value in wanted.items()}
    rest = round(total * unit) - sum(units.values())
    while rest:
        one = 1 if rest > 0 else -1
        open_ = [name for name in wanted if one > 0 or units[name] > least[name]]
        name = max(open_, key=lambda n: one * (wanted[n] - units[n]))
        units[name] += one
        rest -= one
    return {name: round(value / unit, digits) for name, value in units.items()}


def decimals(values: Any, *, at_least: int) -> int:
    """The decimals with which all values are written, at most 6."""
    listed = list(values)
    return next((d for d in range(at_least, 6) if all(abs(v - round(v, d)) < 1e-9 for v in listed)), 6)


def short(weight: float, factor: float) -> float:
    """A weight times a factor in two significant digits; unchanged where the factor does not move it so far."""
    if weight == 0 or factor == 1:
        return weight
    moved = weight * factor
    digits = 1 - math.floor(math.log10(abs(moved)))
    return round(moved, digits) if abs(moved - weight) >= 0.5 * 10**-digits else weight


def scaled(criterion: Mapping[str, Any], by: float, digits: int) -> dict[str, Any]:
    """A criterion with all its points times `by`, rounded; a deduction never becomes none."""

    def times(points: float) -> float:
        moved = round(math.copysign(math.floor(abs(points) * by * 10**digits + 0.5), points) / 10**digits, digits)
        return math.copysign(10.0**-digits, points) if points and not moved else moved + 0.0

    changed = dict(criterion)
    if isinstance(criterion["missing"], Mapping):
        changed["missing"] = {**criterion["missing"], "points": times(criterion["missing"]["points"])}
    else:
        changed["missing"] = times(criterion["missing"])
    for ladder in ("steps", "rungs"):
        if ladder in criterion:
            steps: Sequence[Mapping[str, Any]] = criterion[ladder]
            changed[ladder] = [{**step, "points": times(step["points"])} for step in steps]
    if "per_unit" in criterion:
        changed["per_unit"] = times(criterion["per_unit"])
    return changed
