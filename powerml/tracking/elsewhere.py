"""A store elsewhere: asked whether it answers before anything is sent, and what goes wrong said in one sentence."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from powerml.errors import PowermlError, StoreError
from powerml.tracking.address import TRACKING_URI, hide_secrets, is_database, without_secrets
from powerml.writing import not_writable

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_SECONDS = 10
"""So long may a store take to say that it is there."""
_NO_ANSWER = {
    "refused": "connection refused",
    "timed out": "no answer in time",
    "timeout": "no answer in time",
    "name or service not known": "no such host",
    "resolve": "no such host",
    "getaddrinfo": "no such host",
    "connection aborted": "the connection broke off",
    "connection reset": "the connection broke off",
    "closed the connection": "the connection broke off",
    "server closed": "the connection broke off",
    "terminating connection": "the connection broke off",
    "too many 50": "the server fails",
    "unreachable": "no way to the host",
    "certificate": "its certificate is not trusted",
    "connection failed": "no connection",
    "max retries exceeded": "no connection",
}
"""What says that nobody answered, in the words of sockets, HTTP and databases, and how we say it."""
_LOGIN = re.compile(
    r"\b(401|403|unauthenticated|unauthorized|permission_denied|authentication failed|no password supplied)\b"
)


def reach(address: str) -> None:
    """Asks a store once whether it is there; raises what sockets, HTTP or its driver say where it is not."""
    if is_database(address):
        _open_database(address)
    elif address.startswith(("http://", "https://")):
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        credentials = get_default_host_creds(address)  # type: ignore[no-untyped-call]
        http_request(  # type: ignore[no-untyped-call]  # any answer is one: behind a login there is no such page
            credentials, "/health", "GET", timeout=ANSWER_SECONDS, max_retries=0, raise_on_status=False
        )


def _open_database(address: str) -> None:
    import sqlalchemy

    if address.startswith("sqlite"):
        return
    wait = {} if address.startswith("mssql") else {"connect_timeout": ANSWER_SECONDS}
    try:
        engine = sqlalchemy.create_engine(address, connect_args=wait)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"{without_secrets(address)}: the driver {error.name!r} of this database is not installed; "
            "run: pip install 'powerml[postgres]' (or the driver of another database)"
        ) from None
    try:
        with engine.connect():
            pass
    finally:
        engine.dispose()


@contextlib.contextmanager
def store_in_sentences(address: str) -> Iterator[None]:
    """Turns what MLflow, HTTP and drivers say while the block runs into one sentence of ours, without secrets."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (PowermlError, BrokenPipeError):
        raise
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        raise StoreError(store_sentence(address, str(error))) from None
    except OSError as error:
        raise not_writable(str(error.filename or without_secrets(address)), error) from None


def store_sentence(address: str, said: str) -> str:
    """What was said about a store elsewhere: what is wrong, where, and what to do.

    >>> store_sentence("http://ada:pw@mlflow.example.org", "HTTPConnectionPool: Connection refused")
    "http://mlflow.example.org: cannot be reached (connection refused); start it, or correct 'tracking_uri' (MLFLOW_TRACKING_URI)"
    """  # noqa: E501  # one sentence is one line
    shown, text = without_secrets(address), said.lower()
    if _LOGIN.search(text):
        return (
            f"{shown}: refuses the login; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
            f"(or MLFLOW_TRACKING_TOKEN), or correct the login in 'tracking_uri' ({TRACKING_URI})"
        )
    for word, why in _NO_ANSWER.items():
        if word in text:
            return f"{shown}: cannot be reached ({why}); start it, or correct 'tracking_uri' ({TRACKING_URI})"
    first = hide_secrets(said.strip().split("\n", 1)[0], address)[:300]
    if "out-of-date database schema" in text:
        return (
            f"{shown}: was made by another MLflow; run 'mlflow db upgrade' on it, or install the one it was made with"
        )
    return f"{shown}: MLflow cannot do this ({first}); look at 'tracking_uri' ({TRACKING_URI}), and at the store itself"
