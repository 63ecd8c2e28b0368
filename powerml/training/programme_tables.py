"""What came of power users and of the rest, on the snapshots whose outcomes are known (documents B and C)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config import shipped
from powerml.config.claims import load_claims
from powerml.errors import MissingColumns
from powerml.programme.archetypes import archetypes
from powerml.programme.kpis import account_view, programme_kpis
from powerml.programme.segments import segment_table, segment_users
from powerml.scoring.load import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from powerml.training.rows import TrainingData

RULE = "power_user_rule"  # document B's definition, whose claims hold its segment table and the programme's goals


def programme_tables(data: TrainingData, score: Callable[[pd.DataFrame], np.ndarray]) -> dict[str, pd.DataFrame]:
    """`segments`, `accounts` (with and without a power user), `kpis`, `archetypes` of the last mature snapshot.

    `score` says what segments below the power users are cut by. A table is absent where its metrics are.
    """
    rule = load_weights(RULE)
    whole = data.whole[data.whole["enough_history"].astype(bool)].reset_index(drop=True)
    if data.custom is not None or not data.has_later or whole.empty or any(m not in whole for m in rule.metrics_):
        return {}
    whole = whole.assign(power_user=np.asarray(rule.predict_score(whole), dtype=float) >= 100 - 1e-9)
    last = whole[whole["as_of"] == whole["as_of"].max()].reset_index(drop=True)
    claims = load_claims(shipped.find("claims", RULE))

    def segments() -> pd.DataFrame:
        named = segment_users(score(last), last["power_user"])
        return segment_table(last, named, document=claims.segments)

    def shares_of_archetypes() -> pd.DataFrame:
        found = archetypes(last, power_user=last["power_user"])["archetype"].dropna()
        counts = found.value_counts()
        return pd.DataFrame(
            {"archetype": counts.index, "n": counts.to_numpy(), "share": counts.to_numpy() / len(found)}
        )

    made = {
        "segments": segments,
        "accounts": lambda: account_view(last),
        "kpis": lambda: programme_kpis(whole, claims.kpis),
        "archetypes": shares_of_archetypes,
    }
    tables = {}
    for name, make in made.items():
        try:
            tables[name] = make()
        except MissingColumns:  # an optional table that this project does not have
            continue
    return tables
