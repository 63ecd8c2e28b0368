"""One training session into MLflow: a parent run, and below it one run per weight set or scorer."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from powerml.charts.writing import specification_text, svg
from powerml.config import fingerprints
from powerml.errors import StoreError
from powerml.spreadsheets import guarded
from powerml.tracking.limits import MAX_METRICS, MAX_PARAMS, beside_each_other, native_as_params
from powerml.tracking.model_files import (
    MANIFEST_FILE,
    OWN_TAGS,
    RUN_SOURCE,
    SCRATCH,
    fetched,
    log_model,
    model_manifest,
    share_code,
)
from powerml.tracking.store import Store, connected, experiment_id, plain, safe_key, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mlflow import MlflowClient

    from powerml.charts.theme import AnyChart
    from powerml.scoring.model import ScoringModel

RANKING = "ranking/top20.json"  # the one table per run, at one path, that the UI compares across runs
MANIFEST_DIGEST = "powerml.sha256"  # of the list of the model's files
NOTE = "mlflow.note.content"
NATIVE_FILE = "native.yaml"  # a scorer's own numbers
FIGURES_FILE = "figures.csv"  # every figure, those too that are no metric of the run
LONGEST_PARAM = 6000  # MLflow cuts longer values without a word


@dataclass(frozen=True)
class Attachments:
    """Files of a run by their path in it: HTML pages and texts, CSV tables, JSON data, pictures.

    A picture's path has no suffix: it is kept as SVG, and as Vega-Lite with its data in JSON.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, AnyChart] = field(default_factory=dict)


@dataclass(frozen=True)
class ScorerRun:
    """What a child run holds; `name` is what the experiment calls the scorer, `note` in Markdown.

    `shares` are the metrics' shares of the score in %, with the same keys on every run of a session; `metrics` the
    figures by their stable names (`churn/auroc`), those that are not finite being left out; `by_cutoff` figures that
    were taken month by month; `ranking` the top of the list under pseudonyms.
    """

    model: ScoringModel
    shares: Mapping[str, float]
    native: Mapping[str, Any]
    metrics: Mapping[str, float]
    by_cutoff: Mapping[str, Sequence[float]]
    ranking: pd.DataFrame
    example: pd.DataFrame
    tags: Mapping[str, str] = field(default_factory=dict)
    attachments: Attachments = Attachments()
    note: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """What the run is called: two entries of one weight set have names of their own."""
        return self.name or self.model.name


@dataclass(frozen=True)
class LearnedFrom:
    """The rows of a session as the UI lists them: a digest and counts, no rows."""

    name: str
    digest: str
    counts: Mapping[str, Any]


@dataclass(frozen=True)
class SessionRun:
    """What the parent run holds: fingerprints and other tags, parameters, and files that concern the whole session.

    `metrics` are the challenger's headlines; `note` writes the note once its own id
    and those of the scorers' runs are known.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    attachments: Attachments = Attachments()
    metrics: Mapping[str, float] = field(default_factory=dict)
    learned_from: LearnedFrom | None = None
    note: Callable[[str, Mapping[str, str]], str] = lambda _own, _runs: ""


@dataclass(frozen=True)
class LoggedRun:
    """A child run as it stands in the store."""

    run_id: str
    model_uri: str
    manifest: Mapping[str, str]


@dataclass(frozen=True)
class LoggedSession:
    """The runs of a session; `scorers` by the scorer's name."""

    run_id: str
    scorers: Mapping[str, LoggedRun]


def log_session(
    store: Store,
    project: str,
    *,
    session: SessionRun,
    scorers: Sequence[ScorerRun],
) -> LoggedSession:
    """Writes a session into the project's experiment; raises ValueError where the runs' weight keys differ.

    Sessions are written one after another. What a killed session left running is marked as killed first.
    """
    keys = {frozenset(run.shares) for run in scorers}
    if len(keys) > 1:
        raise ValueError("the runs of a session need the same weight keys, or the UI's comparison drops some of them")
    with writing(store) as client:
        import mlflow

        experiment = experiment_id(client, store, project)
        end_killed(client, store, experiment)
        with _run(experiment, session.name, session.tags) as parent:
            mlflow.log_params({safe_key(k): plain(v) for k, v in session.params.items()})
            _attach(session.attachments)
            logged = {}
            for scorer, figures in zip(scorers, _figures(scorers), strict=True):
                tags = {**session.tags, "powerml.kind": scorer.model.kind, **scorer.tags}
                with _run(experiment, scorer.label, tags, parent=parent) as run_id:
                    logged[scorer.label] = _log_scorer(scorer, run_id, store, figures)
                    _log_input(client, run_id, session.learned_from)
            mlflow.log_metrics({safe_key(k): float(v) for k, v in session.metrics.items() if math.isfinite(v)})
            mlflow.set_tag(NOTE, session.note(parent, {name: run.run_id for name, run in logged.items()}))
            _log_input(client, parent, session.learned_from)
        if store.is_own:
            _share_code(store, [run.model_uri for run in logged.values()])
    return LoggedSession(parent, logged)


def _share_code(store: Store, uris: Sequence[str]) -> None:
    with contextlib.ExitStack() as open_folders:
        share_code([open_folders.enter_context(fetched(store, uri)) for uri in uris])


def log_version(store: Store, project: str, run: ScorerRun, *, tags: Mapping[str, str]) -> LoggedSession:
    """Writes a model that came of a registered one, as a session of one run in the project's experiment."""
    with writing(store) as client:
        experiment = experiment_id(client, store, project)
        end_killed(client, store, experiment)
        every = {**tags, "powerml.kind": run.model.kind, **run.tags}
        with _run(experiment, run.label, every) as run_id:
            return LoggedSession(run_id, {run.label: _log_scorer(run, run_id, store, _figures([run])[0])})


