"""`init` on a DuckDB file and on a PostgreSQL server: the tables are found, and read as the golden files are."""

from __future__ import annotations

import duckdb
import pytest

from powerml.config.project import load_project
from powerml.errors import DataError
from powerml.workflows.init import init
from tests.builders import NOW
from tests.sources.warehouse import TABLES, fill_duckdb, fill_postgres

LOADED = {"events": 21030, "users": 39, "accounts": 14, "subscriptions": 39, "usage_limits": 251, "tickets": 100}


def check(begun, folder):
    project = load_project(folder / "powerml.yaml")
    assert set(project.tables) == set(TABLES)
    found = dict(zip(begun.loads["table"], begun.loads["loaded"], strict=True))
    assert found == {**LOADED, "surveys": 52}
    assert begun.loads["quarantined"].sum() == 0
    assert project.plans == ("free", "starter", "pro", "enterprise")
    assert project.outcome_kind == "contract"
    assert all(not spec.columns for spec in project.tables.values())
    return project


def test_a_duckdb_file(tmp_path):
    fill_duckdb(tmp_path / "shop.duckdb")
    project = check(init([tmp_path / "shop.duckdb"], tmp_path / "powerml.yaml", now=NOW), tmp_path)
    assert project.tables["events"].database.file == "shop.duckdb"
    assert project.tables["events"].table == "events"


def test_what_begins_together_is_added_up(tmp_path):
    fill_duckdb(tmp_path / "shop.duckdb")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute("INSERT INTO subscriptions FROM subscriptions LIMIT 5")
    begun = init([tmp_path / "shop.duckdb"], tmp_path / "powerml.yaml", now=NOW)
    assert "group by 1, 2" in load_project(tmp_path / "powerml.yaml").tables["subscriptions"].query
    assert dict(zip(begun.loads["table"], begun.loads["loaded"], strict=True))["subscriptions"] == 39


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "none.duckdb").write_text("this is no database " * 300)
    with pytest.raises(DataError, match=r"none\.duckdb: cannot be opened"):
        init([tmp_path / "none.duckdb"], tmp_path / "powerml.yaml", now=NOW)


@pytest.mark.slow
def test_a_postgresql_server(tmp_path, monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    from tests.tracking.servers import PASSWORD, postgres

    with postgres() as address:
        monkeypatch.setenv("WAREHOUSE", address)
        with pytest.raises(DataError, match="has no table that may be read"):
            init([], tmp_path / "powerml.yaml", database="WAREHOUSE", now=NOW)
        with psycopg.connect(address) as con:
            fill_postgres(con)
        begun = init([], tmp_path / "powerml.yaml", database="WAREHOUSE", now=NOW)
        project = check(begun, tmp_path)
    assert project.tables["events"].database.url_env == "WAREHOUSE"
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in content for content in written)
