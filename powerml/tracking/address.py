"""Where a project's MLflow store is: its own file, or another store that the project or the environment names."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from powerml.config.project import expand

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec

SQLITE = "sqlite:///"
TRACKING_URI = "MLFLOW_TRACKING_URI"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""Environment variables whose values MLflow sends along; they stand in no message."""
HIDDEN = "***"
_IN_QUERY = re.compile(r"(?<=[?&])(password|token|secret|sslpassword)=[^&\s]*", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


def named_address(project: ProjectSpec, own: Path) -> str:
    """The address of the store that `tracking_uri`, or else the environment, names; empty where it is our own.

    `own` is the project's own database. A relative SQLite file is meant from the project's folder. Raises DataError
    for an environment variable in the project's address that is not set.
    """
    told = expand(project.tracking_uri, file=project.file) if project.tracking_uri else os.environ.get(TRACKING_URI, "")
    address = told.strip()
    if address.startswith(SQLITE):
        database = Path(project.base, unquote(address.removeprefix(SQLITE))).resolve()
        return "" if database == own.resolve() else f"{SQLITE}{database}"
    if address.startswith(("postgresql://", "postgres://")) and find_spec("psycopg") is not None:
        return f"postgresql+psycopg://{address.split('://', 1)[1]}"  # whatever SQLAlchemy takes by itself
    return address


def is_database(address: str) -> bool:
    """Whether we speak to a database by ourselves, rather than to a server.

    >>> is_database("postgresql+psycopg://db/mlflow"), is_database("https://mlflow.example.org")
    (True, False)
    """
    return address.split("://", 1)[0].split("+", 1)[0] in ("sqlite", "postgresql", "mysql", "mssql")


def without_secrets(address: str) -> str:
    """An address as messages show it: nobody's login, no parameters.

    >>> without_secrets("postgresql://ada:s3cret@db.example.org:5432/mlflow?sslpassword=x")
    'postgresql://db.example.org:5432/mlflow'
    """
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def hide_secrets(text: str, address: str) -> str:
    """What MLflow or a driver says, without the login, the parameters and the tokens that it may repeat.

    >>> hide_secrets("login of ada with s3cret refused", "http://ada:s3cret@mlflow.example.org")
    'login of ada with *** refused'
    """
    login = urlsplit(address).netloc.rpartition("@")[0]
    password = login.partition(":")[2]
    secrets = {address: without_secrets(address), login + "@": "", password: HIDDEN, unquote(password): HIDDEN}
    secrets |= {os.environ.get(name, ""): HIDDEN for name in SECRETS}
    for secret, shown in sorted(secrets.items(), key=lambda item: -len(item[0])):
        text = text.replace(secret, shown) if len(secret) > 1 else text
    return _IN_QUERY.sub(rf"\1={HIDDEN}", _LOGIN.sub("", text))
