"""Scorers as data: JSON to a scorer, without pickle.

One table names each kind of scorer and where it stands; a kind is imported when it is asked for, so that scoring with a
weight set loads no trees. Every kind writes itself with `to_dict` and is read back by its class's `from_dict`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from powerml.config.card_model import CardModelSpec
from powerml.config.weights import KINDS
from powerml.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.weight_set import WeightSetSpec
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.scorer import Scorer

STORED: dict[str, str] = {
    **{kind: spec.scored_by for kind, spec in KINDS.items()},
    "cards": CardModelSpec.scored_by,
    "linked": "powerml.scoring.outcome.linked:LinkedScorer",
    "outcome_model": "powerml.scoring.outcome.model:NestedOutcomeModel",
}
"""Kind of scorer -> `module:class`."""


def scorer_from_dict(data: Mapping[str, Any]) -> Scorer:
    """The scorer whose `to_dict` gave `data`; raises StoreError for a kind that this version does not know."""
    kind = data.get("kind_of_scorer")
    if kind not in STORED:
        known = ", ".join(sorted(STORED))
        raise StoreError(f"the stored scorer is of kind {kind!r}, which this version cannot read; it reads {known}")
    made: Scorer = _class(STORED[kind]).from_dict(data)
    return made


def documented_from_dict(data: Mapping[str, Any]) -> DocumentedScorer[Any]:
    """The weight set's scorer whose `to_dict` gave `data`; raises StoreError for any other kind."""
    document = scorer_from_dict(data).document
    if document is None:
        raise StoreError(f"the stored scorer is of kind {data.get('kind_of_scorer')!r}, which is no weight set")
    return document


def scorer_class(spec: WeightSetSpec) -> type[DocumentedScorer[Any]]:
    """The class that scores a weight set of this kind."""
    found: type[DocumentedScorer[Any]] = _class(type(spec).scored_by)
    return found


def _class(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
