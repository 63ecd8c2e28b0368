"""Document D's effect sizes beside those of a simulated product, measured at label snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.validation.churn_path import DOCUMENTED_PATH

RETAINED = ("stay", "expand")
NOT_EXPANDED = ("churn", "stay")


@dataclass(frozen=True)
class Effect:
    """A documented difference between two groups of a metric's values: shares of rows past an edge, or means."""

    name: str
    metric: str
    outcome: Literal["churn", "expand"]
    documented: tuple[float, float]  # with the outcome, without it
    at_least: float | None = None
    below: float | None = None

    def measure(self, values: pd.Series) -> float:
        """The share past the edge, or the mean, of values that are known."""
        known = values.dropna()
        if self.at_least is not None:
            return float((known >= self.at_least).mean())
        if self.below is not None:
            return float((known < self.below).mean())
        return float(known.mean())


EFFECTS = (
    Effect("usage declines", "usage_change_90d", "churn", (0.73, 0.21), below=-0.20),
    Effect("days since a core feature", "days_since_core_feature", "churn", (32, 4)),
    Effect("unresolved tickets", "tickets_unresolved", "churn", (2.4, 0.3)),
    Effect("errors per session", "errors_per_session_30d", "churn", (8.2, 1.1)),
    Effect("abandons workflows", "workflows_abandoned_30d", "churn", (0.67, 0.18), at_least=1),
    Effect("uses advanced features", "advanced_feature_days_30d", "expand", (0.89, 0.31), at_least=4),
    Effect("team members added", "team_members_added_90d", "expand", (3.2, 0.4)),
    Effect("integrations added", "integrations_added_90d", "expand", (2.1, 0.2)),
    Effect("at the plan's limits", "limit_utilisation", "expand", (0.81, 0.12), at_least=0.9),
    Effect("features used", "distinct_features_30d", "expand", (8.3, 3.1)),
)
SINGLE_USER_CHURN = (0.42, 0.11)
METRICS = (*(effect.metric for effect in EFFECTS), "team_size")


def ripe(snapshot: pd.DataFrame) -> pd.DataFrame:
    """Rows of a labelled snapshot whose outcome is known, of entities old enough to be scored."""
    if absent := [name for name in ("label", "enough_history") if name not in snapshot]:
        raise MissingColumns(absent, asked_by="the table of effects", have=snapshot.columns)
    return snapshot[snapshot["label"].isin(("churn", "stay", "expand")) & snapshot["enough_history"].astype(bool)]


def effect_table(snapshot: pd.DataFrame) -> pd.DataFrame:
    """Documented against achieved, one row per effect, of a labelled snapshot frame.

    Columns: `effect`, `documented_with`, `achieved_with`, `ratio_with` (rows with the outcome), the same `_without`,
    `within_15_percent` (both ratios between 0.85 and 1.15), `n_with`, `n_without`. With the outcome `churn`, without is
    all who stayed or expanded; with `expand`, all who did not. The last row is the churn of single-user accounts
    against the others. Source: document D, "Identifying Predictive Behaviors" and Discovery 4.
    """
    if absent := [name for name in METRICS if name not in snapshot]:
        raise MissingColumns(absent, asked_by="the table of effects", have=snapshot.columns)
    rows = ripe(snapshot)
    table = []
    for effect in EFFECTS:
        positive = rows["label"] == effect.outcome
        groups = rows.loc[positive, effect.metric], rows.loc[~positive, effect.metric]
        table.append(
            _row(effect.name, effect.documented, (effect.measure(groups[0]), effect.measure(groups[1])), groups)
        )
    alone = rows["team_size"] <= 1
    churned = rows["label"] == "churn"
    groups = churned[alone], churned[~alone]
    name = "churn of single-user accounts"
    table.append(_row(name, SINGLE_USER_CHURN, (float(groups[0].mean()), float(groups[1].mean())), groups))
    return pd.DataFrame(table)


def _row(
    name: str, documented: tuple[float, float], achieved: tuple[float, float], groups: tuple[pd.Series, pd.Series]
) -> dict[str, object]:
    ratio = np.array(achieved) / np.array(documented)
    return {
        "effect": name,
        "documented_with": documented[0],
        "achieved_with": achieved[0],
        "ratio_with": ratio[0],
        "documented_without": documented[1],
        "achieved_without": achieved[1],
        "ratio_without": ratio[1],
        "within_15_percent": bool(((ratio >= 0.85) & (ratio <= 1.15)).all()),
        "n_with": len(groups[0]),
        "n_without": len(groups[1]),
    }


def achieved_rates(snapshot: pd.DataFrame, intended: tuple[float, float, float]) -> pd.DataFrame:
    """Shares of outcomes against the preset's: columns `outcome`, `intended`, `achieved`, `points_off` (percent)."""
    rows = ripe(snapshot)
    outcomes = ("churn", "stay", "expand")
    achieved = [float((rows["label"] == outcome).mean()) for outcome in outcomes]
    off = [100 * (a - i) for a, i in zip(achieved, intended, strict=True)]
    return pd.DataFrame({"outcome": outcomes, "intended": intended, "achieved": achieved, "points_off": off})


def churner_path(scores: pd.DataFrame, endings: pd.DataFrame) -> pd.DataFrame:
    """Mean score of churners in each of the six months before they left.

    `scores` has `as_of`, `account_id`, `score` at monthly cutoffs; `endings` is `truth/accounts`. Month -1 is the last
    cutoff before the churn. Only users scored at all six cutoffs count, so that the path is one of the same people.
    Columns: `month`, `documented`, `visible` (churn that showed), `all`, `n_visible`, `n_all`.
    """
    ends = endings.dropna(subset="churned_at")[["account_id", "churned_at", "visible"]]
    rows = scores.assign(as_of=pd.to_datetime(scores["as_of"], utc=True)).merge(ends, on="account_id")
    rows = rows[rows["as_of"] <= rows["churned_at"]]
    left = rows["churned_at"].dt.year * 12 + rows["churned_at"].dt.month
    rows["month"] = rows["as_of"].dt.year * 12 + rows["as_of"].dt.month - left - 1
    rows = rows[rows["month"].between(-6, -1)]
    rows = rows[rows.groupby("user_id")["month"].transform("size") == 6]
    visible = rows[rows["visible"].astype(bool)].groupby("month")["score"]
    everyone = rows.groupby("month")["score"]
    months = range(-6, 0)
    return pd.DataFrame(
        {
            "month": months,
            "documented": DOCUMENTED_PATH,
            "visible": visible.mean().reindex(months).to_numpy(),
            "all": everyone.mean().reindex(months).to_numpy(),
            "n_visible": visible.size().reindex(months, fill_value=0).to_numpy(),
            "n_all": everyone.size().reindex(months, fill_value=0).to_numpy(),
        }
    )
