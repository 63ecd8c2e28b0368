"""What came of power users and of the rest, on the snapshots whose outcomes are known (documents B and C)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config import shipped
from powerml.config.claims import load_claims
from powerml.errors import MissingColumns
from powerml.monitoring.segments_now import FULL, RULE
from powerml.programme.archetypes import archetypes
from powerml.programme.beginnings import phases
from powerml.programme.discoveries import discoveries
from powerml.programme.kpis import account_view, programme_kpis
from powerml.programme.segments import FIFTHS, revenue_fifths, segment_table, segment_users
from powerml.scoring.load import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from powerml.training.rows import TrainingData

DISCOVERIES = "engagement"  # document D's claims
YEAR_DAYS, TOLERANCE_DAYS = 365, 10


def programme_tables(data: TrainingData, score: Callable[[pd.DataFrame], np.ndarray]) -> dict[str, pd.DataFrame]:
    """What came of the last mature snapshot, by `segments`, `fifths` of revenue, `phases` of age; `accounts` with and
    without a power user; `discoveries` beside document D's; `kpis`, `archetypes`.

    `score` says what segments below the power users are cut by. A table is absent where its metrics are.
    """
    rule = load_weights(RULE)
    whole = data.whole[data.whole["enough_history"].astype(bool)].reset_index(drop=True)
    if data.custom is not None or not data.has_later or whole.empty or any(m not in whole for m in rule.metrics_):
        return {}
    whole = whole.assign(power_user=np.asarray(rule.predict_score(whole), dtype=float) >= FULL)
    of_all_ages = data.whole[data.whole["as_of"] == data.whole["as_of"].max()]
    last = whole[whole["as_of"] == whole["as_of"].max()].reset_index(drop=True)
    claims = load_claims(shipped.find("claims", RULE))

    def segments() -> pd.DataFrame:
        named = segment_users(score(last), last["power_user"])
        return segment_table(last, named, document=claims.segments)

    def fifths() -> pd.DataFrame:
        named = revenue_fifths(last)
        if not any(isinstance(each, str) for each in named):
            raise MissingColumns(["mrr"], asked_by="fifths of revenue", have=last.columns)
        return segment_table(last, named, order=FIFTHS)

    def accounts() -> pd.DataFrame:
        horizon = data.project.outcome.horizon_days
        paired = _apart(whole, data.latest, -horizon)
        return account_view(last) if paired is None else account_view(*paired)

    def beside_document_d() -> pd.DataFrame:
        year = _apart(whole, last, -YEAR_DAYS)
        told = load_claims(shipped.find("claims", DISCOVERIES)).discoveries
        return discoveries(last, told, year_before=None if year is None else year[0])

    def shares_of_archetypes() -> pd.DataFrame:
        found = archetypes(last, power_user=last["power_user"])["archetype"].dropna()
        counts = found.value_counts()
        return pd.DataFrame(
            {"archetype": counts.index, "n": counts.to_numpy(), "share": counts.to_numpy() / len(found)}
        )

    made = {
        "segments": segments,
        "fifths": fifths,
        "phases": lambda: phases(of_all_ages.assign(power_user=rule.predict_score(of_all_ages) >= FULL)),
        "accounts": accounts,
        "discoveries": beside_document_d,
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


def _apart(whole: pd.DataFrame, last: pd.DataFrame, days: int) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Of the snapshots in `whole` the one that lies `days` from that of `last` (10 days off at most), and `last`."""
    wanted = pd.Timestamp(last["as_of"].max()) + pd.Timedelta(days=days)
    off = (whole["as_of"] - wanted).abs()
    if off.empty or off.min() > pd.Timedelta(days=TOLERANCE_DAYS):
        return None
    return whole[off == off.min()].reset_index(drop=True), last
