"""The project's MLflow store: one SQLite file and one artifact folder under `.powerml`, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import logging
import os
import posixpath
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powerml.config import fingerprints
from powerml.tracking import database
from powerml.writing import for_owner_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlflow import MlflowClient

LONGEST_KEY = 250
LONGEST_PART = 100
_IN_PATHS = re.compile(r"\w(?:[\w\- ]*\w)?")
_ALLOWED = re.compile(r"[\w\-. :/]+")
WRITING = "mlflow.lock"  # held by the run that makes the store, or writes a session or a version
ADDRESSED_BY = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Store:
    """Where a project's runs and models are; `folder` is its `.powerml`."""

    folder: Path

    @property
    def uri(self) -> str:
        """The address MLflow takes for tracking and registry."""
        return f"sqlite:///{self.database}"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """The folder of artifacts and model files."""
        return self.folder / "artifacts"

    @property
    def exists(self) -> bool:
        """Whether anything was ever tracked here."""
        return self.database.is_file()

    def command(self, *, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
        """The command line (without the program) that opens the MLflow UI on this store."""
        return [
            *("ui", "--backend-store-uri", self.uri, "--default-artifact-root", str(self.artifacts)),
            *("--host", host, "--port", str(port)),
        ]


@contextlib.contextmanager
def connected(store: Store) -> Iterator[MlflowClient]:
    """MLflow pointed at `store` while the block runs, quiet and without telemetry; afterwards as it was before.

    Makes the store where there is none yet; whatever is written in it is its owner's alone. The working folder is the
    project's meanwhile, for addresses in the store are relative to it, so that a project can be moved. Raises
    StoreError, in a sentence, for a store that cannot be used.
    """
    with _quiet(), for_owner_only():
        import mlflow

        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        said = {name: os.environ.get(name) for name in ADDRESSED_BY}
        with database.in_sentences(store.database):
            if not store.exists:
                database.make(store.database, store.artifacts)
            database.look_at(store.database, store.artifacts)
            mlflow.set_tracking_uri(store.uri)
            mlflow.set_registry_uri(store.uri)
            try:
                with contextlib.chdir(store.folder.parent):
                    yield mlflow.MlflowClient()
            finally:
                mlflow.set_tracking_uri(before[0])
                mlflow.set_registry_uri(before[1])
                for name, value in said.items():  # MLflow leaves both to the processes that are started later
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value


@contextlib.contextmanager
def writing(store: Store) -> Iterator[MlflowClient]:
    """As `connected`, and no other run of ours writes meanwhile: one that does is waited for."""
    with connected(store) as client, database.locked(store.folder / WRITING):
        yield client


def environment() -> dict[str, str]:
    """What MLflow's processes are told: no telemetry, no pickles, only warnings."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }


def experiment_id(client: MlflowClient, store: Store, project: str) -> str:
    """The project's experiment, made on first use; its artifacts stay in the store's folder."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(project)
    if found is None:
        try:
            made: str = client.create_experiment(
                project, artifact_location=store.artifacts.as_uri(), tags=EXPERIMENT_KIND
            )
            database.make_relative(store.database, store.artifacts)  # MLflow itself only takes an absolute one
            return made
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(project)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, no migration log, no warnings about MLflow's insides."""
    os.environ.update({name: os.environ.get(name, value) for name, value in environment().items()})
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def safe_key(name: str) -> str:
    """`name` as MLflow allows it for params, metrics and tags; names that differ stay different.

    What MLflow takes as it is stays as it is. Else the characters it refuses give way, and a fingerprint of the name
    follows, in a form that no name of ours has.

    >>> safe_key("weight/logins_30d"), safe_key("native.coef[a,b]%")
    ('weight/logins_30d', 'native.coef_a_b_ -f18231a4')
    """
    if _ALLOWED.fullmatch(name) and len(name) <= LONGEST_KEY and posixpath.normpath(name) == name:
        return name
    parts = [part.strip(". ") for part in re.sub(r"[^\w\-. :/]+", "_", name).split("/")]
    readable = "/".join(part or "_" for part in parts)[: LONGEST_KEY - 12].strip("/ ")
    return f"{readable} -{fingerprints.of_text(name)[:8]}"


def safe_part(name: str) -> str:
    """`name` as a part of a path, or as MLflow names a model; names that differ stay different.

    >>> safe_part("my card"), safe_part("v1.2"), safe_part("..")
    ('my card', 'v1_2 -89c6d79d', '_ -411e1b03')
    """
    if _IN_PATHS.fullmatch(name) and len(name) <= LONGEST_PART:
        return name
    readable = re.sub(r"[^\w\-]+", "_", name)[: LONGEST_PART - 12]
    return f"{readable} -{fingerprints.of_text(name)[:8]}"


def plain(value: Any) -> str:
    """A parameter's value as text: numbers short, everything else as it prints."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
