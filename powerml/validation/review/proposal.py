"""An edited weight set from a review: every part's weight moves a little the way the answers lean, no further.

A weight `w` becomes `w (1 + step x lean)`, lean being between -1 and 1 and in full only at two standard errors, then
the weights are scaled back to what they added up to and rounded. Twenty answers are a small step, not a fit; the next
sheet takes the next one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from powerml.config.activity import ActivitySpec
from powerml.config.card_model import CardModelSpec
from powerml.config.composite import CompositeSpec
from powerml.config.points import PointsSpec
from powerml.validation.review.parts import members

if TYPE_CHECKING:
    from powerml.config.weight_set import WeightSetSpec

STEP = 0.25


def cannot_edit(spec: WeightSetSpec | None) -> str:
    """Why no weights can be proposed for a scorer, or nothing; None is a model of the registry."""
    if spec is None or isinstance(spec, CardModelSpec):
        return (
            "Its weights were learnt from outcomes, and opinions on twenty rows must not replace those: no weights are "
            "proposed. To edit by hand, copy a card of points, or review a documented set (--weights power_user)."
        )
    if not isinstance(spec, (CompositeSpec, PointsSpec, ActivitySpec)):
        return f"{spec.label} counts criteria that are met or not and has no weights to move: none are proposed."
    return ""


def proposal(spec: WeightSetSpec, lean: Mapping[str, float], *, step: float = STEP) -> WeightSetSpec | None:
    """The weight set with its weights moved, `version` one higher and `based_on` the old one.

    Dimensions keep a sum of 1, parts of a points set the points they give at most, actions the weight of the login
    (else of the first action). None where nothing moves by as much as the last digit of the weights.
    """
    if cannot_edit(spec):
        return None
    factors = {part: 1 + step * max(-1.0, min(1.0, value)) for part, value in lean.items()}
    data = spec.model_dump(by_alias=True)
    if isinstance(spec, CompositeSpec):
        weights = {name: d.weight for name, d in spec.dimensions.items()}
        for name, weight in _apportioned(weights, factors, floor=True).items():
            data["dimensions"][name]["weight"] = weight
    elif isinstance(spec, ActivitySpec):
        data = _actions(data, {name: action.weight for name, action in spec.actions.items()}, factors)
    elif isinstance(spec, PointsSpec):
        each = {name: factors.get(part, 1.0) for part, names in members(spec).items() for name in names}
        data = _points(spec, data, each)
    edited: WeightSetSpec = type(spec).model_validate(data)
    if edited == spec:
        return None
    return type(spec).model_validate({**data, "version": next_version(spec.version), "based_on": spec.label})


def next_version(version: int | str) -> int | str:
    """The version after this one.

    >>> next_version(1), next_version("2026"), next_version("spring"), next_version("spring.2")
    (2, 2027, 'spring.1', 'spring.3')
    """
    if isinstance(version, int) or version.isdigit():
        return int(version) + 1
    head, dot, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}" if dot and last.isdigit() else f"{version}.1"


def _apportioned(weights: Mapping[str, float], factors: Mapping[str, float], *, floor: bool) -> dict[str, float]:
    """Weights times factors, scaled to the old sum and rounded so that they add up to it to the last digit.

    Digits: those of the weights, at least 2 for shares of 1, none for points. `floor`: nothing positive becomes 0.

    >>> _apportioned({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.8}, floor=True)
    {'a': 0.45, 'b': 0.33, 'c': 0.22}
    """
    total = math.fsum(weights.values())
    digits = _digits(weights.values(), at_least=2 if total <= 1 + 1e-9 else 0)
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


def _digits(values: Any, *, at_least: int) -> int:
    """The decimals with which all values are written, at most 6."""
    listed = list(values)
    return next((d for d in range(at_least, 6) if all(abs(v - round(v, d)) < 1e-9 for v in listed)), 6)


def _actions(data: dict[str, Any], weights: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, Any]:
    anchor = next((name for name in weights if name.startswith("login")), next(iter(weights)))
    by = factors.get(anchor, 1.0)
    actions = {
        name: {
            **data["actions"][name],
            "weight": weight if name == anchor else _short(weight, factors.get(name, 1.0) / by),
        }
        for name, weight in weights.items()
    }
    return {**data, "actions": actions}


def _short(weight: float, factor: float) -> float:
    """A weight times a factor in two significant digits; unchanged where the factor does not move it so far."""
    if weight == 0 or factor == 1:
        return weight
    moved = weight * factor
    digits = 1 - math.floor(math.log10(abs(moved)))
    return round(moved, digits) if abs(moved - weight) >= 0.5 * 10**-digits else weight


def _points(spec: PointsSpec, data: dict[str, Any], factors: Mapping[str, float]) -> dict[str, Any]:
    """Parts: the points they give at most are shared out anew and every step with them; deductions are scaled."""
    most = {name: max(0.0, *part.points) for name, part in spec.parts.items()}
    shared = _apportioned(most, factors, floor=True) if sum(most.values()) else most
    digits = _digits([p for part in spec.criteria.values() for p in part.points], at_least=0)
    parts, deductions = {}, {}
    for name, part in data["parts"].items():
        by = shared[name] / most[name] if most[name] else 1.0
        parts[name] = _scaled(part, by, digits)
    for name, deduction in data["deductions"].items():
        deductions[name] = _scaled(deduction, factors.get(name, 1.0), digits)
    return {**data, "parts": parts, "deductions": deductions}


def _scaled(criterion: Mapping[str, Any], by: float, digits: int) -> dict[str, Any]:
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
