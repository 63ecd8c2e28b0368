"""What a database is asked for: rows before an instant, where the column's type says times."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta

import duckdb
import pytest

from powerml.sources import open_sources
from powerml.sources.columns import Mapped
from powerml.sources.postgres import PostgresServer
from powerml.sources.ranges import DAY, LOCAL, ZONED, Until, before, only_where
from powerml.sources.readers import SourcePart
from tests.sources.conftest import NOW
from tests.sources.reading import rows

AT = datetime(2026, 3, 1, 22, 30)


def part(kind="TIMESTAMP WITH TIME ZONE"):
    return SourcePart("query", ("log",), 0, {"at": (kind, '"at"')}, "log")


@pytest.mark.parametrize(
    ("kind", "hours", "kept"),
    [
        *[(kind, -25, True) for kind in (ZONED, LOCAL, DAY)],
        *[(kind, None, True) for kind in (ZONED, LOCAL, DAY)],
        *[(kind, 49, False) for kind in (ZONED, LOCAL, DAY)],
        *[(ZONED, 0, False), (LOCAL, 14, True), (DAY, 14, True)],
    ],
)
def test_a_condition_keeps_all_that_may_lie_before(kind, hours, kept):
    """In Honolulu and on Kiritimati, too: a time without a zone is kept if it lies before in any zone."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        value = "NULL" if hours is None else f"'{AT + timedelta(hours=hours)}'"
        found = con.execute(f"SELECT {before('t', kind, AT)} FROM (SELECT CAST({value} AS {kind}) AS t)").fetchone()
    assert found == (kept,)


@pytest.mark.parametrize("kind", ["VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMP_NS", "JSON"])
def test_what_is_no_time_as_such_is_read_whole(kind):
    assert before('"at"', kind, AT) is None


def test_outcomes_of_versions_are_not_cut():
    mapped = [Mapped("time", "at", None), Mapped("known_at", "at", None)]
    assert Until(AT, outcomes=True).condition(mapped, part()) is None
    assert Until(AT, outcomes=True).condition(mapped[:1], part()) is not None
    assert Until(AT).condition(mapped, part()) == before('"at"', ZONED, AT)


def test_a_server_is_sent_the_range():
    sent = []

    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        @contextmanager
        def copy(self, query):
            sent.append(query.decode())
            yield [b"c0\n"]

    class Connection:
        cursor = Cursor

    server = PostgresServer(Connection(), "the server")
    condition = Until(AT).condition([Mapped("time", "at", None)], part())
    with server.rows('"log"', [("who", "text")], condition=condition) as stream:
        assert stream.read() == b"c0\n"
    assert sent == [
        'COPY (SELECT "who"::text AS c0 FROM "log" AS _r WHERE ("at" IS NULL OR "at" < '
        "TIMESTAMP WITH TIME ZONE '2026-03-01 22:30:00+00')) TO STDOUT (FORMAT csv, HEADER)"
    ]


def test_a_duckdb_file_gives_rows_of_the_range_alone(tmp_path, project):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(
            "CREATE TABLE log AS SELECT 'u' || i AS user_id, 'seen' AS event, CASE WHEN i < 9 THEN"
            " TIMESTAMPTZ '2026-03-01 00:00:00Z' + i * INTERVAL 1 DAY END AS time FROM range(10) t(i)"
        )
    made = project(events={"database": {"file": "w.duckdb"}, "table": "log", "max_bad_rows": 1})
    loaded = open_sources(made, now=NOW, until=Until(datetime(2026, 3, 3)))
    assert [row[0] for row in rows(loaded, "events", "user_id")] == ["u0", "u1"]
    assert loaded.report[["rows", "quarantined"]].to_numpy().tolist() == [[3, 1]]  # and the one without a time
    assert len(rows(open_sources(made, now=NOW), "events")) == 9


def test_only_where_reads_through_the_condition():
    assert only_where(part(), "x < 1").relation == "(SELECT * FROM log WHERE x < 1)"
