"""The store's database: whole or not at all, looked at before use, free of absolute paths, held by one."""

import contextlib
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from powerml.errors import DataError, StoreError
from powerml.tracking import database, registry
from powerml.tracking.runs import log_session
from powerml.tracking.store import Store, connected, experiment_id
from tests.builders import killed_in_a_write
from tests.tracking.small_session import ROWS, log_small, model

MAKE = """
import sys
from pathlib import Path
from powerml.tracking.store import Store, connected
with connected(Store(Path(sys.argv[1]))) as client: print(len(client.search_experiments()))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a session and a registered version, in a folder that is not used itself."""
    folder = tmp_path_factory.mktemp("project")
    store, session = log_small(folder, model("engagement"))
    run = session.scorers["engagement"]
    registry.register(store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={})
    return folder


@pytest.fixture
def store(made, tmp_path):
    """A copy of it elsewhere, the first folder out of reach."""
    shutil.copytree(made, tmp_path / "moved")
    return Store(tmp_path / "moved" / ".powerml")


def ask(store, sql):
    with contextlib.closing(sqlite3.connect(store.database)) as con, con:
        return con.execute(sql).fetchall()


@pytest.mark.slow
def test_a_kill_while_it_is_made_leaves_none_and_the_next_run_makes_it(tmp_path):
    folder = tmp_path / ".powerml"
    with subprocess.Popen([sys.executable, "-c", MAKE, str(folder)], stdout=subprocess.PIPE) as other:
        while not list(folder.glob(".mlflow.db*")):
            assert other.poll() is None
            time.sleep(0.01)
        other.send_signal(signal.SIGKILL)
    assert not (folder / "mlflow.db").exists()
    done = subprocess.run([sys.executable, "-c", MAKE, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert sorted(path.name for path in folder.iterdir()) == ["mlflow.db", "mlflow.lock"]
    assert stat.S_IMODE((folder / "mlflow.db").stat().st_mode) == 0o600


def test_no_absolute_path_stands_in_the_store(made):
    store = Store(made / ".powerml")
    for table, column in database.ADDRESSES:
        assert [v for (v,) in ask(store, f"SELECT {column} FROM {table}") if v.startswith(("/", "file:/"))] == []
    with contextlib.closing(sqlite3.connect(store.database)) as con:
        dump = "\n".join(con.iterdump())
    assert [place for place in (str(made), sys.prefix, str(Path(__file__).parents[2])) if place in dump] == []
    told = [path.read_bytes() for path in store.artifacts.rglob("*") if path.is_file() and path.suffix != ".py"]
    assert [text for text in told if str(made).encode() in text or sys.prefix.encode() in text] == []


def test_a_moved_project_scores_as_before(store):
    loaded = registry.load_version(store, registry.find_version(store, "golden", "@challenger"))
    expected = model("engagement").score(ROWS)
    assert loaded.score(ROWS)["score"].tolist() == expected["score"].tolist()


def test_addresses_of_an_earlier_version_are_made_relative(store, made):
    absolute = (made / ".powerml" / "artifacts").as_uri()
    for table, column in database.ADDRESSES:
        ask(store, f"UPDATE {table} SET {column} = replace({column}, 'file:.powerml/artifacts', '{absolute}')")
    elsewhere = "s3://bucket/.powerml/artifacts"
    row = f"(9, 'other', '{elsewhere}', 'active', 0, 0, 'default')"
    ask(store, f"INSERT INTO experiments VALUES {row}")
    assert absolute in ask(store, "SELECT artifact_location FROM experiments WHERE name = 'golden'")[0]
    with connected(store) as client:
        assert client.get_experiment_by_name("golden").artifact_location == "file:.powerml/artifacts"
        assert client.get_experiment_by_name("other").artifact_location == elsewhere
    registry.load_version(store, registry.find_version(store, "golden", "@challenger"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(b""), "holds no MLflow tables, or was left half made; remove it"),
        (lambda file: file.write_bytes(b"noise" * 5000), "is damaged or cut short"),
        (lambda file: file.write_bytes(file.read_bytes()[:60_000]), "is damaged or cut short"),
        (lambda file: file.write_bytes(file.read_bytes()[:300_000]), "is damaged or cut short"),
    ],
)
def test_a_database_that_is_none_is_one_sentence(store, spoil, words):
    spoil(store.database)
    with pytest.raises(StoreError, match=rf"mlflow\.db: {words}"), connected(store):
        pass


def test_a_write_that_was_killed_is_taken_back_by_the_next_run(store):
    killed_in_a_write(store.database)
    with connected(store) as client:
        assert client.get_experiment_by_name("golden") is not None
    assert registry.aliases(store, "golden") == {"challenger": 1}
    assert ask(store, "SELECT count(*) FROM sqlite_master WHERE name = 'half'") == [(0,)]


def test_tables_of_another_mlflow_are_named_with_the_fix(store):
    ask(store, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
    with (
        pytest.raises(StoreError, match=r"was made by another MLflow \(its tables are ffffffffffff.*mlflow db upgrade"),
        connected(store),
    ):
        pass


def test_a_full_disk_and_missing_rights_are_one_sentence(store):
    with pytest.raises(DataError, match=r"a\.json: cannot be written \(No space left on device\)"), connected(store):
        raise OSError(28, "No space left on device", "a.json")
    with pytest.raises(StoreError, match=r"cannot be opened or written in; check the rights of"), connected(store):
        raise sqlite3.OperationalError("attempt to write a readonly database")
    with pytest.raises(StoreError, match=r"the disk is full\); make room"), connected(store):
        raise sqlite3.OperationalError("database or disk is full")


def test_runs_that_a_kill_left_are_marked_and_others_are_not(store):
    with connected(store) as client:
        experiment = experiment_id(client, store, "golden")
        left = client.create_run(experiment, tags={"mlflow.source.name": "powerml"}).info.run_id
        own = client.create_run(experiment).info.run_id  # somebody's notebook
    (store.folder / ".model-left").mkdir()
    session_of(store)
    with connected(store) as client:
        assert client.get_run(left).info.status == "KILLED"
        assert client.get_run(own).info.status == "RUNNING"
    assert not (store.folder / ".model-left").exists()


def session_of(store):
    from powerml.tracking.pseudonyms import load_pseudonyms
    from powerml.tracking.runs import SessionRun
    from tests.tracking.small_session import scorer_run

    runs = [scorer_run(model("engagement"), load_pseudonyms(store.folder))]
    return log_session(store, "golden", session=SessionRun("again", {}, {}), scorers=runs)


def test_a_version_that_was_killed_before_it_had_its_alias_gets_it(store):
    with connected(store) as client:
        tags = {registry.PENDING: "challenger", registry.MANIFEST: "{}"}
        ((run, source),) = ask(store, "SELECT run_id, source FROM model_versions")
        client.create_model_version("golden", source=source, run_id=run, tags=tags)
    assert registry.aliases(store, "golden") == {"challenger": 2}
    assert registry.PENDING not in registry.find_version(store, "golden", "2").tags


@contextlib.contextmanager
def held_by_another(lock):
    """Another process that holds the lock until its input is closed."""
    code = "import sys; from pathlib import Path; from powerml.tracking.database import locked\n"
    code += "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        yield other


def test_one_run_writes_at_a_time_and_the_other_waits(tmp_path):
    order, lock = [], tmp_path / "lock"
    told = threading.Event()
    with held_by_another(lock) as other:

        def wait():
            with database.locked(lock, waiting=lambda: (order.append("waits"), told.set())):
                order.append("works")

        second = threading.Thread(target=wait)
        second.start()
        assert told.wait(60)
        assert order == ["waits"]
        other.stdin.close()
        second.join(60)
    assert order == ["waits", "works"]


def test_whoever_waits_for_long_is_told_why(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(database, "SAID_AFTER_SECONDS", 0.2)
    with held_by_another(tmp_path / "lock") as other:
        back = threading.Timer(1, other.stdin.close)
        back.start()
        with database.locked(tmp_path / "lock"):
            back.join()
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path / 'lock'}: another run writes in this store; waiting for it, 10 minutes at most"
    ]


def test_a_lock_that_is_never_given_back_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0)
    lock, said = tmp_path / "lock", "another run has held the store"
    with held_by_another(lock), pytest.raises(StoreError, match=said), database.locked(lock):
        pass
