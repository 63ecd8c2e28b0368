"""Sessions that nobody needs any more, gone from the store: versions, runs and models, and their files on disk."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powerml.tracking import database, registry
from powerml.tracking.kept_session import PARENT
from powerml.tracking.model_files import RUN_SOURCE
from powerml.tracking.runs import end_killed
from powerml.tracking.store import Store, connected, experiment_id, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

OURS = f"tags.`mlflow.source.name` = '{RUN_SOURCE}'"
MOST = 5000


@dataclass(frozen=True)
class StoredSession:
    """A session, or a version by itself, in the store: its runs (its own last), their models, what was registered."""

    name: str
    began: datetime
    run_ids: tuple[str, ...]
    model_ids: tuple[str, ...]
    versions: tuple[registry.Version, ...]
    is_running: bool


def stored_sessions(store: Store, project: str) -> list[StoredSession]:
    """The sessions of a project, the newest first; empty where nothing was tracked yet."""
    if not store.exists:
        return []
    with connected(store) as client:
        experiment = client.get_experiment_by_name(project)
        if experiment is None:
            return []
        runs = client.search_runs([experiment.experiment_id], OURS, max_results=MOST)
        versions = [v for model in registry.models(store) for v in registry.registered_versions(store, model)]
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.data.tags.get(PARENT, run.info.run_id), []).append(run)
    found = [_session(own, runs, versions) for own, runs in groups.items()]
    return sorted(found, key=lambda session: session.began, reverse=True)


def _session(own: str, runs: Sequence[Run], versions: Sequence[registry.Version]) -> StoredSession:
    ordered = sorted(runs, key=lambda run: run.info.run_id == own)
    ids = tuple(str(run.info.run_id) for run in ordered)
    models = [one.model_id for run in ordered for one in (run.outputs.model_outputs if run.outputs else [])]
    return StoredSession(
        str(ordered[-1].info.run_name),
        datetime.fromtimestamp(min(run.info.start_time for run in runs) / 1000, UTC),
        ids,
        tuple(models),
        tuple(version for version in versions if version.run_id in ids),
        any(run.info.status == "RUNNING" for run in runs),
    )


def size_of(store: Store, sessions: Sequence[StoredSession]) -> int:
    """How many bytes the files of the sessions take."""
    with connected(store) as client:
        return sum(_size(repository) for one in sessions for repository in _places(client, one))


def remove_sessions(store: Store, project: str, sessions: Sequence[StoredSession]) -> None:
    """Removes them: versions first, so that none is left without its files, then files, runs and models.

    A run that a kill left half removed is one that MLflow calls deleted; those go too, as those that were deleted in
    the UI. Behind a server the rows of runs stay, marked as deleted, for its own `mlflow gc`.
    """
    with writing(store) as client:
        experiment = experiment_id(client, store, project)
        if store.is_own:
            end_killed(client, store, experiment)
        for one in sessions:
            for version in one.versions:
                client.delete_model_version(version.model, str(version.number))
            for repository in _places(client, one):
                _remove_files(repository)
            for run_id in one.run_ids:
                client.delete_run(run_id)
            for model_id in one.model_ids:
                client.delete_logged_model(model_id)
        if not store.serves_itself:
            _collect(client, experiment)
    if store.is_own:
        database.shrink(store.database)


def _places(client: MlflowClient, session: StoredSession) -> list[ArtifactRepository]:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    addresses = [str(client.get_run(run_id).info.artifact_uri) for run_id in session.run_ids]
    addresses += [str(client.get_logged_model(model_id).artifact_location) for model_id in session.model_ids]
    return [get_artifact_repository(address) for address in addresses]


def _size(repository: ArtifactRepository, folder: str | None = None) -> int:
    found = repository.list_artifacts(folder) or []
    return sum(_size(repository, one.path) if one.is_dir else int(one.file_size or 0) for one in found)


def _remove_files(repository: ArtifactRepository) -> None:
    """All files of a run or a model, and the folder of its name, which MLflow leaves."""
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    repository.delete_artifacts()  # type: ignore[no-untyped-call]
    if isinstance(repository, LocalArtifactRepository):
        with contextlib.suppress(OSError):  # not empty: somebody put something there
            Path(repository.artifact_dir).parent.rmdir()


def _collect(client: MlflowClient, experiment: str) -> None:
    """Does what `mlflow gc` does with our runs that are marked as deleted, and their models."""
    from mlflow.entities import ViewType
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.tracking._tracking_service.utils import _get_store

    rows: Any = _get_store()  # type: ignore[no-untyped-call]
    deleted = client.search_runs([experiment], OURS, run_view_type=ViewType.DELETED_ONLY, max_results=MOST)
    for run in deleted:
        _remove_files(get_artifact_repository(run.info.artifact_uri))
        rows._hard_delete_run(run.info.run_id)
    ours = {one.model_id for run in deleted for one in (run.outputs.model_outputs if run.outputs else [])}
    for model_id in ours.intersection(rows._get_deleted_logged_models()):
        _remove_files(get_artifact_repository(rows.get_logged_model(model_id, allow_deleted=True).artifact_location))
        rows._hard_delete_logged_model(model_id)
