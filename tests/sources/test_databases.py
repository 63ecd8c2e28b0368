from __future__ import annotations

import duckdb
import pytest

from powerml.errors import DataError
from powerml.sources.fingerprint import fingerprint


@pytest.fixture
def warehouse(tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(
            "CREATE TABLE log AS SELECT 'ada' AS who, 'report' AS event, TIMESTAMPTZ '2026-03-01 09:30:00Z' AS time"
        )
        con.execute("CREATE SCHEMA mart; CREATE TABLE mart.late AS FROM log")
    return tmp_path


def entry(table, file="w.duckdb"):
    return {"database": {"file": file}, "table": table, "columns": {"user_id": "who"}}


@pytest.mark.parametrize("table", ["log", "mart.late"])
def test_a_table_of_a_duckdb_file(opened, warehouse, table):
    loaded = opened(events=entry(table))
    assert loaded.con.execute("SELECT user_id, event FROM events").fetchall() == [("ada", "report")]
    assert loaded.sources["events"] == (f"w.duckdb: {table}",)


def test_what_cannot_be_read_is_one_sentence(opened, warehouse):
    with pytest.raises(DataError, match=r"w\.duckdb: has no table 'logs' \(there are log, mart\.late\); did you mean"):
        opened(events=entry("logs"))
    with pytest.raises(DataError, match=r"absent\.duckdb: no such file"):
        opened(events=entry("log", "absent.duckdb"))
    (warehouse / "none.duckdb").write_text("this is no database " * 300)
    with pytest.raises(DataError, match=r"none\.duckdb: cannot be opened .*; close the program"):
        opened(events=entry("log", "none.duckdb"))


def test_its_fingerprint_follows_the_file(project, warehouse):
    first = fingerprint(project(events=entry("log")), "events")
    with duckdb.connect(str(warehouse / "w.duckdb")) as con:
        con.execute("INSERT INTO log SELECT * FROM log; CHECKPOINT")
    assert fingerprint(project(events=entry("log")), "events") != first


def test_a_query_on_a_duckdb_file_only_reads_it(opened, warehouse):
    query = "SELECT who AS user_id, upper(event) AS event, time FROM mart.late"
    loaded = opened(events={"database": {"file": "w.duckdb"}, "query": query})
    assert loaded.con.execute("SELECT user_id, event, time FROM events").fetchall()[0][:2] == ("ada", "REPORT")
    for wrong, said in (
        ("DROP TABLE log", "it is DROP"),
        ("SELECT whom FROM log", "does not run"),
        ("SELECT * FROM '/etc/passwd'", "does not run"),
    ):
        with pytest.raises(DataError, match=said):
            opened(events={"database": {"file": "w.duckdb"}, "query": wrong})
