"""Queries as sources: one SELECT without the right to write, and not for ever."""

import duckdb
import pytest

from powerml.errors import DataError
from powerml.sources.queries import check_query, time_limit


@pytest.fixture
def con():
    with duckdb.connect() as con:
        yield con


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "FROM range(3);",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1)",
        "SELECT 1 -- so\n;",
        "SELECT ';'",
    ],
)
def test_one_select_is_taken(con, query):
    text = check_query(con, query, where="here")
    assert con.execute(f"SELECT count(*) FROM (\n{text}\n)").fetchone()[0] >= 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("COPY (SELECT 1) TO '{out}'", "it is COPY"),
        ("ATTACH '{out}'", "it is ATTACH"),
        ("SELECT 1; COPY (SELECT 1) TO '{out}'", "it holds 2 statements"),
        ("SELECT 1) TO '{out}'; SELECT (1", "does not run"),
        ("SELECT 1); COPY (SELECT 1) TO '{out}'; SELECT * FROM (SELECT 1", "does not run"),
        ("EXPORT DATABASE '{out}'", "it is EXPORT"),
        ("INSTALL httpfs", "it is LOAD"),
        ("SET memory_limit = '1GB'", "it is SET"),
        ("SELECT * FROM enable_logging(storage := 'file', storage_path := '{out}')", r"it calls enable_logging\(\)"),
        ("SELECT * FROM query('SELECT 1')", r"it calls query\(\)"),
        ("WITH a AS (SELECT * FROM checkpoint()) SELECT 1", r"it calls checkpoint\(\)"),
        ("", "it is empty"),
        ("-- nothing", "it is empty"),
    ],
)
def test_what_is_not_one_select_that_reads_is_refused_and_writes_nothing(con, tmp_path, query, words):
    with pytest.raises(
        DataError, match=rf"^here: does not run \(.*{words.replace('does not run', '')}.*; correct the query"
    ):
        check_query(con, query.replace("{out}", str(tmp_path / "out")), where="here")
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_does_not_end_is_stopped(con):
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1"
    with pytest.raises(DataError, match=r"here: ran longer than 0\.3 s and was stopped; make it smaller"):  # noqa: SIM117
        with time_limit(con, 0.3, where="here"):
            con.execute(endless).fetchall()
    assert con.execute("SELECT 1").fetchone() == (1,)


def test_one_that_fails_in_time_says_why(con):
    with pytest.raises(duckdb.Error, match="absent"), time_limit(con, 60, where="here"):
        con.execute("FROM absent")
