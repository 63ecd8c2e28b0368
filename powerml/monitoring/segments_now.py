"""Document B's power users and segments among those of one snapshot, whatever comes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.programme.segments import segment_users
from powerml.scoring.load import load_weights

RULE = "power_user_rule"  # document B's definition, whose claims hold its segment table and the programme's goals
FULL = 100 - 1e-9  # a rule whose conditions are all met


def power_users(snapshot: pd.DataFrame) -> pd.Series | None:
    """Whether each row is a power user by document B; None where a metric of its definition is absent."""
    rule = load_weights(RULE)
    if any(name not in snapshot for name in rule.metrics_) or snapshot.empty:
        return None
    return pd.Series(np.asarray(rule.predict_score(snapshot), dtype=float) >= FULL, index=snapshot.index)


def segments_now(snapshot: pd.DataFrame, scores: pd.DataFrame, id_column: str) -> pd.DataFrame | None:
    """The id and `segment` of everybody who is scored; None where document B's definition lacks a metric.

    `scores`: the scores table of the same date. Power users, then the highest 24 % and the lowest 16 % of the rest.
    """
    scored = scores[scores["status"].eq("scored")].drop_duplicates(id_column).set_index(id_column)["score"]
    rows = snapshot[snapshot[id_column].isin(scored.index)].reset_index(drop=True)
    power = power_users(rows)
    if power is None:
        return None
    named = segment_users(scored.reindex(rows[id_column]).to_numpy(dtype=float), power)
    return pd.DataFrame({id_column: rows[id_column], "segment": named}).dropna().reset_index(drop=True)
