"""The score of churners in the six months before they left, beside document D's path."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.validation.band_report import path_before_churn

# document D, "Discovery 1: Engagement Drops Happen Gradually": six months before, then five, to one
DOCUMENTED = (62.0, 58.0, 51.0, 42.0, 31.0, 19.0)


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


def churn_path(
    scores: pd.DataFrame, labels: pd.DataFrame, *, id_column: str, horizon_days: int = 90
) -> pd.DataFrame | None:
    """`months_before` (6 to 1), n, mean_score, low, high and `document`; None without scores of two months or more.

    `scores`: `as_of`, the id and `score`. `labels`: see `churn_instants`.
    """
    churned = churn_instants(labels, id_column=id_column, horizon_days=horizon_days)
    path = path_before_churn(scores, churned, id_column=id_column, months=len(DOCUMENTED))
    return path.assign(document=DOCUMENTED) if (path["n"] > 0).sum() > 1 else None


def path_sentence(path: pd.DataFrame) -> str:
    """The path in a sentence, with how many stand behind it and what document D prints."""
    seen = path[path["n"] > 0]
    months = ", ".join(f"{m}: {s:.0f} (n = {n})" for m, s, n in zip(*_columns(seen), strict=True))
    return (
        f"Mean score of churners by months before they left: {months}; "
        f"document D prints {', '.join(f'{s:.0f}' for s in DOCUMENTED)}."
    )


def _columns(path: pd.DataFrame) -> tuple[list[int], list[float], list[int]]:
    return path["months_before"].tolist(), path["mean_score"].tolist(), path["n"].tolist()
