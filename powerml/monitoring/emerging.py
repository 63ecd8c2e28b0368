"""Emerging power users: young entities that do more than others of their age did."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns, UsageError
from powerml.monitoring.conditions import DUST


def emerging_users(
    frame: pd.DataFrame,
    *,
    reference: pd.DataFrame | None = None,
    times: float = 2.0,
    within_days: int = 30,
) -> pd.DataFrame:
    """Entities in their first 30 days whose events so far are at least twice the median of all at the same age.

    `reference`: snapshots whose rows give the medians (default: `frame`); the age is in whole days, and an age that the
    reference lacks has no median. One row per young entity, with the frame's index: `age_days`, `events`, `median`,
    `peers` (rows at that age, itself included), `emerging`. Source: document B, "Phase 1: Identification".
    """
    peers = _young(frame if reference is None else reference, within_days).groupby("age_days")["events"]
    young = _young(frame, within_days)
    young["median"] = young["age_days"].map(peers.median())
    young["peers"] = young["age_days"].map(peers.size()).fillna(0).astype(int)
    young["emerging"] = (young["events"] > 0) & (young["events"] >= times * young["median"] - DUST)
    return young


def _young(frame: pd.DataFrame, within_days: int) -> pd.DataFrame:
    """Age in whole days and events so far of those younger than `within_days` (at most 30: the events' window)."""
    if within_days > 30:
        raise UsageError(f"emerging users: within_days is {within_days}; events so far are known for 30 days at most")
    if absent := [name for name in ("account_age_days", "events_30d") if name not in frame]:
        raise MissingColumns(absent, asked_by="emerging users", have=frame.columns)
    young = frame[frame["account_age_days"] < within_days]
    age = np.floor(young["account_age_days"].to_numpy(dtype=float)).astype(int)
    return pd.DataFrame({"age_days": age, "events": young["events_30d"].astype(float)}, index=young.index)
