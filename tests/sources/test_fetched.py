"""A PostgreSQL server as a source, on a real one: types, wrong names, bad rows, its death in the middle."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from powerml.errors import DataError
from powerml.sources import postgres
from powerml.sources.fetched import write_parquet
from powerml.sources.postgres import server
from tests.sources.reading import bad, rows

ODD = """
CREATE SCHEMA mart;
CREATE TABLE mart."Log" (
  who bigint, event text, at timestamptz, "local at" timestamp, day date, paid boolean, n smallint, price numeric(8,2),
  props jsonb, tags text[], code char(8), ratio real);
INSERT INTO mart."Log" VALUES
  (7, E'a "b",\\n\\tc', '2026-03-01 09:30:00.123456+02', '2026-03-01 09:30', '2026-03-02', true, 3, 12.50,
   '{"a": 1}', '{x,y}', 'ab', 0.1),
  (8, '', '2026-03-01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (9, 'late', 'infinity', NULL, NULL, false, -1, 'NaN', NULL, NULL, NULL, 'Infinity'),
  (NULL, 'early', '-infinity', NULL, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""
SLOW = """
CREATE VIEW endless AS SELECT 'u' || g AS user_id, 'seen' AS event, now() - interval '9 days' AS time, repeat('x', 200)
  AS session_id, CASE WHEN g % 5000 = 0 THEN pg_sleep(0.01)::text END AS account_id
  FROM (SELECT generate_series(1, 100000000) AS g) s
"""


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("powerml-rows-*/*"))


def test_a_full_disk_leaves_no_file(tmp_path):
    def breaking():
        yield pa.record_batch({"a": [1]})
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"rows\.parquet: cannot be written \(No space left on device\)"):
        write_parquet(tmp_path / "rows.parquet", pa.schema([("a", pa.int64())]), breaking())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def address():
    from tests.tracking.servers import postgres

    with postgres() as address:
        yield address


