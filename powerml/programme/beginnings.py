"""How the programme goes with age (document B): first value within 7 and 14 days, phases to day 30, 90, beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.programme.segments import account_of
from powerml.statistics.intervals import wilson, wilson_by_account
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATION_DAYS = (7, 14)
PHASES: tuple[tuple[str, float, float], ...] = (
    ("Identification (to day 30)", 0.0, 30.0),
    ("Acceleration (to day 90)", 30.0, 90.0),
    ("Recognition (beyond)", 90.0, np.inf),
)


def activation(
    first_actions: pd.DataFrame, as_of: pd.Timestamp, *, days: Sequence[int] = ACTIVATION_DAYS
) -> pd.DataFrame:
    """Of those who began in a month, how many did a first key action within 7 and within 14 days.

    `first_actions`: `created` (local days), `days` until the first key action (null: none yet). A month counts for
    those whose days are over at `as_of`. Columns `began` (month; `all` in the first row), `within_days`, `n`,
    `activated`, `share`, `low`, `high`. Source: document B, "Initial Activation", "within the first 7-14 days".
    """
    months = first_actions["created"].dt.strftime("%Y-%m")
    rows = []
    for within in days:
        over = (as_of - first_actions["created"]).dt.days >= within
        done = over & first_actions["days"].lt(within)
        for began, there in [("all", over), *((m, over & months.eq(m)) for m in sorted(months.unique()))]:
            n, k = int(there.sum()), int((done & there).sum())
            low, high = wilson(k, n)
            rows.append((began, within, n, k, k / n if n else np.nan, float(low), float(high)))
    columns = ["began", "within_days", "n", "activated", "share", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    return table[table["n"] > 0].reset_index(drop=True)


def phases(frame: pd.DataFrame) -> pd.DataFrame:
    """Entities by age: to day 30, to day 90, beyond; how many are power users, and what came of them.

    `frame`: rows with `account_age_days`, a boolean `power_user` and, where outcomes are known, `label`. Columns
    `phase`, `n`, `share`, `power_users`, `power_share`, `low`, `high`, and with labels `n_labelled`, `rate_churn`,
    `low_churn`, `high_churn`, `rate_expand`, ... Source: document B, "Identification (Days 1-30)" and what follows.
    """
    needed = ["account_age_days", "power_user"]
    if absent := [name for name in needed if name not in frame]:
        raise MissingColumns(absent, asked_by="the phases", have=frame.columns)
    age, power = frame["account_age_days"].to_numpy(dtype=float), frame["power_user"].to_numpy(dtype=float)
    groups, known = account_of(frame), ~np.isnan(age)
    rows = []
    for name, since, until in PHASES:
        inside = known & (age >= since) & (age < until)
        share, low, high = wilson_by_account(power[inside], None if groups is None else groups[inside])
        row: dict[str, object] = {
            "phase": name, "n": int(inside.sum()), "share": inside.sum() / known.sum() if known.any() else np.nan,
            "power_users": int(power[inside].sum()), "power_share": share, "low": low, "high": high,
        }  # fmt: skip
        rows.append(row | _outcomes(frame, inside, groups))
    return pd.DataFrame(rows)


def _outcomes(frame: pd.DataFrame, inside: np.ndarray, groups: np.ndarray | None) -> dict[str, object]:
    if "label" not in frame:
        return {}
    label = frame["label"].to_numpy(dtype=object)
    judged = inside & np.isin(label, OUTCOMES)
    row: dict[str, object] = {"n_labelled": int(judged.sum())}
    for outcome in ("churn", "expand"):
        who = None if groups is None else groups[judged]
        ends = wilson_by_account((label[judged] == outcome).astype(float), who)
        row |= dict(zip((f"rate_{outcome}", f"low_{outcome}", f"high_{outcome}"), ends, strict=True))
    return row
