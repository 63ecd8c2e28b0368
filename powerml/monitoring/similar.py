"""Who of some uses the product most as another one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.monitoring.conditions import column_numbers, met

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from powerml.config.clauses import Clause
    from powerml.monitoring.conditions import View

USE = (
    *("core_features_30d", "advanced_features_30d", "feature_categories_30d", "content_created_30d"),
    *("reports_generated_30d", "exports_and_shares_30d", "collaboration_actions_30d", "automation_actions_30d"),
    *("integrations_connected", "workflow_depth_30d", "shared_assets", "beta_features_30d"),
)
"""What one does with the product, as against how much: two of unlike ages are compared by it."""


def most_similar(view: View, ids: Iterable[object], among: Sequence[Clause]) -> dict[str, str]:
    """For each of `ids` the entity, of those that meet the conditions, whose use is most like its own.

    The cosine of the ranks of `USE`, each among all entities, centred; nobody is like themselves.
    """
    there = np.all([met(each, view) for each in among], axis=0)
    wanted = pd.Index([str(one) for one in ids])
    if not there.any() or not len(wanted):
        return {}
    columns = []
    for name in USE:
        try:
            columns.append(pd.Series(column_numbers(view, name)).fillna(0.0).rank(pct=True).to_numpy() - 0.5)
        except MissingColumns:
            continue
    if not columns:
        return {}
    use = np.column_stack(columns)
    use /= np.maximum(np.linalg.norm(use, axis=1, keepdims=True), 1e-12)
    champions = np.flatnonzero(there)
    found = {}
    for place in map(int, np.flatnonzero(view.ids.isin(wanted))):
        likeness = use[champions] @ use[place]
        likeness[champions == place] = -np.inf
        if np.isfinite(likeness.max()):
            found[str(view.ids[place])] = str(view.ids[int(champions[likeness.argmax()])])
    return found