@pytest.fixture(scope="module")
def filled(address):
    import psycopg

    with psycopg.connect(address, autocommit=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(ODD)
        con.execute(SLOW)
    return address


@pytest.fixture
def warehouse(filled, monkeypatch):
    monkeypatch.setenv("WAREHOUSE", filled)
    return {"database": {"url_env": "WAREHOUSE"}}


@pytest.mark.slow
def test_types_arrive_as_they_are(warehouse, opened):
    columns = {"user_id": "who", "time": "at", "properties": "props", "value": "price"}
    entry = {**warehouse, "table": "mart.Log", "columns": columns, "max_bad_rows": 1}
    extra = {"events": ["local at", "day", "paid", "n", "tags", "code", "ratio"]}
    loaded = opened(events=entry, extra=extra, lenient=True)
    ((*first, _row),) = [r for r in rows(loaded, "events") if r[0] == "7"]
    named = dict(zip(loaded.columns["events"], first, strict=False))
    assert named["event"] == 'a "b",\n\tc'
    assert str(named["time"]) == "2026-03-01 07:30:00.123456"
    assert (named["value"], named["properties"]) == (12.5, '{"a": 1}')
    assert loaded.sources["events"] == ("mart.Log of WAREHOUSE",)
    found = {(rule, column) for _, _, rule, column, _ in bad(loaded)}
    assert len(bad(loaded)) == 3
    assert {column for _, column in found} == {"event", "time", "user_id"}


@pytest.mark.slow
@pytest.mark.parametrize("newest", [True, False])
def test_a_digest_tells_every_row_that_is_read_otherwise(filled, warehouse, newest, monkeypatch):
    """Whatever is sent differently is hashed differently, by the function for rows and by the one for texts."""
    import psycopg

    if not newest:
        monkeypatch.setattr(postgres, "_WITH_HASHES_OF_ROWS", 10**9)
    pairs = [
        ("numeric", "1.0", "1.00"), ("text", "ab", "aB"), ("text", "a", "a "), ("text", "", None), ("int8", "1", "2"),
        ("timestamptz", "2026-03-01 00:00Z", "2026-03-01 00:00:00.000001Z"), ("jsonb", '{"a": 1}', '{"a": 1.0}'),
        ("json", '{"a":1}', '{"a": 1}'), ("date", "2026-03-01", "infinity"), ("float8", "0", "-0"), ("bool", "t", None),
        ("text[]", "{a}", "{a,NULL}"), ("uuid", "00000000-0000-0000-0000-000000000000", None),
    ]  # fmt: skip
    with psycopg.connect(filled, autocommit=True) as con:
        for kind, one, other in pairs:
            con.execute("DROP TABLE IF EXISTS pairs")
            con.execute(f"CREATE TABLE pairs (g int, value {kind})")
            for group, value in enumerate((one, other, one, other)):
                con.execute(f"INSERT INTO pairs VALUES (%s, %s::{kind})", [group, value])
            with server("WAREHOUSE", where="here") as there:
                kinds = {"value": there.columns("pairs")["value"]}
                apart = there.digests("pairs", "g % 2", kinds)
                alike = there.digests("pairs", "g / 2", kinds)
            assert len({digest for _, _, digest in apart}) == 2, (kind, one, other)
            assert len({digest for _, _, digest in alike}) == 1, (kind, one, other)


@pytest.mark.slow
def test_an_open_end_is_infinity(warehouse, opened):
    query = """SELECT 'a' AS account_id, timestamp '2026-01-01' AS start, timestamp 'infinity' AS "end", 5 AS mrr"""
    loaded = opened(subscriptions={**warehouse, "query": query})
    ((end,),) = rows(loaded, "subscriptions", '"end"')
    assert end.year == 9999


@pytest.mark.slow
def test_what_is_wrong_is_one_sentence(warehouse, opened, filled, monkeypatch):
    asked = {"columns": {"user_id": "who", "time": "at"}}
    with pytest.raises(
        DataError, match=r"tables\.events: the server that WAREHOUSE names: has no table 'mart\.Lgo'.*did you mean"
    ):
        opened(events={**warehouse, "table": "mart.Lgo", **asked})
    with pytest.raises(DataError, match=r"cannot be read \(column \"whom\" does not exist\)"):
        opened(events={**warehouse, "query": 'SELECT whom FROM mart."Log"', **asked})
    with pytest.raises(DataError, match=r"cannot be read \(.*read-only transaction\)|syntax error"):
        opened(events={**warehouse, "query": "SELECT 1) AS q; DROP SCHEMA mart CASCADE; --", **asked})
    with pytest.raises(DataError, match=r"two columns are called 'who'"):
        opened(events={**warehouse, "query": 'SELECT who, event, at, who FROM mart."Log"', **asked})
    monkeypatch.setenv("WAREHOUSE", filled.replace("s3cret", "wrong"))
    with pytest.raises(DataError, match=r"cannot be reached \(password authentication failed") as raised:
        opened(events={**warehouse, "table": "mart.Log", **asked})
    assert "wrong-of" not in str(raised.value)


@pytest.mark.slow
def test_a_query_is_given_up(warehouse, project):
    from powerml.sources import open_sources
    from tests.sources.conftest import NOW

    made = project(events={**warehouse, "query": "SELECT 'a' AS user_id, 'b' AS event, now() AS time, pg_sleep(9)"})
    with pytest.raises(DataError, match=r"ran longer than 0\.3 s and was stopped; make it smaller"):
        open_sources(made.model_copy(update={"query_timeout": 0.3}), now=NOW)


@pytest.mark.slow
def test_the_server_is_killed_half_way(warehouse, opened, filled):
    """The last of this file: nobody answers afterwards."""
    import psycopg

    before = left_behind()
    seen = []

    def kill():
        with psycopg.connect(filled, autocommit=True) as con:
            (pid,) = con.execute("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").fetchone()
            for _ in range(600):
                seen.extend(path for path in left_behind() - before if path.stat().st_size > 100_000)
                if seen:
                    break
                time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DataError) as raised:
        opened(events={**warehouse, "table": "endless"})
    killer.join()
    assert "the server that WAREHOUSE names went away while it was read (" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert seen
    assert left_behind() == before
