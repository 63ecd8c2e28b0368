"""The project's MLflow store: one SQLite file and one artifact folder under `.powerml`, or a store that it names."""

from __future__ import annotations

import contextlib
import logging
import os
import posixpath
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powerml.config import fingerprints
from powerml.config.project import expand
from powerml.tracking import database, elsewhere
from powerml.tracking.address import TRACKING_URI, is_database, named_address, without_secrets
from powerml.writing import for_owner_only, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient

    from powerml.config.project import ProjectSpec

LONGEST_KEY = 250
LONGEST_PART = 100
_IN_PATHS = re.compile(r"\w(?:[\w\- ]*\w)?")
_ALLOWED = re.compile(r"[\w\-. :/]+")
WRITING = "mlflow.lock"  # held by the run that makes the store, or writes a session or a version
ADDRESSED_BY = (TRACKING_URI, "MLFLOW_REGISTRY_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT")
EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Store:
    """Where a project's runs and models are; `folder` is its `.powerml`.

    `address` names a store elsewhere (empty: the one in the folder), `files` where that one keeps new files, if not
    where it likes. Neither is shown, for an address may hold a login.
    """

    folder: Path
    address: str = field(default="", repr=False)
    files: str = field(default="", repr=False)

    @property
    def is_own(self) -> bool:
        """Whether it is the one in the project's folder."""
        return not self.address

    @property
    def uri(self) -> str:
        """The address MLflow takes for tracking and registry."""
        return self.address or f"sqlite:///{self.database}"

    @property
    def shown(self) -> str:
        """Where it is, as messages say it."""
        return without_secrets(self.address) if self.address else str(self.folder)

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
        """Whether anything was ever tracked here; a store elsewhere is asked."""
        return bool(self.address) or self.database.is_file()

    @property
    def serves_itself(self) -> bool:
        """Whether a server stands before it, so that its pages are there without us."""
        return bool(self.address) and not is_database(self.address)

    @property
    def artifact_root(self) -> str | None:
        """Where files of new experiments go; None: where the server likes."""
        return self.files or (None if self.serves_itself else self.artifacts.as_uri())

    def command(self, *, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
        """The command line (without the program) that opens the MLflow UI on this store.

        For a database elsewhere the address is left to `served_address`: a command line is seen by everybody.
        """
        backend = () if self.address else ("--backend-store-uri", self.uri)
        root = self.files or str(self.artifacts)
        at = ["--host", host, "--port", str(port), "--workers", "1"]  # one person looks; more start late, or never
        return ["ui", *backend, "--default-artifact-root", root, *at]

    @property
    def served_address(self) -> dict[str, str]:
        """The environment variable by which MLflow's server takes the address of a database elsewhere."""
        return {"MLFLOW_BACKEND_STORE_URI": self.address} if self.address else {}

    @property
    def served_address_shown(self) -> list[str]:
        """The same as it is printed before the command."""
        return [f"{name}={without_secrets(value)}" for name, value in self.served_address.items()]


def store_of(project: ProjectSpec) -> Store:
    """The store of a project's runs and models: the only place that knows where it is.

    What `tracking_uri` of the project names, else MLFLOW_TRACKING_URI, else the project's own.
    """
    own = Store(project.state)
    address = named_address(project, own.database)
    if not address:
        return own
    files = expand(project.artifact_location, file=project.file)
    if files and "://" not in files:
        files = Path(project.base, files).resolve().as_uri()
    return Store(project.state, address, files)


@contextlib.contextmanager
def connected(store: Store) -> Iterator[MlflowClient]:
    """MLflow pointed at `store` while the block runs, quiet and without telemetry; afterwards as it was before.

    Makes the store where there is none yet; whatever is written in it is its owner's alone. The working folder is the
    project's meanwhile, for addresses in the store are relative to it, so that a project can be moved. Raises
    StoreError, in a sentence, for a store that cannot be used, or that is elsewhere and does not answer.
    """
    with _quiet(), for_owner_only():
        import mlflow

        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        said = {name: os.environ.get(name) for name in ADDRESSED_BY}
        with _in_sentences(store):
            _ready(store)
            mlflow.set_tracking_uri(store.uri)
            mlflow.set_registry_uri(store.uri)
            if store.address and store.artifact_root:  # else MLflow makes a folder where one works
                os.environ[ADDRESSED_BY[2]] = store.artifact_root
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


def _in_sentences(store: Store) -> contextlib.AbstractContextManager[None]:
    return database.in_sentences(store.database) if store.is_own else elsewhere.store_in_sentences(store.address)


def _ready(store: Store) -> None:
    if store.is_own:
        if not store.exists:
            database.make(store.database, store.artifacts)
        database.look_at(store.database, store.artifacts)
    else:
        private_folder(store.folder)
        elsewhere.reach(store.address)


@contextlib.contextmanager
def writing(store: Store) -> Iterator[MlflowClient]:
    """As `connected`, and no other run of ours writes meanwhile: one that does is waited for."""
    with connected(store) as client, database.locked(store.folder / WRITING):
        yield client


def environment() -> dict[str, str]:
    """What MLflow's processes are told: no telemetry, no pickles, no jobs, only warnings, no waiting."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # ten processes beside the server, for what we never ask of it
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    }


def experiment_id(client: MlflowClient, store: Store, project: str) -> str:
    """The project's experiment, made on first use; its artifacts stay in the store's folder, or where it names."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(project)
    if found is None:
        try:
            made: str = client.create_experiment(project, artifact_location=store.artifact_root, tags=EXPERIMENT_KIND)
            if store.is_own:
                database.make_relative(store.database, store.artifacts)  # MLflow itself only takes an absolute one
            return made
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(project)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def is_absent(error: Exception) -> bool:
    """Whether MLflow says that there is no such thing, rather than that it cannot tell."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


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
