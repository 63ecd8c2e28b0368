"""The scores table: who was scored, who was not and why, and the columns of the contract in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.metrics import catalogue
from powerml.scoring.explain.text import reasons_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from powerml.scoring.model import Ranking
    from powerml.scoring.named import NamedScorer


def score_rows(
    scorer: NamedScorer,
    frame: pd.DataFrame,
    *,
    ids: Sequence[str],
    reasons: int | None,
    ranking: Ranking,
    now: datetime,
) -> tuple[pd.DataFrame, float | None]:
    """The scores table for rows of a snapshot, in their order, and the baseline of the reasons."""
    model = scorer.model
    outside = model.outside(frame)
    status = pd.Series("scored", index=frame.index).mask(outside, "outside_population")
    status = status.mask(~frame["enough_history"].astype(bool), "insufficient_history")
    rows = frame[status.eq("scored")]
    table = frame[list(ids)].assign(status=status)
    baseline = None
    scored = model.score(rows, ranking=ranking) if len(rows) else pd.DataFrame(index=rows.index)
    if len(rows) and reasons != 0:
        contributions = model.contributions(rows)
        units = {name: spec.unit for name, spec in catalogue().items()}
        baseline = contributions.baseline
        scored["reasons"] = reasons_json(contributions, rows, top=reasons, units=units)
    every = [
        "score",
        model.band_column,
        "percentile",
        *model.probability_columns,
        "coverage",
        *(["reasons"] if reasons != 0 else []),
    ]
    scored = _ordered(scored, every, said=model.probability_columns)
    table = table.join(scored.reindex(frame.index))
    table["model"], table["model_version"] = scorer.name, scorer.version
    table["scored_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table, baseline


def _ordered(scored: pd.DataFrame, every: Sequence[str], *, said: Sequence[str]) -> pd.DataFrame:
    """Columns in the order of the contract, those of `every` that a scorer does not give being null.

    `said` are the columns of its probabilities.
    """
    first = ["score", "raw_score", "band", "tier", "percentile"]
    last = [*said, "coverage", "reasons"]
    for name in every:
        if name not in scored:
            scored[name] = pd.Series(float("nan"), index=scored.index)
    middle = [name for name in scored if name not in first and name not in last]
    return scored[[*(n for n in first if n in scored), *middle, *(n for n in last if n in scored)]]


def id_columns(frame: pd.DataFrame, id_column: str) -> list[str]:
    """The columns of a table that say who a row is: the entity, and beside a user its account."""
    return [id_column, *(["account_id"] if id_column == "user_id" and "account_id" in frame else [])]
