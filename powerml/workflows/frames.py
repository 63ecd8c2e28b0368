"""Labels and scores for a notebook: plain frames in, plain frames out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from powerml.config.metrics import catalogue
from powerml.errors import MissingColumns, UsageError
from powerml.scoring.named import from_weights
from powerml.scoring.scores_table import score_rows
from powerml.tracking.scorers import from_registry
from powerml.workflows.project import open_project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.scoring.model import Ranking

KEYS = ("as_of", "user_id", "account_id")


def labels(project: ProjectSpec, cutoffs: Sequence[date]) -> pd.DataFrame:
    """What happened to every entity after each cutoff.

    Returns as_of, the id (and account_id beside a user), label (ineligible, immature, churn, stay or expand) and
    treated, in the order of `snapshot`. Raises what reading the project's tables raises.
    """
    frame = open_project(project).build(cutoffs, labels=True).frame
    return frame[[name for name in KEYS if name in frame] + ["label", "treated"]]


def score(
    frame: pd.DataFrame,
    weights: str | None = None,
    *,
    project: ProjectSpec | None = None,
    model: str | None = None,
    settings: Mapping[str, float] | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    now: datetime | None = None,
) -> pd.DataFrame:
    """The scores table for the rows of a snapshot frame, in their order.

    `weights` is the name or path of a weight set; without one the project's champion scores, or its version `model`.
    A frame without `enough_history` is all scored. `reasons` per row: that many, 0 for none, None for all. `now` stands
    in `scored_at`. Raises MissingColumns for metrics that the frame lacks, UsageError without weights and project.
    """
    if weights is None and project is None:
        raise UsageError("score: neither a weight set nor a project is given; name one of them")
    scorer = (
        from_weights(weights, settings=settings, project=project)
        if weights is not None
        else from_registry(project, model)  # type: ignore[arg-type]
    )
    known = {*catalogue(), *scorer.model.columns}
    absent = [name for name in scorer.model.scorer.metrics_ if name not in frame]
    if absent:
        raise MissingColumns(absent, asked_by=f"score: {scorer.shown}", have=[n for n in frame if n in known])
    rows = frame if "enough_history" in frame else frame.assign(enough_history=True)
    keys = [name for name in KEYS if name in rows]
    now = now or datetime.now(UTC)
    return score_rows(scorer, rows, ids=keys, reasons=reasons, ranking=ranking, now=now)[0]
