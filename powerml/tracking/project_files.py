"""MLflow's local files for stores of ours: relative addresses are meant from the project's folder, wherever one works.

MLflow takes a relative address to start at the working folder, so that without this a store is only read from its own
project's folder. It is registered by the entry point `mlflow.artifact_repository` of this package, under `file`, and
changes nothing for absolute addresses and for stores that are none of ours.
"""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.file_utils import local_file_uri_to_path

_SQLITE = "sqlite:///"
SERVED_FILE = "_MLFLOW_SERVER_FILE_STORE"  # in MLflow's server, the store that it serves


class ProjectFiles(LocalArtifactRepository):
    """Files of runs and models in the folder of the project whose store names them."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        store = tracking_uri or os.environ.get(SERVED_FILE) or mlflow.get_tracking_uri()
        super().__init__(written_in_project(artifact_uri, store), tracking_uri, registry_uri)


def written_in_project(address: str, store: str) -> str:
    """A relative address as an absolute one, where the store is a project's database that lies beside the files.

    >>> written_in_project("file:.powerml/artifacts/a", "sqlite:////home/ada/shop/.powerml/mlflow.db")
    'file:///home/ada/shop/.powerml/artifacts/a'
    >>> written_in_project("file:.powerml/artifacts/a", "http://mlflow.example.org")
    'file:.powerml/artifacts/a'
    """
    path = Path(local_file_uri_to_path(address))  # type: ignore[no-untyped-call]
    database = Path(store.removeprefix(_SQLITE))
    ours = store.startswith(_SQLITE) and path.parts[:1] == (database.parent.name,)
    if path.is_absolute() or not ours:
        return address
    return (database.absolute().parent.parent / path).as_uri()
