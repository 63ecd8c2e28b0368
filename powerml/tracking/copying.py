"""Runs from one store into another, each once: what was cut half-way is taken up where it ended.

A run elsewhere carries the id of the run it comes of as a tag. Where such a run is there already, it is completed
rather than made again: params, metrics, tags, files and inputs written twice are there once.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powerml.tracking.kept_session import PARENT
from powerml.tracking.model_files import SCRATCH
from powerml.tracking.store import Store, connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Metric, Run

ORIGIN = "powerml.origin"  # the run that this one comes of, in the store of a session kept aside


@dataclass(frozen=True)
class RunToCopy:
    """A run as it stands in its store: itself, every value of its metrics, its folder of files, and its models."""

    run: Run
    metrics: Sequence[Metric]
    files: Path
    models: Sequence[tuple[LoggedModel, Path]]

    @property
    def run_id(self) -> str:
        """Its id in the store it comes from."""
        return str(self.run.info.run_id)


@dataclass(frozen=True)
class CopiedRun:
    """Where a run is now, and the address of its model, if it has one."""

    run_id: str
    model_uri: str


def runs_of(store: Store) -> list[RunToCopy]:
    """All runs of a store of ours, in the order in which they were begun, so that parents come first."""
    with connected(store) as client:
        numbers = [str(one.experiment_id) for one in client.search_experiments()]
        found = client.search_runs(numbers, order_by=["attributes.start_time ASC"], max_results=5000)
        return [_read(client, store, run) for run in sorted(found, key=lambda run: PARENT in run.data.tags)]


def _read(client: MlflowClient, store: Store, run: Run) -> RunToCopy:
    metrics = [value for key in run.data.metrics for value in client.get_metric_history(run.info.run_id, key)]
    logged = [client.get_logged_model(one.model_id) for one in (run.outputs.model_outputs if run.outputs else [])]
    models = [(model, _place(store, str(model.artifact_location))) for model in logged]
    return RunToCopy(run, metrics, _place(store, str(run.info.artifact_uri)), models)


def _place(store: Store, address: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    from powerml.tracking.project_files import written_in_project  # MLflow imports it, and so comes first

    return Path(local_file_uri_to_path(written_in_project(address, store.uri)))  # type: ignore[no-untyped-call]


def copy_runs(
    client: MlflowClient, experiment: str, runs: Sequence[RunToCopy], *, scratch: Path
) -> dict[str, CopiedRun]:
    """Writes the runs into an experiment of another store; where each is now, by its id before.

    A parent is ended last, so that a session whose parent is finished is whole.
    """
    made: dict[str, CopiedRun] = {}
    ids: dict[str, str] = {}
    for one in runs:
        ids[one.run_id] = _run_for(client, experiment, one, ids)
    for one in sorted(runs, key=lambda one: PARENT not in one.run.data.tags):  # parents last
        made[one.run_id] = CopiedRun(ids[one.run_id], _complete(client, experiment, one, ids, scratch=scratch))
    return made


def _run_for(client: MlflowClient, experiment: str, one: RunToCopy, ids: Mapping[str, str]) -> str:
    """The run that stands for another one, made where there is none; a second one that a lost answer left goes."""
    there = client.search_runs(
        [experiment], f"tags.`{ORIGIN}` = '{one.run_id}'", order_by=["attributes.start_time ASC"], max_results=50
    )
    if not there:
        tags = {**one.run.data.tags, ORIGIN: one.run_id}
        if PARENT in tags:
            tags[PARENT] = ids[tags[PARENT]]
        client.create_run(experiment, one.run.info.start_time, _translated(tags, ids), one.run.info.run_name)
        there = client.search_runs([experiment], f"tags.`{ORIGIN}` = '{one.run_id}'", max_results=50)
    first, *others = sorted(there, key=lambda run: (run.info.status != "FINISHED", run.info.run_id))
    for run in others:
        client.delete_run(run.info.run_id)
    return str(first.info.run_id)


def _complete(client: MlflowClient, experiment: str, one: RunToCopy, ids: Mapping[str, str], *, scratch: Path) -> str:
    """Everything that the run holds; gives the address of its model."""
    from mlflow.entities import Param, RunTag

    run_id = ids[one.run_id]
    there = client.get_run(run_id)
    if there.info.status == "FINISHED":
        outputs = there.outputs.model_outputs if there.outputs else []
        return f"models:/{outputs[0].model_id}" if outputs else ""
    params = [Param(name, value) for name, value in one.run.data.params.items()]
    tags = [RunTag(name, value) for name, value in _translated(one.run.data.tags, ids).items() if name != PARENT]
    client.log_batch(run_id, metrics=[_plain(metric) for metric in one.metrics], params=params, tags=tags)
    if one.files.is_dir() and any(one.files.iterdir()):
        client.log_artifacts(run_id, str(one.files))
    if one.run.inputs is not None and one.run.inputs.dataset_inputs:
        client.log_inputs(run_id, one.run.inputs.dataset_inputs)
    uris = [_copy_model(client, experiment, run_id, one, model, files, scratch) for model, files in one.models]
    client.set_terminated(run_id, status=one.run.info.status, end_time=one.run.info.end_time)
    return uris[0] if uris else ""


def _copy_model(
    client: MlflowClient, experiment: str, run_id: str, one: RunToCopy, model: LoggedModel, files: Path, scratch: Path
) -> str:
    """The model of a run, its files with the ids it has now; gives its address."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    there = [
        m for m in client.search_logged_models([experiment], f"source_run_id = '{run_id}'") if m.name == model.name
    ]
    new = there[0] if there else None
    if new is None:
        new = client.create_logged_model(
            experiment, model.name, run_id, dict(model.tags), dict(model.params), model.model_type
        )
    if new.status != LoggedModelStatus.READY:
        ids = {model.model_id: new.model_id, one.run_id: run_id}
        with _renamed(files, ids, scratch) as folder:
            client.log_model_artifacts(new.model_id, str(folder))
        client.finalize_logged_model(new.model_id, LoggedModelStatus.READY)
    outputs = client.get_run(run_id).outputs
    if new.model_id not in {known.model_id for known in (outputs.model_outputs if outputs else [])}:
        client.log_outputs(run_id, [LoggedModelOutput(new.model_id, 0)])
    return f"models:/{new.model_id}"


@contextlib.contextmanager
def _renamed(files: Path, ids: Mapping[str, str], scratch: Path) -> Iterator[Path]:
    """A copy of a model's folder whose description names it, and its run, as they are called now."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix=SCRATCH) as name:
        folder = Path(shutil.copytree(files, Path(name, "model")))
        described = folder / "MLmodel"
        described.write_text(_replaced(described.read_text(encoding="utf-8"), ids), encoding="utf-8")
        yield folder


def _plain(metric: Metric) -> Metric:
    """The value alone: what model and rows it belongs to is known under other ids here."""
    from mlflow.entities import Metric

    return Metric(metric.key, metric.value, metric.timestamp, metric.step)


def _translated(tags: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, str]:
    """Tags whose texts name runs as they are called now; that of the origin keeps it."""
    return {name: value if name == ORIGIN else _replaced(str(value), ids) for name, value in tags.items()}


def _replaced(text: str, ids: Mapping[str, str]) -> str:
    for old, new in ids.items():
        text = text.replace(old, new)
    return text
