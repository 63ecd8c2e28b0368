"""What fits on one run: at most 80 params and 120 metrics, so that the UI's tables and charts can be read.

Weights come first, for they are the axes on which runs are compared; then figures in the order of `HEADLINES`. What
does not fit is in the run's files: `figures.csv` and `native.yaml`.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MAX_PARAMS = 80
MAX_METRICS = 120
OWN_AXES = 15
"""So many metrics of a project's own have an axis each."""
OTHER = "other"
"""The axis of all the others."""
NATIVE_PARAMS = 10
"""A weight set with at most so many numbers has them as params too."""
HEADLINES = (
    "skill/overall*",
    "skill/churn",
    "skill/expand",
    "*/auroc",
    "*/auroc_low",
    "*/auroc_high",
    "*/auroc_*d_earlier",
    "*/log_loss",
    "calibration/*_slope",
    "calibration/*_observed_expected",
    "calibration/score_bias",
    "bands/order",
    "bands/*_share",
    "top20/*",
    "*/average_precision",
    "*/lift_10",
    "*/recall_10",
    "*/rate",
    "*/events",
    "time/*",
    "skill/*",
    "recalibrate/*",
    "bands/*",
)
"""Names (and patterns) of figures, those first that a run is looked at for."""


def on_axes(shares: Sequence[Mapping[str, float]], known: Collection[str]) -> list[dict[str, float]]:
    """The shares of each run on the same axes: `known` metrics, the largest others, and the rest together.

    >>> on_axes([{"mrr": 60.0, "mine": 40.0}, {"mrr": 100.0, "mine": 0.0}], {"mrr"})
    [{'mrr': 60.0, 'mine': 40.0}, {'mrr': 100.0, 'mine': 0.0}]
    """
    names = list(dict.fromkeys(name for each in shares for name in each))
    largest = {name: max(each.get(name, 0.0) for each in shares) for name in names if name not in known}
    own = sorted(largest, key=lambda name: (-largest[name], name))[:OWN_AXES]
    axes = [name for name in names if name in known or name in own]
    told = []
    for each in shares:
        run = {name: each.get(name, 0.0) for name in axes}
        if len(axes) < len(names):
            run[OTHER] = sum(value for name, value in each.items() if name not in run)
        told.append(run)
    return told


def headline_figures(figures: Mapping[str, float], room: int) -> dict[str, float]:
    """The figures that fit, in the order of `HEADLINES`.

    >>> headline_figures({"skill/brier": 0.1, "churn/auroc": 0.8, "skill/overall": 0.2}, 2)
    {'skill/overall': 0.2, 'churn/auroc': 0.8}
    """
    return {name: figures[name] for name in sorted(figures, key=_rank)[: max(room, 0)]}


def beside_each_other(runs: Sequence[Mapping[str, float]], room: int) -> list[dict[str, float]]:
    """The figures of runs that are compared: those that all have are the same ones, and each keeps what it has alone.

    >>> beside_each_other([{"skill/overall": 0.2, "skill/brier": 0.1}, {"skill/overall": 0.3, "time/drift": 1.0}], 3)
    [{'skill/overall': 0.2, 'skill/brier': 0.1}, {'skill/overall': 0.3, 'time/drift': 1.0}]
    """
    told = [run for run in runs if run]
    shared = set.intersection(*(set(run) for run in told)) if told else set()
    alone = [headline_figures({k: v for k, v in run.items() if k not in shared}, room // 3) for run in runs]
    left = room - max(map(len, alone), default=0)
    return [
        headline_figures({k: v for k, v in run.items() if k in shared}, left) | own
        for run, own in zip(runs, alone, strict=True)
    ]


def _rank(name: str) -> int:
    return next((i for i, pattern in enumerate(HEADLINES) if fnmatch.fnmatchcase(name, pattern)), len(HEADLINES))


def native_as_params(native: Mapping[str, Any], room: int) -> dict[str, Any]:
    """A weight set's numbers where they are few enough to be params, else none: then the file holds them."""
    return dict(native) if len(native) <= min(NATIVE_PARAMS, room) else {}
