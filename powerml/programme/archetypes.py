"""Archetypes of power users: innovator, advocate, optimizer (document C, "Common Power User Archetypes")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.statistics.ranks import Ranks, active_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

# Our reading of the document's descriptions: it names no metrics.
ARCHETYPES: dict[str, tuple[str, ...]] = {
    "Innovator": ("beta_features_30d", "new_categories_30d", "feature_requests_90d"),
    "Advocate": ("referrals", "teammates_invited", "shared_assets"),
    "Optimizer": ("automation_actions_30d", "advanced_feature_days_30d", "workflow_depth_30d"),
}
LEAST = 50.0


def archetype_reference(frame: pd.DataFrame) -> dict[str, Ranks]:
    """The distributions that ranks are taken in: every archetype's metric among the active entities of a snapshot."""
    _check(frame)
    active = active_rows(frame)
    return {
        metric: Ranks.of(frame[metric].to_numpy(dtype=float, na_value=np.nan)[active])
        for metrics in ARCHETYPES.values()
        for metric in metrics
    }


def archetypes(
    frame: pd.DataFrame, *, power_user: ArrayLike, reference: Mapping[str, Ranks] | None = None
) -> pd.DataFrame:
    """`Innovator`, `Advocate`, `Optimizer` (0 to 100) and the `archetype` of each row, with the frame's index.

    A score is the mean percent rank of its three metrics within the reference (by default the active rows given); a
    rank counts only where the value is above 0, and a metric that the reference lacks altogether is left out of the
    mean. The largest score names a power user's archetype if it is at least 50, else it is `none`; of equal ones the
    first as listed. Rows that are no power users have scores and a null archetype.
    """
    _check(frame)
    ranks = archetype_reference(frame) if reference is None else reference
    scores = pd.DataFrame({name: _score(frame, metrics, ranks) for name, metrics in ARCHETYPES.items()}, frame.index)
    largest = scores.fillna(-1.0).to_numpy()
    named = np.array(list(ARCHETYPES), dtype=object)[largest.argmax(axis=1)]
    named[largest.max(axis=1) < LEAST - 1e-9] = "none"
    named[~np.asarray(power_user, dtype=bool)] = None
    return scores.assign(archetype=pd.Series(named, index=frame.index, dtype=object))


def _score(frame: pd.DataFrame, metrics: tuple[str, ...], ranks: Mapping[str, Ranks]) -> NDArray[np.float64]:
    columns = []
    for metric in metrics:
        if ranks[metric].n == 0:
            continue
        values = frame[metric].to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            columns.append(np.where(values > 0, ranks[metric].percentile(values), 0.0))
    return np.mean(columns, axis=0) if columns else np.full(len(frame), np.nan)


def _check(frame: pd.DataFrame) -> None:
    absent = [metric for metrics in ARCHETYPES.values() for metric in metrics if metric not in frame]
    if absent:
        raise MissingColumns(absent, asked_by="the archetypes", have=frame.columns)
