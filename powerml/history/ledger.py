"""The ledger of the nights, `.powerml/night.db`: what was begun, done, held or failed; and one night at a time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from powerml.errors import DataError
from powerml.writing import existing_database, for_owner_only, only_one, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

LEDGER_FILE = "night.db"
LOCK = "night.lock"
_TABLES = """
CREATE TABLE IF NOT EXISTS run (
    as_of TEXT PRIMARY KEY, state TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT, forced INTEGER NOT NULL,
    runs INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS step (
    as_of TEXT NOT NULL, step TEXT NOT NULL, state TEXT NOT NULL, counts TEXT NOT NULL, seconds REAL,
    sentence TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (as_of, step)
);
CREATE TABLE IF NOT EXISTS lifted (
    as_of TEXT NOT NULL, brake TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (as_of, brake)
);
"""


@dataclass(frozen=True)
class StepRow:
    """What the ledger says of a step: `state` is started, done, held or failed."""

    step: str
    state: str
    counts: dict[str, Any]
    seconds: float | None
    sentence: str
    at: str


@dataclass(frozen=True)
class RunRow:
    """What the ledger says of a night: `runs` is how often it was begun, `forced` whether a brake was lifted."""

    as_of: date
    state: str
    started_at: str
    finished_at: str | None
    forced: bool
    runs: int


@dataclass(frozen=True)
class Ledger:
    """The open ledger; every change is on the disk when the call returns."""

    con: sqlite3.Connection

    def run(self, as_of: date) -> RunRow | None:
        """The night of a date, if it was ever begun."""
        row = self.con.execute("SELECT * FROM run WHERE as_of = ?", (as_of.isoformat(),)).fetchone()
        return None if row is None else RunRow(date.fromisoformat(row[0]), row[1], row[2], row[3], bool(row[4]), row[5])

    def steps(self, as_of: date) -> dict[str, StepRow]:
        """What was done of a night, by step."""
        rows = self.con.execute(
            "SELECT step, state, counts, seconds, sentence, at FROM step WHERE as_of = ? ORDER BY rowid",
            (as_of.isoformat(),),
        ).fetchall()
        return {row[0]: StepRow(row[0], row[1], json.loads(row[2]), row[3], row[4], row[5]) for row in rows}

    def begin(self, as_of: date, *, forced: bool, now: datetime) -> None:
        """Writes down that a night begins, or goes on; that a brake was lifted is kept for good."""
        with self.con:
            self.con.execute(
                "INSERT INTO run VALUES (?, 'started', ?, NULL, ?, 1) ON CONFLICT (as_of) DO UPDATE SET"
                " state = 'started', finished_at = NULL, forced = max(forced, excluded.forced), runs = runs + 1",
                (as_of.isoformat(), now.isoformat(timespec="seconds"), int(forced)),
            )

    def mark(
        self,
        as_of: date,
        step: str,
        state: str,
        *,
        now: datetime,
        sentence: str = "",
        counts: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Writes down where a step stands."""
        told = json.dumps(dict(counts or {}), default=str)
        with self.con:
            self.con.execute(
                "INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?)",
                (as_of.isoformat(), step, state, told, seconds, sentence, now.isoformat(timespec="seconds")),
            )

    def lift(self, as_of: date, brakes: Iterable[str], *, by: str, now: datetime) -> None:
        """Writes down, for good, which brakes of a night somebody lifted by hand, with which command."""
        with self.con:
            self.con.executemany(
                "INSERT OR IGNORE INTO lifted VALUES (?, ?, ?, ?)",
                [(as_of.isoformat(), brake, by, now.isoformat(timespec="seconds")) for brake in brakes],
            )

    def lifted(self, as_of: date) -> frozenset[str]:
        """The brakes of a night that were lifted by hand."""
        rows = self.con.execute("SELECT brake FROM lifted WHERE as_of = ?", (as_of.isoformat(),))
        return frozenset(row[0] for row in rows)

    def finish(self, as_of: date, state: str, *, now: datetime) -> None:
        """Writes down how a night ended: done or held."""
        with self.con:
            self.con.execute(
                "UPDATE run SET state = ?, finished_at = ? WHERE as_of = ?",
                (state, now.isoformat(timespec="seconds"), as_of.isoformat()),
            )


@contextlib.contextmanager
def open_ledger(state: Path) -> Iterator[Ledger]:
    """The ledger in a project's `.powerml`, made where there is none; raises DataError for one that cannot be used."""
    path = private_folder(state) / LEDGER_FILE
    try:
        with for_owner_only(), contextlib.closing(sqlite3.connect(path, timeout=30)) as con:
            con.executescript(_TABLES)
            yield Ledger(con)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


@contextlib.contextmanager
def read_ledger(state: Path) -> Iterator[Ledger]:
    """The ledger for one who only reads: where the project may not be written, a copy in memory of what there is."""
    path = state / LEDGER_FILE
    if not state.is_dir() or os.access(state, os.W_OK | os.X_OK):
        with open_ledger(state) as ledger:
            yield ledger
        return
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as con:
            if path.exists():
                copy_ledger(path, con)
            con.executescript(_TABLES)
            yield Ledger(con)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


def copy_ledger(path: Path, into: sqlite3.Connection) -> None:
    """Copies a ledger that is there into another database; raises DataError where it cannot be read."""
    try:
        with contextlib.closing(existing_database(path.resolve())) as source:
            source.backup(into)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: sqlite3.Error) -> DataError:
    fix = "put a copy back, or move it away" if os.access(path, os.R_OK) else "give yourself the right to read it"
    return DataError.in_file(path, f"cannot be used ({error})", fix)


@contextlib.contextmanager
def one_night_at_a_time(state: Path, *, now: datetime) -> Iterator[None]:
    """Holds the project's night while the block runs; raises UsageError that names who holds it.

    The lock is the system's, so that of a process that died nothing is left to take over but its name.
    """
    path = private_folder(state) / LOCK
    with for_owner_only():
        path.touch()
    with only_one(path, f"{path}: {_holder(path)} is at it; wait until it has ended, or end it"):
        told = f"process {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M} UTC"
        path.write_text(told, encoding="utf-8")
        try:
            yield
        finally:  # the same bytes again, whoever was at it
            path.write_text("", encoding="utf-8")


def _holder(path: Path) -> str:
    told = path.read_text(encoding="utf-8", errors="replace").strip()
    return told or "another process"
