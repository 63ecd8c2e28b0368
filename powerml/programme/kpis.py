"""The power-user programme (document B): its KPIs against baseline and target, and accounts with a power user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns, UsageError
from powerml.programme.segments import account_of
from powerml.statistics.folds import clustered_mean
from powerml.statistics.intervals import normal_quantile, ratio_of_sums, wilson_by_account
from powerml.statistics.survival import kaplan_meier, median_time
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from powerml.config.claims import Kpi, KpiName

KPIS: dict[KpiName, str] = {
    "share_reaching_power": "share",
    "median_days_to_power": "days",
    "power_user_retention": "share",
    "revenue_share_of_power_accounts": "share",
    "power_user_nps": "points",
}
Estimate = tuple[float, float, float, int]  # value, low, high, n


def programme_kpis(panel: pd.DataFrame, goals: Mapping[KpiName, Kpi] | None = None) -> pd.DataFrame:
    """The five KPIs of the programme at the panel's last date, against what a programme started from and aims at.

    `panel`: snapshots of users under each other, with a boolean `power_user`, `account_id`, `account_age_days`, `mrr`,
    `nps_latest` and, for retention, `label`. Columns `kpi`, `unit`, `baseline`, `target`, `current`, `low`, `high`,
    `n`, `note`. What cannot be told is null and the note says why; retention is that of the latest date with ripe
    labels.
    """
    needed = ["as_of", "user_id", "account_id", "power_user"]
    if absent := [name for name in needed if name not in panel]:
        raise MissingColumns(absent, asked_by="the programme's KPIs", have=panel.columns)
    if panel.duplicated(["as_of", "user_id"]).any():
        raise UsageError("the programme's KPIs: a user stands twice at one date; give each snapshot once")
    last = panel[panel["as_of"] == panel["as_of"].max()]
    told: dict[KpiName, tuple[Estimate, str]] = {
        "share_reaching_power": _share(last),
        "median_days_to_power": _days(panel),
        "power_user_retention": _retention(panel),
        "revenue_share_of_power_accounts": _revenue(last),
        "power_user_nps": _nps(last),
    }
    rows = []
    for name, unit in KPIS.items():
        (value, low, high, n), note = told[name]
        goal = (goals or {}).get(name)
        baseline, target = (np.nan, np.nan) if goal is None else (goal.baseline, goal.target)
        rows.append((name, unit, baseline, target, value, low, high, n, note))
    columns = ["kpi", "unit", "baseline", "target", "current", "low", "high", "n", "note"]
    return pd.DataFrame(rows, columns=columns)


NOTHING: Estimate = (np.nan, np.nan, np.nan, 0)


def _share(last: pd.DataFrame) -> tuple[Estimate, str]:
    value, low, high = wilson_by_account(last["power_user"].to_numpy(dtype=float), account_of(last))
    return (value, low, high, len(last)), "of all users at the last date"


def time_to_power(panel: pd.DataFrame) -> pd.DataFrame:
    """One row per user whose way to power status can be seen: `entered`, `days`, `reached` (ages in days).

    A user counts from the first snapshot of the panel in which they stand (from age 0 if created since the panel
    began), until the first with power status, or the last seen without it (censored). Users who had the status when
    the panel began are left out: when they reached it is not known.
    """
    if "account_age_days" not in panel:
        raise MissingColumns(["account_age_days"], asked_by="the time to power status", have=panel.columns)
    rows = panel.sort_values(["user_id", "as_of"])
    first = rows.groupby("user_id", sort=True).first()
    began = panel["as_of"].min()
    old = first["account_age_days"] > (first["as_of"] - began) / pd.Timedelta(days=1)
    reached = rows[rows["power_user"].astype(bool)].groupby("user_id", sort=True)["account_age_days"].first()
    seen = rows.groupby("user_id", sort=True)["account_age_days"].last()
    happened = seen.index.isin(reached.index)
    days = reached.reindex(seen.index).where(happened, seen)
    ways = pd.DataFrame({"entered": first["account_age_days"].where(old, 0.0), "days": days, "reached": happened})
    known: pd.DataFrame = ways[~(old & first["power_user"].astype(bool))]
    return known


def _days(panel: pd.DataFrame) -> tuple[Estimate, str]:
    if "account_age_days" not in panel:
        return NOTHING, "needs account_age_days"
    if panel["as_of"].nunique() < 2:
        return NOTHING, "needs snapshots of two dates or more"
    ways = time_to_power(panel)
    if not ways["reached"].any():
        return (np.nan, np.nan, np.nan, len(ways)), "nobody was seen to reach power status"
    curve = kaplan_meier(ways["days"], ways["reached"], entered=ways["entered"])
    value, low, high = median_time(curve)
    reached = int(ways["reached"].sum())
    note = f"Kaplan-Meier; {reached} of {len(ways)} were seen to reach it"
    if np.isnan(value):
        note += f"; by day {curve['time'].iloc[-1]:.0f} it is {100 * (1 - curve['survival'].iloc[-1]):.0f} %, not half"
    return (value, low, high, len(ways)), note


def _retention(panel: pd.DataFrame) -> tuple[Estimate, str]:
    if "label" not in panel:
        return NOTHING, "needs labels"
    judged = panel[panel["power_user"].astype(bool) & panel["label"].isin(OUTCOMES)]
    if judged.empty:
        return NOTHING, "no power user has a ripe label"
    ripe = judged[judged["as_of"] == judged["as_of"].max()]
    value, low, high = wilson_by_account((ripe["label"] != "churn").to_numpy(dtype=float), account_of(ripe))
    return (value, low, high, len(ripe)), f"power users of {ripe['as_of'].iloc[0]:%Y-%m-%d}"


def _revenue(last: pd.DataFrame) -> tuple[Estimate, str]:
    if "mrr" not in last:
        return NOTHING, "needs mrr"
    accounts = last.groupby("account_id").agg(mrr=("mrr", "max"), power_user=("power_user", "any")).dropna()
    total = accounts["mrr"].sum()
    if total <= 0:
        return NOTHING, "no account pays"
    value = accounts.loc[accounts["power_user"].astype(bool), "mrr"].sum() / total
    return (float(value), np.nan, np.nan, len(accounts)), "of the revenue of all accounts at the last date, a census"


def _nps(last: pd.DataFrame) -> tuple[Estimate, str]:
    if "nps_latest" not in last:
        return NOTHING, "needs nps_latest"
    asked = last[last["power_user"].astype(bool) & last["nps_latest"].notna()]
    if asked.empty:
        return NOTHING, "no power user has answered"
    return net_promoter_score(asked["nps_latest"], account_of(asked)), "promoters (9, 10) minus detractors (0 to 6)"


def net_promoter_score(answers: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.95) -> Estimate:
    """100 x (share of 9 and 10 - share of 0 to 6), with a normal interval (clustered by `groups`) and n.

    Whole or averaged answers: from 9 promotes, up to 6 detracts. The interval is null below two groups.

    >>> net_promoter_score([10, 9, 8, 3])[0]
    25.0
    """
    nps = np.asarray(answers, dtype=float)
    votes = (nps >= 9).astype(float) - (nps <= 6)
    n = len(votes)
    codes = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    mean, error = clustered_mean(votes, codes)
    value, half = 100 * mean, 100 * normal_quantile(level) * error
    if not np.isfinite(half):
        return value, np.nan, np.nan, n
    return value, max(value - half, -100.0), min(value + half, 100.0), n


def account_view(frame: pd.DataFrame, later: pd.DataFrame | None = None) -> pd.DataFrame:
    """Accounts with and without a power user: `accounts`, `n_labelled`, retention and expansion with intervals.

    `later`: a snapshot a horizon after `frame`, which is of one date then; adds net revenue retention: the money of
    accounts that paid, then over now, an account that pays no longer counting nothing (`n_paying`, `nrr`, `low_nrr`,
    `high_nrr`).

    `frame`: a snapshot of users with `power_user` and `label`, of one date or several (an account then counts once per
    date, and intervals are by effective n). Where users of an account differ in outcome (behavioural labels), it
    expands if any does, else stays if any does. Columns `power_user`, `accounts`, `share`, `n_labelled`,
    `rate_retention`, `low_retention`, `high_retention`, `rate_expand`, `low_expand`, `high_expand`.
    """
    needed = ["account_id", "power_user", "label"]
    if absent := [name for name in needed if name not in frame]:
        raise MissingColumns(absent, asked_by="the account view", have=frame.columns)
    keys = [name for name in ("as_of", "account_id") if name in frame]
    best = frame["label"].map({"churn": 0, "stay": 1, "expand": 2}).astype(float)
    users = frame[keys].assign(power_user=frame["power_user"].astype(bool), best=best)
    accounts = users[users["account_id"].notna()].groupby(keys, as_index=False).agg(
        power_user=("power_user", "any"), best=("best", "max")
    )  # fmt: skip
    rows = []
    for power in (True, False):
        mine = accounts[accounts["power_user"] == power]
        judged = mine[mine["best"].notna()]
        groups = judged["account_id"].astype(str).to_numpy()
        row: dict[str, object] = {
            "power_user": power,
            "accounts": len(mine),
            "share": len(mine) / len(accounts) if len(accounts) else np.nan,
            "n_labelled": len(judged),
        }
        for name, hit in (("retention", judged["best"] > 0), ("expand", judged["best"] == 2)):
            ends = wilson_by_account(hit.to_numpy(dtype=float), groups)
            row |= dict(zip((f"rate_{name}", f"low_{name}", f"high_{name}"), ends, strict=True))
        if later is not None:
            row |= _net_revenue(frame[frame["account_id"].isin(mine["account_id"])], later)
        rows.append(row)
    return pd.DataFrame(rows)


def _net_revenue(first: pd.DataFrame, later: pd.DataFrame) -> dict[str, object]:
    if "mrr" not in first or "mrr" not in later:
        return {"n_paying": 0, "nrr": np.nan, "low_nrr": np.nan, "high_nrr": np.nan}
    before = first.groupby("account_id")["mrr"].max().astype(float)
    before = before[before > 0]
    after = later.groupby("account_id")["mrr"].max().astype(float).reindex(before.index).fillna(0.0)
    value, low, high = ratio_of_sums(after.to_numpy(), before.to_numpy())
    return {"n_paying": len(before), "nrr": value, "low_nrr": low, "high_nrr": high}
