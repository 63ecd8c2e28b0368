"""The scores table: who was scored, who was not and why, and the columns of the contract in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.metrics import catalogue
from powerml.scoring.explain.text import reasons_json
from powerml.statistics.ranks import active_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.model import Ranking, ScoringModel
    from powerml.scoring.named import NamedScorer

NEARLY_ALL = 0.9  # of the scored rows in one band


def score_rows(
    scorer: NamedScorer,
    frame: pd.DataFrame,
    *,
    ids: Sequence[str],
    reasons: int | None,
    ranking: Ranking,
    now: datetime,
    metrics: Mapping[str, MetricSpec] | None = None,
    left: pd.Series | None = None,
) -> tuple[pd.DataFrame, float | None]:
    """The scores table for rows of a snapshot, in their order, and the baseline of the reasons.

    `metrics` say the units in reasons and what is missing (by default the catalogue's). `left` is true for those who
    paid once and no longer: a weight set scores them, but they are in no rank, and no calibrated score is theirs.
    """
    model = scorer.model
    status = _status(model, frame, left)
    told = status.eq("scored") | (status.eq("left") & (not model.has_probabilities))
    rows = frame[told]
    if status.eq("left").any():  # of the rows that are ranked they are none
        rows = rows.assign(active=active_rows(rows) & status[told].ne("left").to_numpy(dtype=bool))
    baseline = None
    scored = model.score(rows, ranking=ranking) if len(rows) else pd.DataFrame(index=rows.index)
    if len(rows) and reasons != 0:
        found = model.reasons(rows)
        baseline = found.baseline
        scored["reasons"] = reasons_json(found, rows, top=reasons, metrics=catalogue() if metrics is None else metrics)
    others = frame[~told & status.ne("insufficient_history")]
    if len(others) and len(beside := model.beside(others).columns.intersection(scored.columns if len(rows) else [])):
        scored = pd.concat([scored, model.beside(others)[beside]])
    every = [
        "score",
        model.band_column,
        "percentile",
        *model.probability_columns,
        "coverage",
        *(["reasons"] if reasons != 0 else []),
    ]
    scored = _ordered(scored, every, said=model.probability_columns)
    table = frame[list(ids)].assign(status=status).join(scored.reindex(frame.index))
    table["model"], table["model_version"] = scorer.name, scorer.version
    table["scored_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table, baseline


def crowded_sentences(bands: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence where nearly all of those scored are in one band (rows by band); none where bands tell them apart."""
    largest = max(bands, key=lambda band: bands[band], default="")
    share = bands[largest] / sum(bands.values()) if bands else 0.0
    if share < NEARLY_ALL:
        return ()
    return (f"{100 * share:.0f} % of those scored are {largest}: ranks tell more here than bands do.",)


def _status(model: ScoringModel, frame: pd.DataFrame, left: pd.Series | None) -> pd.Series:
    """`scored`, `outside_population`, `left` or `insufficient_history` per row."""
    status = pd.Series("scored", index=frame.index).mask(model.outside(frame), "outside_population")
    status = status if left is None else status.mask(left, "left")
    return status.mask(~frame["enough_history"].astype(bool), "insufficient_history")


def _ordered(scored: pd.DataFrame, every: Sequence[str], *, said: Sequence[str]) -> pd.DataFrame:
    """Columns in the order of the contract, those of `every` that a scorer does not give being null.

    `said` are the columns of its probabilities.
    """
    own = () if "document_score" in scored else ("raw_score", "tier")  # else they are the document's
    first = ["score", *own, "band", "percentile", "document_score"]
    last = [*said, "coverage", "reasons"]
    for name in every:
        if name not in scored:
            scored[name] = pd.Series(float("nan"), index=scored.index)
    middle = [name for name in scored if name not in first and name not in last]
    return scored[[*(n for n in first if n in scored), *middle, *(n for n in last if n in scored)]]


def id_columns(frame: pd.DataFrame, id_column: str) -> list[str]:
    """The columns of a table that say who a row is: the entity, and beside a user its account."""
    return [id_column, *(["account_id"] if id_column == "user_id" and "account_id" in frame else [])]
