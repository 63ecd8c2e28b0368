"""An `mlflow server` on a PostgreSQL of its own, for tests: started, killed and started again at the same place."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from mlflow import MlflowClient

from powerml.tracking.store import environment

PASSWORD = "s3cret-of-ada"  # in the database's address, and nowhere else
PATIENCE_SECONDS = 300


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def end(process):
    """Kills a program and all that it started: MLflow's server has workers that outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _binary(name):
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return found


@contextmanager
def postgres():
    """The address of a fresh PostgreSQL; skips where there is none."""
    pytest.importorskip("psycopg")
    initdb, server = _binary("initdb"), _binary("postgres")
    who = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses to run as root
    folder, port = Path(tempfile.mkdtemp(prefix="powerml-pg-", dir="/tmp")), free_port()
    password = folder / "password"
    password.write_text(PASSWORD)
    if who:
        owner = pwd.getpwnam("postgres")
        for path in (folder, password):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    made = [
        initdb,
        "-D",
        str(data),
        "-U",
        "ada",
        "-A",
        "scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
    started = [server, "-D", str(data), "-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-F"]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(started, cwd=folder, stdout=nowhere, stderr=nowhere, start_new_session=True, **who)
    address = f"postgresql://ada:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        wait_until(lambda: _opens(address), "PostgreSQL")
        yield address
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _opens(address):
    import psycopg

    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class MlflowServer:
    """`mlflow server` on a database, its files in `folder`."""

    def __init__(self, database, folder):
        self.database, self.folder, self.port = database, folder, free_port()
        self.process = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        """A client that asks this server for versions, too: by default MLflow asks whatever the process asked last."""
        return MlflowClient(self.address, registry_uri=self.address)

    def start(self):
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--artifacts-destination", str(self.folder), "--workers", "1"),
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
        backend = self.database.replace("postgresql://", "postgresql+psycopg://")
        env = {**kept, **environment(), "MLFLOW_BACKEND_STORE_URI": backend}
        nowhere = subprocess.DEVNULL
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
        wait_until(self.answers, "mlflow server")
        return self

    def answers(self):
        return answers_at(f"{self.address}/health")

    def kill(self):
        if self.process is not None:
            end(self.process)
            self.process = None


def answers_at(url):
    """Whether somebody answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as told:
            return told.status == 200
    except (URLError, OSError):
        return False


def wait_until(true, what):
    last = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < last, f"{what} does not answer"
        time.sleep(0.2)
