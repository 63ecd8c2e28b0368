"""`powerml doctor` on broken set-ups: each names its fix."""

from __future__ import annotations

import sqlite3
import tempfile
import zoneinfo
from contextlib import closing
from importlib import metadata

import pytest

from powerml.workflows import doctor as module
from powerml.workflows.doctor import Machine, doctor
from tests.builders import write_project

EVENTS = "user_id,event,time\nu1,click,2026-03-01T12:00:00Z\n"


def absent(_name):
    raise metadata.PackageNotFoundError


def installed(_name):
    return "4.3.0"


def no_zone(zone):
    raise zoneinfo.ZoneInfoNotFoundError(zone)


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return write_project(tmp_path, EVENTS)


def said(config, machine=None):
    return [f"{f.about}: {f.what}; {f.fix}" for f in doctor(config, machine)[1]]


def test_a_sound_machine_and_project_have_no_finding(config):
    assert said(config) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (Machine(python=(3, 10)), "Python: 3.10 is older than 3.11; install Python 3.11 or newer"),
        (Machine(version=lambda _: "0.1", requires=("duckdb>=1.5",)), "duckdb 0.1 is not what was tested (>=1.5); pip"),
        (Machine(version=absent, requires=("duckdb>=1.5",)), "duckdb is not installed; pip install 'duckdb>=1.5'"),
        (
            Machine(version=installed, requires=(), environment={}, java=lambda: None),
            "Java: pyspark is installed and no",
        ),
        (Machine(version=installed, requires=(), environment={"JAVA_HOME": "/no"}), "JAVA_HOME is /no, and no Java is"),
        (Machine(zone=no_zone), "time zones: no data for UTC"),
        (Machine(free_bytes=lambda _: 5), "0.0 GB free, and the data has 0.0 GB; make room, or set TMPDIR"),
    ],
)
def test_a_machine_that_lacks_something(config, machine, words):
    found = said(config, machine)
    assert any(words in sentence for sentence in found), found


def test_more_memory_than_there_is(tmp_path):
    config = write_project(tmp_path, EVENTS, memory_limit="64GB")
    assert "memory_limit 64GB is more than the machine has, 8.0 GB" in said(config, Machine(memory_bytes=8 * 10**9))[0]


def test_a_project_file_that_is_not_there(tmp_path):
    assert "correct it, or: powerml init" in said(tmp_path / "powerml.yaml")[-1]


def test_a_variable_that_is_not_set(config):
    config.write_text(config.read_text().replace("events.csv", "${NOWHERE}/events.csv"))
    found = said(config, Machine(environment={}))
    assert "environment: NOWHERE is named in the project and not set; export NOWHERE=…" in found


def test_data_that_is_not_there(config):
    (config.parent / "events.csv").unlink()
    assert "events.csv: no such file" in said(config)[0]


def test_a_store_that_is_none(config):
    state = config.parent / ".powerml"
    state.mkdir()
    (state / "mlflow.db").write_bytes(b"no database at all, but a text of some length")
    assert "MLflow store: " in said(config)[0]


def test_a_store_that_another_program_writes(config, monkeypatch):
    state = config.parent / ".powerml"
    state.mkdir()
    monkeypatch.setattr(module, "look_at", lambda *_: None)  # whether it is MLflow's is another question
    with closing(sqlite3.connect(state / "mlflow.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        (found,) = said(config)
    assert "mlflow.db: cannot be written (database is locked); end the program that writes it, or wait" in found
    assert said(config) == []


def test_folders_that_cannot_be_written(config, tmp_path, monkeypatch):
    (config.parent / ".powerml").write_text("a file where a folder should be")
    assert any("the project's folder, " in finding and "cannot be written (" in finding for finding in said(config))
    monkeypatch.setattr(tempfile, "tempdir", str(config.parent / ".powerml"))
    assert any("cannot be written (Not a directory); set TMPDIR" in finding for finding in said(config))


def test_a_duckdb_without_its_extensions(config, monkeypatch):
    monkeypatch.setattr(module, "EXTENSIONS", ("core_functions", "parquet", "spatial"))
    assert said(config) == [
        "DuckDB: its extension spatial is not there; pip install --force-reinstall duckdb"
    ]  # fmt: skip


def test_a_store_elsewhere_that_does_not_answer(config, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "does not answer" in said(config)[0]


def test_a_database_that_does_not_answer(config, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("WAREHOUSE", "postgresql://ada:s3cret@127.0.0.1:9/shop")
    config.write_text(config.read_text().replace("files: events.csv", "database: {url_env: WAREHOUSE}\n    table: log"))
    (found,) = said(config)
    assert found.startswith("database: ")
    assert "the server that WAREHOUSE names cannot be reached (" in found
    assert "s3cret" not in found


def test_without_spark_nobody_needs_java(config):
    assert said(config, Machine(version=absent, requires=(), environment={}, java=lambda: None)) == []


def test_the_secrets_of_sinks_are_looked_for(tmp_path):
    sync = {"attio": {"token_env": "ATTIO_KEY"}, "webhook": {"url_env": "HOOK_URL", "secret_env": "HOOK_SECRET"}}
    found = said(write_project(tmp_path, EVENTS, sync=sync), Machine(environment={"HOOK_URL": "https://example.org"}))
    assert found == [f"environment: {name} is named in the project and not set; export {name}=…"
                     for name in ("ATTIO_KEY", "HOOK_SECRET")]  # fmt: skip


def test_packages_by_choice_that_the_project_makes_use_of(tmp_path):
    sync = {"postgres": {"url_env": "WAREHOUSE"}}
    config = write_project(
        tmp_path, EVENTS, sync=sync, notify={"cs": ["env:CS_URL"], "owner": {"Ada": ["env:ADA_URL"]}}
    )
    told = {"WAREHOUSE": "x", "CS_URL": "x"}
    found = said(config, Machine(version=absent, requires=(), environment=told, java=lambda: None))
    assert found == [
        "notify: notify names destinations and no apprise; pip install 'powerml[notify]'",
        "database: sync.postgres on PostgreSQL and no psycopg; pip install 'powerml[postgres]'",
        "environment: ADA_URL is named in the project and not set; export ADA_URL=…",
    ]
    assert said(config, Machine(version=installed, requires=(), environment=told, java=lambda: "java")) == found[-1:]


def test_a_project_on_spark_is_told_what_spark_lacks_and_cannot_do(tmp_path):
    config = write_project(tmp_path, EVENTS, engine="spark")
    found = said(config, Machine(version=absent, requires=(), environment={}, java=lambda: None))
    assert found[0] == "Spark: engine: spark and no pyspark; pip install 'powerml[spark]'"
    assert "tables.events.files: 'events.csv' is no folder of Parquet files; engine: spark takes" in found[1]
    assert found[1].endswith("powerml export --canonical DIR, with 'engine' left out")
