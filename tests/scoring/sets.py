"""The five documented sets as scorers, plausible rows of metrics for them, and metrics as recipes see them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from powerml.config.metrics import catalogue
from powerml.config.weights import read_weights
from powerml.scoring.load import scorer_of

if TYPE_CHECKING:
    from powerml.config.weight_set import WeightSetSpec
    from powerml.scoring.documented.base import DocumentedScorer

GOLDEN = pd.read_csv(Path(__file__).parents[1] / "golden" / "metrics.csv")
CATALOGUE = catalogue()
PARAMS: dict[str, dict[str, float]] = {
    "power_user": {"max_features": 20, "max_advanced": 5},
    "power_user_rule": {},
    "power_user_signals": {},
    "engagement": {},
    "activity": {},
}
SETS = tuple(PARAMS)

# Values that are worth trying: edges of the documents' ladders, their neighbours, and what lies far out.
_RATIOS = [-1.0, -0.2000001, -0.2, -0.05, 0.0, 0.05, 0.25, 0.3, 0.5, 0.6, 0.79, 0.8, 0.9, 1.0, 1.5]
_COUNTS = [0, 1, 2, 3, 4, 5, 8, 12, 15, 20, 30, 100]
_REAL = [0.0, 0.25, 0.999, 1.0, 2.999, 3.0, 4.75, 5.0, 7.0, 29.9, 30.0, 180.0]
_SIGNED = ("usage_change_90d", "usage_growth_30d", "feature_breadth_change_30d")


def scorer(name: str, *, fitted: bool = True) -> DocumentedScorer:
    """A documented set as a scorer, the golden table being its reference."""
    made = scorer_of(declared(name), documented=True, params=PARAMS[name])
    return made.fit(GOLDEN) if fitted else made


@cache
def declared(name: str) -> WeightSetSpec:
    """A documented set as declared, read once."""
    return read_weights(name)


def values_of(metric: str) -> list[float]:
    """Values a metric can take."""
    spec = CATALOGUE[metric]
    if spec.unit in ("ratio", "0 to 1"):
        return [v for v in _RATIOS if metric in _SIGNED or v >= 0]
    if metric in ("logins_30d", "workflows_completed_30d", "invites_30d"):
        return [0, 1, 2, 3, 8]
    if metric == "nps_latest":
        return [0, 6, 7, 10]
    if metric == "workflow_depth_30d":
        return [0, 1, 2]
    return _REAL if metric.startswith(("days_since", "active_days_per", "session", "errors_per")) else list(_COUNTS)


def rows(name: str, *, max_size: int = 8) -> st.SearchStrategy[pd.DataFrame]:
    """Tables of the metrics a set reads, nulls among them; drawn by seed, as a draw per cell takes far longer."""
    metrics = scorer(name, fitted=False).metrics_

    def table(seed: int, size: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        columns = {metric: rng.choice([*values_of(metric), np.nan], size=size) for metric in metrics}
        return pd.DataFrame({**columns, "events_30d": rng.choice([0.0, 1.0, 50.0], size=size)})

    return st.builds(table, st.integers(0, 2**32 - 1), st.integers(1, max_size))
