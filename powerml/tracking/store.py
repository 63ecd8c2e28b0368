"""The project's MLflow store: one SQLite file and one artifact folder under `.powerml`, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlflow import MlflowClient

EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Store:
    """Where a project's runs and models are; `folder` is its `.powerml`."""

    folder: Path

    @property
    def uri(self) -> str:
        """The address MLflow takes for tracking and registry."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """The folder of artifacts and model files."""
        return self.folder / "artifacts"

    @property
    def exists(self) -> bool:
        """Whether anything was ever tracked here."""
        return (self.folder / "mlflow.db").is_file()

    def command(self, *, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
        """The command line (without the program) that opens the MLflow UI on this store."""
        return [
            *("ui", "--backend-store-uri", self.uri, "--default-artifact-root", str(self.artifacts)),
            *("--host", host, "--port", str(port)),
        ]


@contextlib.contextmanager
def connected(store: Store) -> Iterator[MlflowClient]:
    """MLflow pointed at `store` while the block runs, quiet and without telemetry; afterwards as it was before.

    Makes the store where there is none yet.
    """
    with _quiet():
        import mlflow

        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        store.artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        try:
            with _alone(store):
                client = mlflow.MlflowClient()  # the first client of a store makes or migrates its tables
            yield client
        finally:
            mlflow.set_tracking_uri(before[0])
            mlflow.set_registry_uri(before[1])


@contextlib.contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Holds other runs off while a store is made: two at once would leave it half made."""
    try:
        import fcntl
    except ImportError:  # not on this platform
        yield
        return
    with (store.folder / "mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
    """`name` as MLflow allows it for params, metrics and tags.

    >>> safe_key("native.coef[a,b]%")
    'native.coef_a_b_'
    """
    return re.sub(r"[^\w\-. :/]+", "_", name)[:250]


def plain(value: Any) -> str:
    """A parameter's value as text: numbers short, everything else as it prints."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
