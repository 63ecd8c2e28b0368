"""What each metric weighs in a score, in one currency for all kinds of scorer: its share in per cent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.config.weights import settable

if TYPE_CHECKING:
    from powerml.scoring.scorer import Scorer


def weight_shares(scorer: Scorer, metrics: Iterable[str]) -> dict[str, float]:
    """The share (in %) of the score due to each of `metrics`, 0 where unused, summing to 100.

    The scorer's own `weight_shares()` is asked: of a declared weight set the share of the score's attainable range, of
    a fitted model that of the mean absolute contribution. Metrics of the scorer that are not among `metrics` are added.
    """
    found = _by_column(scorer.weight_shares(), scorer.part_metrics)
    total = sum(found.values())
    shares = dict.fromkeys([*metrics, *found], 0.0)
    for name, value in found.items():
        shares[name] += 100 * value / total if total > 0 else 0.0
    return shares


def _by_column(shares: Mapping[str, float], part_metrics: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Shares of actions that are counted from other columns go to those columns, evenly."""
    found: dict[str, float] = {}
    for name, value in shares.items():
        columns = part_metrics.get(name, (name,)) if name not in _all(part_metrics) else (name,)
        for column in columns:
            found[column] = found.get(column, 0.0) + value / len(columns)
    return found


def _all(part_metrics: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {column for columns in part_metrics.values() for column in columns}


def native_params(scorer: Scorer) -> dict[str, Any]:
    """The scorer's own numbers by name: those of a weight set's file, or what a model was fitted with and found."""
    if scorer.document is not None:
        return dict(settable(scorer.document.card))
    worst = scorer.told_outcomes[0]  # what the first side is about
    leaves = _leaves(scorer.to_dict())
    return {re.sub(r"^sides\.churn\.", f"sides.{worst}.", name): value for name, value in leaves}


def _leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Numbers and words of nested data by dotted path; long lists are summed up by their length."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple, np.ndarray)):
        if len(value) <= 3 and all(isinstance(item, (int, float, str)) for item in value):
            yield path, ", ".join(map(str, value))
        else:
            yield f"{path}.length", len(value)
    elif isinstance(value, (int, float, str, bool)):
        yield path, value
