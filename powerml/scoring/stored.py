"""Scorers as data: JSON to a scorer, without pickle.

Each kind of scorer is made again from the dict that its `to_dict` gave. Kinds outside this table register themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powerml.config.weights import KINDS
from powerml.errors import StoreError
from powerml.scoring.documented.activity import ActivityScorer
from powerml.scoring.documented.composite import CompositeScorer
from powerml.scoring.documented.criteria import RuleScorer, SignalsScorer
from powerml.scoring.documented.points import PointsScorer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from powerml.scoring.documented.base import DocumentedScorer

SCORERS: dict[str, type[DocumentedScorer[Any]]] = {
    scorer.kind_of_scorer: scorer
    for scorer in (PointsScorer, CompositeScorer, ActivityScorer, RuleScorer, SignalsScorer)
}

_LOADERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {}


def _register(kind_of_scorer: str, loader: Callable[[Mapping[str, Any]], Any]) -> None:
    """Says how a kind of scorer is made from its dict; a second loader for a kind replaces the first."""
    _LOADERS[kind_of_scorer] = loader


def scorer_from_dict(data: Mapping[str, Any]) -> Any:
    """The scorer whose `to_dict` gave `data`; raises StoreError for a kind that this version does not know."""
    kind = data.get("kind_of_scorer")
    if kind not in _LOADERS:
        known = ", ".join(sorted(_LOADERS))
        raise StoreError(f"the stored scorer is of kind {kind!r}, which this version cannot read; it reads {known}")
    return _LOADERS[kind](data)


def _documented(data: Mapping[str, Any]) -> DocumentedScorer[Any]:
    kind = data["kind_of_scorer"]
    spec = KINDS[kind].model_validate(data["spec"])
    return SCORERS[kind](spec, origin=data["origin"])._restore(data)


for _kind in SCORERS:
    _register(_kind, _documented)
