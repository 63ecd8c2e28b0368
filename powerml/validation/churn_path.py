"""The score of churners in the six months before they left, beside document D's path."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.statistics.accounts import accounts_of
from powerml.statistics.folds import clustered_mean, group_codes
from powerml.statistics.intervals import normal_quantile

# document D, "Discovery 1: Engagement Drops Happen Gradually": six months before, then five, to one
DOCUMENTED_PATH = (62.0, 58.0, 51.0, 42.0, 31.0, 19.0)


def churn_instants(labels: pd.DataFrame, *, id_column: str, horizon_days: int = 90) -> pd.DataFrame:
    """When each churn came, as far as labels tell: the id and `churned_at`, one row per churn.

    `labels` has `as_of`, the id and `label` at several cutoffs. Windows overlap, so a churn shows in several cutoffs
    running; it came after the last of them and before the next cutoff, whose window holds it no more: half-way. With
    behavioural outcomes that is when the silence is surely over the horizon, not when it began. A run that reaches the
    last cutoff is left out, for it may go on.

    >>> labels = pd.DataFrame({"as_of": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]),
    ...     "user_id": "ada", "label": ["churn", "churn", "ineligible"]})
    >>> churn_instants(labels, id_column="user_id")["churned_at"].tolist()
    [Timestamp('2026-02-15 00:00:00')]
    """
    rows = labels[["as_of", id_column, "label"]].assign(as_of=pd.to_datetime(labels["as_of"]))
    cutoffs = pd.Series(sorted(rows["as_of"].unique()))
    following = dict(zip(cutoffs, cutoffs.shift(-1), strict=True))
    churn = rows.loc[rows["label"] == "churn", [id_column, "as_of"]].drop_duplicates()
    churn["next"] = churn["as_of"].map(following)
    again = churn[[id_column, "as_of"]].rename(columns={"as_of": "next"}).assign(again=True)
    last = churn.merge(again, on=[id_column, "next"], how="left")
    last = last[last["again"].isna() & last["next"].notna()]
    days = np.minimum((last["next"] - last["as_of"]).dt.days, horizon_days)
    churned_at = last["as_of"] + pd.to_timedelta(days / 2, unit="D")
    return last[[id_column]].assign(churned_at=churned_at).reset_index(drop=True)


def path_before_churn(
    history: pd.DataFrame,
    churned: pd.DataFrame,
    *,
    id_column: str,
    months: int = 6,
    level: float = 0.95,
) -> pd.DataFrame:
    """Mean score of churners in each of the six months before they left: D's 62, 58, 51, 42, 31, 19.

    `history`: `as_of`, the id and `score`, any number of cutoffs, and for users `account_id` where there is one: the
    interval takes the rows of an account together. `churned`: the id and `churned_at`, once per churn.
    A score counts in month k before if its cutoff lies in (churned_at - k x 30 d, churned_at - (k-1) x 30 d].
    Columns: months_before (6 to 1), n (churners with a score then), mean_score, low, high. Where an entity has
    several cutoffs in a month the latest counts. Compositions differ: young churners have no score six months before.
    """
    known = history.assign(account=accounts_of(history, id_column))[["as_of", id_column, "account", "score"]]
    pairs = known.dropna().merge(churned[[id_column, "churned_at"]], on=id_column)
    before = (pd.to_datetime(pairs["churned_at"]) - pd.to_datetime(pairs["as_of"])).dt.total_seconds() / 86400
    pairs = pairs.assign(months_before=np.floor(before / 30).astype(int) + 1)[(before >= 0) & (before < 30 * months)]
    latest = pairs.sort_values("as_of").drop_duplicates([id_column, "churned_at", "months_before"], keep="last")
    by_month = dict(list(latest.groupby("months_before")))
    return pd.DataFrame(
        [{"months_before": month} | _month(by_month.get(month), level) for month in range(months, 0, -1)]
    )


def _month(rows: pd.DataFrame | None, level: float) -> dict[str, float]:
    """How many stand behind a month, their mean score and its ends; no ends where all are of one account."""
    if rows is None:
        return {"n": 0, "mean_score": np.nan, "low": np.nan, "high": np.nan}
    mean, error = clustered_mean(rows["score"].to_numpy(dtype=float), group_codes(rows["account"], len(rows)))
    half = normal_quantile(level) * error if np.isfinite(error) else np.nan
    return {"n": len(rows), "mean_score": mean, "low": mean - half, "high": mean + half}


def churn_path(
    scores: pd.DataFrame, labels: pd.DataFrame, *, id_column: str, horizon_days: int = 90
) -> pd.DataFrame | None:
    """`months_before` (6 to 1), n, mean_score, low, high and `document`; None without scores of two months or more.

    `scores`: see `path_before_churn`. `labels`: see `churn_instants`.
    """
    churned = churn_instants(labels, id_column=id_column, horizon_days=horizon_days)
    path = path_before_churn(scores, churned, id_column=id_column, months=len(DOCUMENTED_PATH))
    return path.assign(document=DOCUMENTED_PATH) if (path["n"] > 0).sum() > 1 else None


def path_sentence(path: pd.DataFrame) -> str:
    """The path in a sentence, with how many stand behind it and what document D prints."""
    seen = path[path["n"] > 0]
    months = ", ".join(f"{m}: {s:.0f} (n = {n})" for m, s, n in zip(*_columns(seen), strict=True))
    return (
        f"Mean score of churners by months before they left: {months}; "
        f"document D prints {', '.join(f'{s:.0f}' for s in DOCUMENTED_PATH)}."
    )


def _columns(path: pd.DataFrame) -> tuple[list[int], list[float], list[int]]:
    return path["months_before"].tolist(), path["mean_score"].tolist(), path["n"].tolist()
