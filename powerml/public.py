"""What a notebook calls: one function per verb, on a project or on plain data frames. The command is the other door.

Frames in, frames or results out; a result has `sentences` or a `frame`, and shows itself. Times are local midnights of
the project; scores and contributions are in points of 0 to 100. Nothing here holds logic: each function asks what its
verb asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from powerml.config.metrics import catalogue
from powerml.config.project import ProjectSpec, load_project
from powerml.errors import UsageError
from powerml.simulation.product import START
from powerml.tables import OUTCOMES
from powerml.workflows import frames
from powerml.workflows.frames import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from numpy.typing import ArrayLike

    from powerml.config.experiment import ExperimentSpec
    from powerml.scoring.explain.explanation import Explanation
    from powerml.scoring.model import Ranking
    from powerml.simulation.product import Simulation
    from powerml.validation.claims.audit import Audit
    from powerml.validation.comparison import Comparison
    from powerml.workflows.compare import Compared
    from powerml.workflows.explain_group import GroupExplanation
    from powerml.workflows.frames import Explained
    from powerml.workflows.project import SnapshotResult
    from powerml.workflows.screen import Screened
    from powerml.workflows.train import TrainResult

__all__ = ["audit", "compare", "explain", "labels", "score", "screen", "simulate", "snapshot", "train"]


@overload
def simulate(
    preset: str = ..., *, users: int = ..., months: int = ..., seed: int = ..., start: date = ..., folder: None = None
) -> Simulation: ...
@overload
def simulate(
    preset: str = ..., *, users: int = ..., months: int = ..., seed: int = ..., start: date = ..., folder: Path | str
) -> ProjectSpec: ...
def simulate(
    preset: str = "validation",
    *,
    users: int = 2000,
    months: int = 24,
    seed: int = 7,
    start: date = START,
    folder: Path | str | None = None,
) -> Simulation | ProjectSpec:
    """A product whose truth is known: its tables and truth as frames or, given a new `folder`, a project there.

    `users` over `months` calendar months from `start`; the same arguments give the same product. Raises UsageError for
    an unknown preset, and for a folder that is taken.

    >>> product = simulate("validation", users=50, months=6)
    >>> len(product.tables["users"]), sorted(product.truth)[:2]
    (50, ['accounts', 'duplicates'])
    """
    from powerml import simulation

    if folder is None:
        return simulation.simulate(preset, users=users, months=months, seed=seed, start=start)
    simulation.write_product(folder, preset, users=users, months=months, seed=seed, start=start)
    return load_project(Path(folder, "powerml.yaml"))


def snapshot(
    project: ProjectSpec,
    cutoffs: date | Sequence[date] | None = None,
    *,
    monthly: tuple[date, date] | None = None,
    labels: bool = False,
    output: Path | str | None = None,
    cache: bool | None = None,
) -> SnapshotResult:
    """Every metric of every user or account as known at the local midnights of `cutoffs`; `.frame` is the table.

    One date, several, the first of each month from one date to another (`monthly`), or what the project asks for. The
    frame has a row per cutoff and entity: `as_of`, ids, `enough_history`, `active`, a column per metric (its unit is
    the metric's), with `labels` also `label` and `treated`. `output` writes it to a .csv or .parquet file as well.

    >>> from tempfile import mkdtemp
    >>> project = simulate(users=40, months=4, folder=Path(mkdtemp(), "product"))
    >>> made = snapshot(project, date(2024, 4, 1))
    >>> made.frame["events_30d"].sum() > 0
    np.True_
    """
    from powerml.sinks.files import write_table
    from powerml.snapshots.windows import cutoff_dates
    from powerml.workflows.project import open_project, until_when

    chosen: Sequence[date] | None = [cutoffs] if isinstance(cutoffs, date) else cutoffs
    if monthly is not None:
        if cutoffs is not None:
            raise UsageError("snapshot: cutoffs and monthly exclude each other; give one of them")
        chosen = cutoff_dates("month", *monthly)
    opened = open_project(project, cache=cache, until=until_when(project, chosen or (), labels=labels))
    made = opened.build(opened.cutoffs() if chosen is None else chosen, labels=labels)
    if output is not None:
        write_table(made.frame, Path(output))
    return made


def score(  # noqa: PLR0913 (the verb's flags)
    rows: ProjectSpec | pd.DataFrame,
    weights: str | None = None,
    *,
    project: ProjectSpec | None = None,
    model: str | None = None,
    settings: Mapping[str, float] | None = None,
    reasons: int | None = 3,
    ranking: Ranking = "stored",
    as_of: date | None = None,
    now: datetime | None = None,
) -> pd.DataFrame:
    """The scores table: one row per row of a snapshot frame, in its order, or per entity of a project's snapshot.

    `weights` is the name or path of a weight set; without one the project's champion scores, or its version `model`. A
    frame without `enough_history` is all scored. `reasons` per row: that many, 0 for none, None for all. `as_of`
    chooses the rows of one cutoff (of a project by default the latest), `now` stands in `scored_at`. Scores are 0 to
    100, probabilities 0 to 1. Raises MissingColumns for metrics that the frame lacks.

    >>> rows = pd.DataFrame({"user_id": ["ada", "ben"], "logins_30d": [8, 1], "workflows_completed_30d": [3, 0],
    ...                      "invites_30d": [1, 0]})
    >>> score(rows, "activity", settings={"full_scale": 50})[["user_id", "score", "band"]].values.tolist()
    [['ada', 62.0, 'Engaged'], ['ben', 2.0, 'Dormant']]
    """
    if isinstance(rows, ProjectSpec):
        from powerml.workflows.score import score_snapshot

        return score_snapshot(
            rows, as_of, model=model, weights=weights, settings=settings, reasons=reasons, ranking=ranking,
            now=now or datetime.now(UTC),
        ).frame  # fmt: skip
    scorer = frames.named_scorer(weights, project=project, model=model, settings=settings, asked_by="score")
    return frames.scored(rows, scorer, reasons=reasons, ranking=ranking, as_of=as_of, now=now or datetime.now(UTC))


@overload
def screen(rows: ProjectSpec, *, threshold: float | None = ..., natural: bool = ..., force_keep: Sequence[str] = ...,
           force_drop: Sequence[str] = ..., repeats: int = ..., seed: int = ...) -> Screened: ...  # fmt: skip
@overload
def screen(rows: pd.DataFrame, y: ArrayLike | None = ..., *, groups: ArrayLike | None = ...,
           times: ArrayLike | None = ..., threshold: float | None = ..., natural: bool = ...,
           force_keep: Sequence[str] = ..., force_drop: Sequence[str] = ..., repeats: int = ...,
           seed: int = ...) -> pd.DataFrame: ...  # fmt: skip
def screen(  # noqa: PLR0913 (the verb's flags)
    rows: ProjectSpec | pd.DataFrame,
    y: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    times: ArrayLike | None = None,
    threshold: float | None = None,
    natural: bool = False,
    force_keep: Sequence[str] = (),
    force_drop: Sequence[str] = (),
    repeats: int = 500,
    seed: int = 0,
) -> Screened | pd.DataFrame:
    """Which metrics tell an outcome: a row per metric and outcome, strongest first, `kept` and the reason for it.

    Of a project: its mature snapshots, with the leak probe and what the rule costs. Of a frame of metrics: `y` the
    outcome of each row ("churn", "stay", "expand"; by default the column `label`, rows without an outcome left out),
    `groups` its account, `times` its cutoff (by default `account_id`, else `user_id`, and `as_of`). `threshold`: the
    smallest |r| that is kept (document D: 0.45); by default only noise is left out. Correlations are from -1 to 1,
    their intervals of 95 % by account.

    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame({"as_of": pd.Timestamp("2026-01-01"), "account_id": [f"a{i}" for i in range(200)]})
    >>> rows["active_days_30d"] = rng.integers(0, 20, 200)
    >>> rows["nps_latest"] = (rows["active_days_30d"] // 2 + rng.integers(0, 2, 200)).clip(0, 10)
    >>> rows["label"] = np.where(rows["active_days_30d"] < 5, "churn", "stay")
    >>> screen(rows, repeats=50)[["metric", "kept"]].values.tolist()
    [['active_days_30d', True], ['nps_latest', True]]
    """
    if isinstance(rows, ProjectSpec):
        from powerml.workflows import screen as verb

        return verb.screen(
            rows, threshold=threshold, natural=natural, force_keep=tuple(force_keep), force_drop=tuple(force_drop),
            repeats=repeats, seed=seed,
        )  # fmt: skip
    from powerml.screening.correlation import CorrelationScreen
    from powerml.screening.report import screen_report

    if y is None:
        rows = rows[_column(rows, "label").isin(OUTCOMES)]
        y, metrics = rows["label"], rows[[name for name in rows if name in catalogue()]]
    else:
        metrics = rows
    if groups is None:
        groups = _column(rows, "account_id" if "account_id" in rows else "user_id")
    rule = CorrelationScreen(
        threshold, reference_prevalence="natural" if natural else 0.5,
        force_keep=tuple(force_keep), force_drop=tuple(force_drop),
    )  # fmt: skip
    times = _column(rows, "as_of") if times is None else times
    return screen_report(metrics, y, groups=groups, times=times, screen=rule, repeats=repeats, seed=seed)


@overload
def explain(rows: ProjectSpec | pd.DataFrame, weights: str | None = ..., *, entity: str,
            project: ProjectSpec | None = ..., model: str | None = ..., settings: Mapping[str, float] | None = ...,
            as_of: date | None = ...) -> Explanation: ...  # fmt: skip
@overload
def explain(rows: ProjectSpec | pd.DataFrame, weights: str | None = ..., *, band: str,
            project: ProjectSpec | None = ..., model: str | None = ..., settings: Mapping[str, float] | None = ...,
            as_of: date | None = ...) -> GroupExplanation: ...  # fmt: skip
@overload
def explain(rows: ProjectSpec | pd.DataFrame, weights: str | None = ..., *, project: ProjectSpec | None = ...,
            model: str | None = ..., settings: Mapping[str, float] | None = ...,
            as_of: date | None = ...) -> Explained: ...  # fmt: skip
def explain(
    rows: ProjectSpec | pd.DataFrame,
    weights: str | None = None,
    *,
    entity: str | None = None,
    band: str | None = None,
    project: ProjectSpec | None = None,
    model: str | None = None,
    settings: Mapping[str, float] | None = None,
    as_of: date | None = None,
) -> Explanation | GroupExplanation | Explained:
    """Why scores are what they are: of every row, of one `entity`, or the mean of a `band`.

    `rows` are those of a snapshot (at `as_of`, by default the latest in them), or a project whose snapshot is then
    taken. `weights` names a weight set; without it the project's champion explains, or its version `model`. What each
    metric adds is in points of the score: with `baseline` they add up to it. `.shap()` gives all rows as a
    `shap.Explanation`, for shap's own plots.

    >>> rows = pd.DataFrame({"user_id": ["ada", "ben"], "logins_30d": [8, 1], "workflows_completed_30d": [3, 0],
    ...                      "invites_30d": [1, 0]})
    >>> why = explain(rows, "activity", settings={"full_scale": 50})
    >>> why.values.iloc[0].to_dict()
    {'logins_30d': 16.0, 'workflows_completed_30d': 30.0, 'invites_30d': 16.0}
    >>> why.shap().base_values.tolist()
    [0.0, 0.0]
    >>> explain(rows, "activity", settings={"full_scale": 50}, entity="ada").reasons["metric"][0]
    'workflows_completed_30d'
    """
    if entity is not None and band is not None:
        raise UsageError("explain: entity and band exclude each other; give one of them")
    if isinstance(rows, ProjectSpec):
        from powerml.workflows.explain import from_project

        given = from_project(rows, model=model, weights=weights, settings=settings, as_of=as_of)
    else:
        given = frames.explainable(rows, weights, project=project, model=model, settings=settings, as_of=as_of)
    if entity is not None:
        from powerml.workflows.explain import explain as of_one

        return of_one(entity, given)
    if band is not None:
        from powerml.workflows.explain_group import explain_group

        return explain_group(given, band=band)
    return frames.explained(given)


@overload
def compare(rows: ProjectSpec | pd.DataFrame, scorers: Sequence[str], *, settings: Mapping[str, float] | None = ...,
            seed: int = ...) -> Compared: ...  # fmt: skip
@overload
def compare(rows: ArrayLike, scorers: Mapping[str, pd.DataFrame], *, groups: ArrayLike,
            seed: int = ...) -> Comparison: ...  # fmt: skip
def compare(
    rows: ProjectSpec | pd.DataFrame | ArrayLike,
    scorers: Sequence[str] | Mapping[str, pd.DataFrame],
    *,
    groups: ArrayLike | None = None,
    settings: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Compared | Comparison:
    """Scorers on the same rows: by outcomes where they are known, else by order, bands and the top 20.

    `rows` is a project (its held-out snapshots; `scorers` are weight sets or runs), a frame of metrics (`scorers` are
    weight sets), or the outcome of each row, where `scorers` maps names to frames of probabilities `p_churn`, `p_stay`,
    `p_expand` and `groups` holds the rows' accounts. One weight set with `settings` is compared with its edited self.

    >>> came = ["churn", "stay"] * 60
    >>> knows = pd.DataFrame({"p_churn": [0.8, 0.2] * 60, "p_stay": [0.2, 0.8] * 60})
    >>> even = pd.DataFrame({"p_churn": [0.5] * 120, "p_stay": [0.5] * 120})
    >>> compare(came, {"even": even, "knows": knows}, groups=range(120)).answer("even", "knows")
    'better'
    """
    from powerml.workflows import compare as verb

    if isinstance(scorers, Mapping):
        from powerml.validation.comparison import compare as by_outcomes

        if groups is None:
            raise UsageError("compare: whose account is each row? give them in 'groups'")
        return by_outcomes(np.asarray(rows), scorers, groups=groups, seed=seed)
    if isinstance(rows, ProjectSpec):
        return verb.compare_on_project(rows, list(scorers), settings=settings, seed=seed)
    if not isinstance(rows, pd.DataFrame):
        raise UsageError("compare: weight sets are compared on a project or on a frame of metrics")
    with _file(rows) as path:
        return verb.compare_on_table(path, list(scorers), settings=settings, now=datetime.now(UTC))


def train(
    rows: ProjectSpec | pd.DataFrame,
    experiment: ExperimentSpec | Mapping[str, Any] | Path | str | None = None,
    *,
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    id_column: str | None = None,
    project: ProjectSpec | None = None,
) -> TrainResult:
    """Fits and judges scorers forward in time, logs them to MLflow, registers the best; `.headline` is the verdict.

    `rows` is a project, or a ready-made feature table whose outcome is the column `target` (churn/stay/expand, or 0/1
    with 1 = churn), with the columns that name account, cutoff and id; `project` then says where things are kept, by
    default `.powerml` in the current folder. `experiment` is a file, or its content. Scores are 0 to 100,
    probabilities 0 to 1, losses nats a row.

    >>> from tempfile import mkdtemp
    >>> project = simulate(users=60, months=9, folder=Path(mkdtemp(), "product"))
    >>> made = train(project, {"scorers": [{"weights": "engagement"}]})
    >>> made.challenger, made.word
    ('engagement', 'cannot tell')
    """
    from powerml.config.experiment import ExperimentSpec, load_experiment

    if isinstance(experiment, (Path, str)):
        asked = load_experiment(experiment)
    else:
        asked = ExperimentSpec.model_validate(experiment or {})
    if isinstance(rows, ProjectSpec):
        from powerml.workflows.train import train as verb

        return verb(rows, asked)
    from powerml.tables import NamedColumns
    from powerml.workflows.train_table import train_table

    if target is None:
        raise UsageError("train: which column of the table is the outcome? name it in 'target'")
    with _file(rows) as path:
        return train_table(path, NamedColumns(target, group, time, id_column), project=project, experiment=asked)


def audit(claims: str, *, table: Path | str | pd.DataFrame | None = None, seed: int = 0) -> Audit:
    """A published scorecard against its own numbers; `.frame()` has a row per check, `.contradictions` the worst.

    `claims` is a shipped name or a file, `table` scores or a snapshot of your own to hold its shares of users against.

    >>> [check.code for check in audit("engagement").contradictions][:1]
    ['scored_and_labelled']
    """
    from powerml.workflows import audit as verb

    if isinstance(table, pd.DataFrame):
        with _file(table) as path:
            return verb.audit(claims, table=path, seed=seed)
    return verb.audit(claims, table=None if table is None else Path(table), seed=seed)


@contextmanager
def _file(frame: pd.DataFrame) -> Iterator[Path]:
    """A frame as the file that the verb reads, so that it is checked as a file would be."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        frame.to_parquet(path, index=False)
        yield path


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        raise UsageError(f"the rows have no column {name!r}; add it, or give it apart")
    return rows[name]
