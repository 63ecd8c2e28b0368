"""`powerml score`: the scores table, from the registry or a weight set, for a snapshot or a ready-made metric table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.named import NamedScorer, from_weights
from powerml.scoring.scores_table import crowded_sentences, id_columns, score_rows
from powerml.scoring.unseen import unseen_sentences
from powerml.sources.tables.metrics import rows_to_score
from powerml.tracking.due import review_due, version_due
from powerml.tracking.held_out_words import untold_sentences
from powerml.tracking.scorers import RegisteredScorer, from_registry
from powerml.workflows.on_spark import check_folder, open_on_spark
from powerml.workflows.project import latest_cutoff, open_project, project_metrics, until_when
from powerml.workflows.scored_on_spark import WrittenScores, check_model, write_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.scoring.model import Ranking


@dataclass(frozen=True)
class ScoreResult:
    """The scores table, with what it was made by and the baseline that reasons start from (None without reasons).

    `due`: a sentence for each reason to train the version again, or to review the weight set again, and for each column
    with values that training did not see. `untold`: one for each outcome of which the version was found to tell
    nothing.
    """

    frame: pd.DataFrame
    scorer: NamedScorer
    baseline: float | None
    due: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def crowded(self) -> tuple[str, ...]:
        """A sentence where nearly all scored rows are in one band; none where the bands tell them apart."""
        column = self.scorer.model.band_column
        bands = self.frame.loc[self.frame["status"] == "scored", column].value_counts()
        return crowded_sentences({str(band): int(n) for band, n in bands.items()})

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.frame)

    @property
    def bands(self) -> dict[str, int]:
        """Rows by band."""
        if not self.status.get("scored"):
            return {}
        return {str(name): int(n) for name, n in self.frame[self.scorer.model.band_column].value_counts().items()}

    @property
    def status(self) -> dict[str, int]:
        """Rows by status."""
        return {str(name): int(n) for name, n in self.frame["status"].value_counts().items()}


def score_snapshot(  # noqa: PLR0913 (keyword arguments of one question)
    project: ProjectSpec,
    as_of: date | None,
    *,
    model: str | None = None,
    weights: str | None = None,
    settings: Mapping[str, float] | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    now: datetime,
    note: Note = silent,
) -> ScoreResult:
    """Scores every entity of a snapshot (by default the latest), with the champion unless told otherwise.

    `reasons` per row: that many, 0 for none, None for all. Raises StoreError where there is no such version.
    """
    scorer = from_weights(weights, settings=settings, project=project) if weights else from_registry(project, model)
    # of labels only `ineligible` is read, and that is known at the date itself
    until = until_when(project, () if as_of is None else (as_of,), labels=False)
    known = scorer.metrics(project_metrics(project))
    opened = open_project(scorer.aimed(project), known=known, dates=1, until=until, note=note)
    built = opened.build([as_of or latest_cutoff(opened)], labels=True, note=note)
    scorer = scorer.with_counts(built.vocabulary_counts)
    ids = ["as_of", *id_columns(built.frame, project.id_column)]
    table, baseline = score_rows(
        scorer, built.frame, ids=ids, reasons=reasons, ranking=ranking, now=now, metrics=opened.metrics,
        left=None if scorer.model.outcome is not None else opened.left(built.frame),  # events say who that is about
    )  # fmt: skip
    return ScoreResult(table, scorer, baseline, _due(scorer, weights, project, now=now), _untold(scorer))


def score_on_spark(
    project: ProjectSpec,
    as_of: date | None,
    output: Path,
    *,
    model: str | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    now: datetime,
    note: Note = silent,
) -> WrittenScores:
    """As `score_snapshot`, by Spark and into a folder of Parquet files; the scorer is a version of the registry."""
    check_folder(output)
    scorer = from_registry(project, model)
    check_model(scorer, ranking=ranking)
    known = scorer.metrics(project_metrics(project))
    with open_on_spark(scorer.aimed(project), known=known, note=note) as there:
        done = write_scores(there, scorer, as_of, output, reasons=reasons, now=now, note=note)
    return replace(done, due=_due(scorer, None, project, now=now), untold=_untold(scorer))


def score_metrics(
    path: Path,
    *,
    project: ProjectSpec | None = None,
    model: str | None = None,
    weights: str | None = None,
    settings: Mapping[str, float] | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    now: datetime,
) -> ScoreResult:
    """Scores the rows of a metric table in their order; see `score_snapshot`.

    A project is needed for a model of the registry only. Raises DataError for a bad file, MissingColumns naming the
    metrics that the file lacks.
    """
    if weights:
        scorer = from_weights(weights, settings=settings, project=project)
    elif project is not None:
        scorer = from_registry(project, model)
    else:
        raise UsageError("without a project file there is no registry to take a model from; name a set with --weights")
    table = rows_to_score(path, scorer)
    ids = id_columns(table.frame, table.id_column)
    ids += ["as_of"] if "as_of" in table.frame else []
    due = () if project is None else _due(scorer, weights, project, now=now)
    due = (*unseen_sentences(scorer.model, table.frame), *due)
    metrics = None if project is None else project_metrics(project)
    scores, baseline = score_rows(
        scorer, table.frame, ids=ids, reasons=reasons, ranking=ranking, now=now, metrics=metrics
    )
    return ScoreResult(scores, scorer, baseline, due, _untold(scorer))


def _untold(scorer: NamedScorer) -> tuple[str, ...]:
    """A sentence for each outcome of which a registered version was found to tell nothing."""
    return untold_sentences(scorer.registered) if isinstance(scorer, RegisteredScorer) else ()


def _due(scorer: NamedScorer, weights: str | None, project: ProjectSpec, *, now: datetime) -> tuple[str, ...]:
    if isinstance(scorer, RegisteredScorer):
        return version_due(scorer.registered, project, now=now)
    return () if weights is None else review_due(weights, project, now=now)
