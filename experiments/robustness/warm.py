"""The `powerml` command in forked children of one process that has imported everything: hundreds of runs, cheaply.

A child has its own folder, its own session of processes and its own captured output, as a process of its own would;
what it saves are the seconds of importing. This process must itself run nothing that starts threads.
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
HEAVY = ("mlflow.pyfunc", "mlflow.store.db_migrations.env", "mlflow.store.tracking.sqlalchemy_store",
         "mlflow.store.model_registry.sqlalchemy_store", "ibis.backends.duckdb", "lightgbm", "altair", "vl_convert",
         "sklearn.linear_model", "scipy.optimize", "scipy.stats")  # fmt: skip
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
           "shutil.rmtree", "shutil.move", "sqlite3.connect"}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How a run ended: its status (-9 if killed), what it said, how many seconds it took, whether it was stopped.

    `changes`: how many times it had asked Python for a change of the file system (of those made by SQLite and DuckDB
    themselves only the opening of a database counts).
    """

    status: int
    out: str
    err: str
    seconds: float
    stopped: bool
    changes: int = 0


def warm() -> None:
    """Imports the package and the libraries that its commands import when they need them."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MPLBACKEND="agg", PYTHONPATH=str(ROOT))
    importlib.import_module("mlflow.tracking")  # before the package, of which it takes its kind of artifact store
    import powerml

    for module in pkgutil.walk_packages(powerml.__path__, "powerml."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # of an extra that is not installed: no run will need it
                if str(error.name).startswith("powerml"):
                    raise
    for name in HEAVY:
        with contextlib.suppress(Exception):  # env.py of the migrations runs only inside of Alembic
            importlib.import_module(name)


@dataclass
class Child:
    """A run that is at work."""

    pid: int
    began: float
    out: IO[bytes]
    err: IO[bytes]
    counter: mmap.mmap

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self, *, seconds: float, until: Callable[[], bool] = bool) -> Ran:
        """How it ended; killed with all its own children after `seconds`, counted from when `until` (asked every few
        milliseconds) is first true; the default counts at once.
        """
        status, stopped = _wait(self.pid, seconds, until)
        took = time.monotonic() - self.began
        said = [_read(file.fileno()) for file in (self.out, self.err)]
        changes = int.from_bytes(self.counter[:8])
        for held in (self.out, self.err, self.counter):
            held.close()
        return Ran(status, said[0], said[1], took, stopped or status == -signal.SIGKILL, changes)


def start(command: tuple[str, ...], folder: Path, *, dies_at: int | None = None) -> Child:
    """Starts the command in a child; `dies_at`: the change of the file system before which it is killed."""
    out, err, counter = tempfile.TemporaryFile(), tempfile.TemporaryFile(), mmap.mmap(-1, 8)  # noqa: SIM115
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        _count_changes(counter, dies_at)
        _run(command, folder, out.fileno(), err.fileno())
    return Child(pid, began, out, err, counter)


def forked(
    command: tuple[str, ...],
    folder: Path,
    *,
    seconds: float,
    until: Callable[[], bool] = bool,
    dies_at: int | None = None,
) -> Ran:
    """Runs the command in a child to its end, or its kill; see `start` and `Child.wait`."""
    return start(command, folder, dies_at=dies_at).wait(seconds=seconds, until=until)


def fresh(command: tuple[str, ...], folder: Path, *, seconds: float) -> Ran:
    """The same in a process of its own that imports everything itself."""
    began = time.monotonic()
    run = subprocess.Popen(
        [sys.executable, "-m", "powerml", *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = run.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        out, err = run.communicate()
        return Ran(-9, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began, True)
    return Ran(
        run.returncode, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began, False
    )


def _count_changes(counter: mmap.mmap, dies_at: int | None) -> None:
    """Counts what changes files, in memory that the parent shares, and ends the process before one of them."""

    def hook(event: str, given: tuple[object, ...]) -> None:
        if event not in CHANGES and not (event == "open" and _writes(given)):
            return
        number = int.from_bytes(counter[:8]) + 1
        counter[:8] = number.to_bytes(8)
        if number == dies_at:
            os.killpg(0, signal.SIGKILL)

    sys.addaudithook(hook)


def _writes(given: tuple[object, ...]) -> bool:
    """Whether an `open` (path, mode, flags) is one to write, and none of a device."""
    flags = given[2] if isinstance(given[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and not str(given[0]).startswith("/dev/")


def _run(command: tuple[str, ...], folder: Path, out: int, err: int) -> None:
    """The child: becomes a `powerml` process and ends as one."""
    from powerml.cli import main

    status = 70
    try:
        os.setsid()
        os.chdir(folder)
        for number, handle in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
            os.dup2(handle, number)
        sys.stdin, sys.stdout, sys.stderr = (open(n, mode, encoding="utf-8") for n, mode in enumerate("rww"))  # noqa: PTH123, SIM115
        sys.argv = ["powerml", *command]
        main()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _wait(child: int, seconds: float, until: Callable[[], bool]) -> tuple[int, bool]:
    counted: float | None = time.monotonic() if until is bool else None
    while True:
        done, how = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(how), False
        if counted is None and until():
            counted = time.monotonic()
        if counted is not None and time.monotonic() - counted >= seconds:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -9, True
        time.sleep(0.004)


def _read(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        return file.read().decode(errors="replace")
