"""`powerml score`: the scores table, from the registry or a weight set, for a snapshot or a ready-made metric table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.metrics import MetricSpec, catalogue
from powerml.config.project import ProjectSpec, slug
from powerml.config.weights import read_weights, settable
from powerml.errors import MissingColumns, StoreError, UsageError
from powerml.scoring.documented.load import load_weights, needed_metrics
from powerml.scoring.explain.text import reasons_json
from powerml.scoring.model import Ranking, ScoringModel
from powerml.sources.tables.metrics import read_metric_table
from powerml.tracking import registry
from powerml.tracking.due import review_due, version_due
from powerml.tracking.store import Store
from powerml.workflows.project import latest_cutoff, open_project, project_metrics

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

Note = Callable[[str], None]


@dataclass(frozen=True)
class Scorer:
    """What to score with: the model, and the name and version that score rows carry.

    `registered`: the version it is in the registry; None for a weight set.
    """

    model: ScoringModel
    name: str
    version: str
    registered: registry.Version | None = None

    @property
    def shown(self) -> str:
        """Name and version in a sentence."""
        return f"{self.name}@{self.version}"

    def aimed(self, project: ProjectSpec) -> ProjectSpec:
        """The project with the labels, and so the population, of the outcome that the model was trained on."""
        return project if self.model.outcome is None else project.for_outcome(self.model.outcome)


@dataclass(frozen=True)
class ScoreResult:
    """The scores table, with what it was made by and the baseline that reasons start from (None without reasons).

    `due`: a sentence for each reason to train the version again, or to review the weight set again.
    """

    frame: pd.DataFrame
    scorer: Scorer
    baseline: float | None
    due: tuple[str, ...] = ()

    @property
    def status(self) -> dict[str, int]:
        """Rows by status."""
        return {str(name): int(n) for name, n in self.frame["status"].value_counts().items()}


def score_snapshot(
    project: ProjectSpec,
    as_of: date | None,
    *,
    model: str | None = None,
    weights: str | None = None,
    settings: Mapping[str, float] | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    now: datetime,
    note: Note = lambda text: None,
) -> ScoreResult:
    """Scores every entity of a snapshot (by default the latest), with the champion unless told otherwise.

    `reasons` per row: that many, 0 for none, None for all. Raises StoreError where there is no such version.
    """
    scorer = from_weights(weights, settings=settings, project=project) if weights else from_registry(project, model)
    extra = needed_metrics(scorer.model.scorer, project_metrics(project))  # `window_days=14` asks for logins_14d
    aimed = scorer.aimed(project)
    opened = open_project(aimed, metrics=[MetricSpec.model_validate(m) for m in extra], note=note)
    built = opened.build([as_of or latest_cutoff(opened)], labels=True, note=note)
    if weights:  # parameters declared as `vocabulary` are counted in the data
        scorer = from_weights(weights, settings=settings, project=project, vocabulary=built.vocabulary_counts)
    ids = ["as_of", *_ids(built.frame, project.id_column)]
    due = _due(scorer, weights, project, now=now)
    return _result(scorer, built.frame, ids=ids, reasons=reasons, ranking=ranking, now=now, due=due)


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
    known = {*catalogue(), *scorer.model.columns}
    its = scorer.model
    table = read_metric_table(path, metrics=known, texts=its.text_columns, id_column=its.id_column)
    absent = [name for name in scorer.model.scorer.metrics_ if name not in table.columns]
    if absent:
        raise MissingColumns(absent, asked_by=f"{path}: {scorer.shown}", have=table.columns)
    ids = _ids(table.frame, table.id_column)
    ids += ["as_of"] if "as_of" in table.frame else []
    due = () if project is None else _due(scorer, weights, project, now=now)
    return _result(scorer, table.frame, ids=ids, reasons=reasons, ranking=ranking, now=now, due=due)


def from_registry(project: ProjectSpec, wanted: str | None) -> Scorer:
    """The scorer of a registered version, by default the champion; raises StoreError that names the challenger."""
    store, model = Store(project.state), slug(project.project)
    aliases = registry.aliases(store, model)
    if wanted in (None, model, f"{model}@champion") and "champion" not in aliases:
        if "challenger" not in aliases:
            raise StoreError(f"nothing is trained for {project.project!r} yet; run 'powerml train' first")
        challenger = aliases["challenger"]
        raise StoreError(
            f"{model} has no champion yet; score with its challenger (version {challenger}): "
            f"--model {model}@challenger, or make it the champion: powerml promote {challenger}"
        )
    named = f"{model}@champion" if wanted in (None, model) else str(wanted)
    if named.startswith(f"{model}-") and "@" not in named and registry.aliases(store, named):
        named = f"{named}@{'champion' if 'champion' in registry.aliases(store, named) else 'challenger'}"
    version = registry.find_version(store, model, named)
    return Scorer(registry.load_version(store, version), version.model, str(version.number), version)


def from_weights(
    name_or_path: str,
    *,
    settings: Mapping[str, float] | None = None,
    project: ProjectSpec | None = None,
    vocabulary: Mapping[str, float] | None = None,
) -> Scorer:
    """The scorer of a weight set; the project's `params` count where the set has them, `settings` count more."""
    is_path = name_or_path.endswith((".yaml", ".yml", ".json"))
    base = None if is_path or project is None else project.base
    spec = read_weights(name_or_path, base=base)
    declared = {} if project is None else {k: v for k, v in project.params.items() if k in settable(spec)}
    scorer = load_weights(name_or_path, params={**declared, **(settings or {})}, vocabulary=vocabulary or {}, base=base)
    return Scorer(ScoringModel(scorer), scorer.name, str(scorer.version))


def score_rows(
    scorer: Scorer, frame: pd.DataFrame, *, ids: Sequence[str], reasons: int | None, ranking: Ranking, now: datetime
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


def _result(
    scorer: Scorer,
    frame: pd.DataFrame,
    *,
    ids: Sequence[str],
    reasons: int | None,
    ranking: Ranking,
    now: datetime,
    due: tuple[str, ...],
) -> ScoreResult:
    table, baseline = score_rows(scorer, frame, ids=ids, reasons=reasons, ranking=ranking, now=now)
    return ScoreResult(table, scorer, baseline, due)


def _due(scorer: Scorer, weights: str | None, project: ProjectSpec, *, now: datetime) -> tuple[str, ...]:
    if scorer.registered is not None:
        return version_due(scorer.registered, project, now=now)
    return () if weights is None else review_due(weights, project, now=now)


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


def _ids(frame: pd.DataFrame, id_column: str) -> list[str]:
    return [id_column, *(["account_id"] if id_column == "user_id" and "account_id" in frame else [])]