def end_killed(client: MlflowClient, store: Store, experiment: str) -> None:
    """Marks our runs that nobody writes any more, and their models; call it while no other session may write."""
    from mlflow.entities import LoggedModelStatus

    ours = f"tags.`mlflow.source.name` = '{RUN_SOURCE}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment], ours, max_results=5000):
        client.set_terminated(run.info.run_id, status="KILLED")
        for made in run.outputs.model_outputs if run.outputs else []:
            if client.get_logged_model(made.model_id).status == LoggedModelStatus.PENDING:
                client.finalize_logged_model(made.model_id, LoggedModelStatus.FAILED)
    for left in store.folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _run(experiment: str, name: str, tags: Mapping[str, str], *, parent: str | None = None) -> Iterator[str]:
    """A run under way; MLflow's own tags name the program, not the person or the path."""
    import mlflow

    with mlflow.start_run(
        experiment_id=experiment,
        run_name=name,
        parent_run_id=parent,
        nested=parent is not None,
        tags={**OWN_TAGS, **tags},
    ) as run:
        yield run.info.run_id


def _figures(scorers: Sequence[ScorerRun]) -> list[dict[str, float]]:
    """The figures of each run that fit beside its weights and what was taken month by month."""
    taken = max((len(one.shares) + len(one.by_cutoff) for one in scorers), default=0)
    return beside_each_other([_finite(one) for one in scorers], MAX_METRICS - taken)


def _finite(scorer: ScorerRun) -> dict[str, float]:
    return {name: float(value) for name, value in scorer.metrics.items() if math.isfinite(value)}


def _log_scorer(scorer: ScorerRun, run_id: str, store: Store, told_figures: Mapping[str, float]) -> LoggedRun:
    """What one scorer's run holds; `told_figures` are those of its figures that are metrics of the run."""
    import mlflow

    shares = {safe_key(f"weight.{metric}"): f"{share:.6g}" for metric, share in scorer.shares.items()}
    native = {name: plain(value) for name, value in scorer.native.items()}
    told = native_as_params(native, MAX_PARAMS - len(shares))
    mlflow.log_params(shares | {safe_key(f"native.{name}"): value[:LONGEST_PARAM] for name, value in told.items()})
    if native:
        mlflow.log_text(yaml.safe_dump(native, sort_keys=False, allow_unicode=True), NATIVE_FILE)
    figures = {safe_key(f"weight/{metric}"): float(share) for metric, share in scorer.shares.items()}
    figures |= {safe_key(name): value for name, value in told_figures.items()}
    mlflow.log_metrics(figures)
    _attach(Attachments(tables={FIGURES_FILE: pd.DataFrame(_finite(scorer).items(), columns=["figure", "value"])}))
    if scorer.note:
        mlflow.set_tag(NOTE, scorer.note)
    for name, values in scorer.by_cutoff.items():
        for step, value in enumerate(values):
            if math.isfinite(value):
                mlflow.log_metric(safe_key(name), float(value), step=step)
    mlflow.log_table(scorer.ranking, RANKING)
    _attach(scorer.attachments)
    uri, files = log_model(scorer.model, scorer.example, store)
    mlflow.set_tag(MANIFEST_DIGEST, fingerprints.of_manifest(files))
    mlflow.log_dict(files, MANIFEST_FILE)
    return LoggedRun(run_id, uri, files)


def _log_input(client: MlflowClient, run_id: str, learned_from: LearnedFrom | None) -> None:
    """The data of a run by name, digest and counts."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if learned_from is None:
        return
    profile = json.dumps(dict(learned_from.counts), default=str)
    source = json.dumps({"tags": {"made_by": RUN_SOURCE}})
    dataset = Dataset(learned_from.name, learned_from.digest, "code", source, None, profile)
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def _attach(attachments: Attachments) -> None:
    import mlflow

    for path, text in attachments.texts.items():
        mlflow.log_text(text, path)
    for path, value in attachments.data.items():
        mlflow.log_text(json.dumps(value, indent=1, default=str), path)
    for path, chart in attachments.pictures.items():
        mlflow.log_text(svg(chart), f"{path}.svg")
        mlflow.log_text(specification_text(chart), f"{path}.json")
    with tempfile.TemporaryDirectory() as folder:
        for path, table in attachments.tables.items():
            file = Path(folder, Path(path).name)
            guarded(table).to_csv(file, index=False)
            mlflow.log_artifact(str(file), str(Path(path).parent) if "/" in path else None)


@dataclass(frozen=True)
class FoundRun:
    """A scorer's run read back from the store."""

    run_id: str
    name: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    model_uri: str
    manifest: Mapping[str, str]


def find_run(store: Store, wanted: str) -> FoundRun | None:
    """The scorer's run whose id begins with `wanted` (at least 6 characters); None where there is none such.

    Raises StoreError where the files of its model are not those that were logged.
    """
    if not store.exists or len(wanted) < 6:
        return None
    with connected(store) as client:
        for experiment in client.search_experiments():
            for run in client.search_runs([experiment.experiment_id], "tags.`powerml.kind` != ''", max_results=5000):
                logged = run.outputs.model_outputs if run.outputs else []
                if run.info.run_id.startswith(wanted) and logged:
                    uri = f"models:/{logged[0].model_id}"
                    files = model_manifest(store, uri)
                    if fingerprints.of_manifest(files) != run.data.tags.get(MANIFEST_DIGEST):
                        raise StoreError(f"run {run.info.run_id}: its model's files were changed since; train again")
                    tags = dict(run.data.tags)
                    return FoundRun(run.info.run_id, run.info.run_name, tags, dict(run.data.metrics), uri, files)
    return None
