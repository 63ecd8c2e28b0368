"""The store's SQLite file: made whole or not at all, looked at before it is used, and free of absolute paths."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlparse

from powerml.errors import PowermlError, StoreError
from powerml.writing import existing_database, not_usable, not_writable, private_folder, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# where MLflow keeps addresses of files, as of schema dc11669786a5
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
PATIENCE_SECONDS = 600
SAID_AFTER_SECONDS = 2  # a shorter wait is nobody's concern
_LOG = logging.getLogger(__name__)
_LOOKED_AT: dict[Path, tuple[int, int]] = {}
_HELD: dict[Path, int] = {}


def relative(artifacts: Path) -> str:
    """The address of the artifacts as it stands in the database: relative to the folder that holds the store's.

    MLflow takes it relative to the working folder, so it is right in the project's folder, wherever that is.
    """
    return f"file:{quote(artifacts.parent.name)}/{quote(artifacts.name)}"


def make(database: Path, artifacts: Path) -> None:
    """Makes the database with MLflow's tables, aside, and puts it in its place when it is whole.

    A kill meanwhile leaves nothing that a later run would take for a store. Runs that come at once make it once.
    """
    private_folder(database.parent)
    with locked(database.with_name("mlflow.lock")):
        if database.is_file():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        with whole_file(database, private=True) as draft:
            made = SqlAlchemyStore(f"sqlite:///{draft}", artifacts.as_uri())  # type: ignore[no-untyped-call]
            made.engine.dispose()
            make_relative(draft, artifacts)


def look_at(database: Path, artifacts: Path) -> None:
    """Raises StoreError for a database that is cut, is none, or is of an MLflow with other tables than this one's.

    Addresses that an earlier version wrote as absolute ones are made relative. Looked at once in each state.
    """
    found = database.stat()
    state = (found.st_mtime_ns, found.st_size)
    if _LOOKED_AT.get(database) == state:
        return
    try:
        with contextlib.closing(existing_database(database)) as con:
            whole = con.execute("PRAGMA quick_check(1)").fetchone()[0]
            tables = {name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            schema = con.execute("SELECT version_num FROM alembic_version").fetchone() if _MARK in tables else None
            moved = "experiments" in tables and con.execute(_ABSOLUTE).fetchone() is not None
    except sqlite3.Error as error:
        raise _sentence(database, error) from None
    if whole != "ok":
        raise damaged(database, whole.split("\n")[0])
    _check_schema(database, None if schema is None else str(schema[0]))
    if moved:
        make_relative(database, artifacts)
    _LOOKED_AT[database] = state


_MARK = "alembic_version"
_ABSOLUTE = "SELECT 1 FROM experiments WHERE artifact_location LIKE 'file:/%' OR artifact_location LIKE '/%' LIMIT 1"


def _check_schema(database: Path, schema: str | None) -> None:
    from mlflow import __version__
    from mlflow.store.db.utils import _get_latest_schema_revision

    ours = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
    if schema is None:
        raise StoreError(
            f"{database}: holds no MLflow tables, or was left half made; "
            "remove it (a new one is made), or put a copy back"
        )
    if schema != ours:
        raise StoreError(
            f"{database}: was made by another MLflow (its tables are {schema}, "
            f"those of MLflow {__version__} are {ours}); "
            f"copy it and run 'mlflow db upgrade sqlite:///{database}', or install the MLflow it was made with"
        )


def make_relative(database: Path, artifacts: Path) -> None:
    """Turns the absolute addresses of this store's files into relative ones; others are left alone."""
    marker = f"/{artifacts.parent.name}/{artifacts.name}"
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as con, con:
        for table, column in ADDRESSES:
            for row, value in con.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} LIKE '%/%'").fetchall():
                address = urlparse(value)
                path = unquote(address.path)
                if address.scheme in ("", "file") and path.startswith("/") and marker in path + "/":
                    rest = path[path.rindex(marker) + len(marker) :]
                    con.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (relative(artifacts) + rest, row))


def shrink(database: Path) -> None:
    """Gives the room of removed rows back to the disk; leaves it where another program reads at this moment."""
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(database, timeout=5)) as con:
        con.execute("VACUUM")


@contextlib.contextmanager
def locked(path: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds other processes off while the block runs; `waiting` is called once where another one holds it now.

    Without `waiting` a sentence in the log tells whoever has waited for two seconds why.

    Raises StoreError after ten minutes in vain. A process that holds it already goes on at once.
    """
    try:
        import fcntl
    except ImportError:  # not on this platform
        yield
        return
    if _HELD.get(path):
        yield
        return
    try:
        file = path.open("a")
    except OSError as error:
        raise not_writable(path, error) from None
    with file:
        began, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told and time.monotonic() - began >= (SAID_AFTER_SECONDS if waiting is None else 0):
                    _say_waiting(path) if waiting is None else waiting()
                    told = True
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise StoreError(
                        f"{path}: another run has held the store for {PATIENCE_SECONDS // 60} minutes; "
                        "end it, try again"
                    ) from None
                time.sleep(0.05)
        _HELD[path] = 1
        try:
            yield
        finally:
            del _HELD[path]


def _say_waiting(path: Path) -> None:
    minutes = PATIENCE_SECONDS // 60
    _LOG.warning("%s: another run writes in this store; waiting for it, %d minutes at most", path, minutes)


@contextlib.contextmanager
def in_sentences(database: Path) -> Iterator[None]:
    """Turns what MLflow, SQLite and the system say while the block runs into one sentence of ours."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (PowermlError, BrokenPipeError):
        raise
    except (SQLAlchemyError, sqlite3.Error, MlflowException) as error:
        raise _sentence(database, error) from None
    except OSError as error:
        place = Path(str(error.filename or database))
        raise not_usable(place if place.is_absolute() else database.parent.parent / place, error) from None


def damaged(database: Path, why: str) -> StoreError:
    """The sentence for a database that cannot be read."""
    return StoreError(
        f"{database}: is damaged or cut short ({why}); put a copy back, or move it away and run 'powerml train' again"
    )


def _sentence(database: Path, error: Exception) -> StoreError:
    text = str(error).lower()
    first = str(error).strip().split("\n", 1)[0][:300]
    if "locked" in text and "database" in text:
        return StoreError(f"{database}: is held by another program; try again in a moment")
    if "readonly" in text or "unable to open" in text or "permission denied" in text:
        return StoreError(f"{database}: cannot be opened or written in; check the rights of {database.parent}")
    if "disk is full" in text or "disk i/o" in text or "no space" in text:
        return StoreError(f"{database}: cannot be written (the disk is full); make room and run it again")
    if "malformed" in text or "not a database" in text or "no such table" in text or "no such column" in text:
        return damaged(database, first.split("\n")[0])
    return StoreError(f"{database}: MLflow cannot do this ({first}); look at the store with 'powerml ui'")
