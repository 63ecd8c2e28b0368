"""An edited weight set from a review: every part's weight moves a little the way the answers lean, no further.

A weight `w` becomes `w (1 + step x lean)`, lean being between -1 and 1 and in full only at two standard errors, then
the weights are scaled back to what they added up to and rounded. Twenty answers are a small step, not a fit; the next
sheet takes the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.weight_set import WeightSetSpec

STEP = 0.25


def cannot_edit(spec: WeightSetSpec | None) -> str:
    """Why no weights can be proposed for a scorer, or nothing; None is a model of the registry."""
    if spec is None or spec.learnt:
        return (
            "Its weights were learnt from outcomes, and opinions on twenty rows must not replace those: no weights are "
            "proposed. To edit by hand, copy a card of points, or review a documented set (--weights power_user)."
        )
    if spec.moved({}) is None:
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
    edited = spec.moved(factors)
    if edited is None or edited == spec:
        return None
    data = edited.model_dump(by_alias=True)
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
