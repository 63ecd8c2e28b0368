"""Weight sets by name or path as scorers, ready to score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from powerml.config import shipped
from powerml.config.composite import CompositeSpec
from powerml.config.weight_set import WeightSetSpec
from powerml.config.weights import changes_rule, is_shipped, override, read_weights
from powerml.scoring.base import DocumentedScorer, Origin
from powerml.scoring.persist import SCORERS


def load_weights(
    name_or_path: str | Path,
    *,
    params: Mapping[str, float] | None = None,
    vocabulary: Mapping[str, float] | None = None,
    base: Path | None = None,
) -> DocumentedScorer[Any]:
    """The scorer of a shipped weight set or of a file.

    `params` sets numbers of the weight set, the scorer's version says which (`power_user@1+max_features=20`).
    `vocabulary` gives counts (`features`, `advanced`) for parameters declared as `vocabulary`: `max_features` is the
    count of `features`. `base` is the folder of relative paths and of a project's own `configs/`.

    Raises UsageError for an unknown name or parameter (with those there are), ConfigError for a file that is wrong.

    >>> load_weights("engagement").name
    'engagement'
    """
    spec = read_weights(name_or_path, base=base)
    documented = is_shipped(shipped.find("weights", str(name_or_path), base))
    return scorer_of(spec, documented=documented, params=params, vocabulary=vocabulary)


def scorer_of(
    spec: WeightSetSpec,
    *,
    documented: bool = False,
    params: Mapping[str, float] | None = None,
    vocabulary: Mapping[str, float] | None = None,
) -> DocumentedScorer[Any]:
    """The scorer of a weight set, its parameters set as in `load_weights`."""
    params = params or {}
    origin: Origin = "documented" if documented and not changes_rule(spec, params) else "edited"
    return SCORERS[spec.kind](_counted(override(spec, params), vocabulary or {}), origin=origin)


def _counted(spec: WeightSetSpec, vocabulary: Mapping[str, float]) -> WeightSetSpec:
    """Parameters declared as `vocabulary` from its counts."""
    if not isinstance(spec, CompositeSpec):
        return spec
    open_ = {name: name.removeprefix("max_") for name, value in spec.params.items() if value == "vocabulary"}
    counted: dict[str, Any] = {name: float(vocabulary[of]) for name, of in open_.items() if of in vocabulary}
    return spec.model_copy(update={"params": {**spec.params, **counted}})
