"""Random nights again, the events in a database: what is not read, or kept from last night, changes no answer."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.project import load_project
from powerml.sources import fetched
from powerml.workflows.project import open_project, until_when
from tests.snapshots.cache.test_nights import FEW, METRICS, START, Nights, same, seen


class DatabaseNights(Nights):
    """The same rows in a table of a DuckDB file; of files that go the rows go."""

    def __init__(self, folder, seed: int) -> None:
        super().__init__(folder, seed)
        self.spec["tables"]["events"] = {
            "database": {"file": "warehouse.duckdb"},
            "table": "events",
            "max_bad_rows": 1,
        }

    def happen(self, number, night) -> None:
        super().happen(number, night)
        files = sorted(str(path) for path in (self.folder / "events").iterdir())
        self.fill(files)

    def fill(self, files: list[str]) -> None:
        """Brings the database up to the files."""
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"CREATE OR REPLACE TABLE events AS FROM read_parquet({files})")
            for edit in self.edits():
                con.execute(edit)

    def edits(self) -> list[str]:
        """Rows that somebody changed, took away, or brought in another order."""
        (day, user), kind = (self.chance.randrange(40), self.chance.randrange(4)), self.chance.random()
        that_day = f"time BETWEEN TIMESTAMP '2026-01-01' + INTERVAL '{day} days' AND TIMESTAMP '2026-01-08'"
        if kind < 0.2:
            return [f"UPDATE events SET event = 'made' WHERE user_id = 'u{user}' AND {that_day}"]
        if kind < 0.4:
            return [f"DELETE FROM events WHERE user_id = 'u{user}' AND {that_day}"]
        if kind < 0.5:
            return ["UPDATE events SET time = NULL WHERE user_id = '17'"]
        return []


class ServerNights(DatabaseNights):
    """The same rows in a table of a PostgreSQL server, read by a query or as a table."""

    def __init__(self, folder, seed: int, address: str) -> None:
        super().__init__(folder, seed)
        self.address = address
        asked = {"table": "events"} if self.chance.random() < 0.5 else {"query": "SELECT * FROM events"}
        self.spec["tables"]["events"] = {"database": {"url_env": "WAREHOUSE"}, "max_bad_rows": 1, **asked}

    def fill(self, files: list[str]) -> None:
        import psycopg

        stamp = "timestamp" if self.naive else "timestamptz"
        kinds = {"time": stamp, "known_at": stamp, "value": "float8"}
        rows = pa.concat_tables([pq.read_table(file, columns=self.columns) for file in files]).to_pylist()
        with psycopg.connect(self.address) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute("DROP TABLE IF EXISTS events")
            declared = ", ".join(f"{column} {kinds.get(column, 'text')}" for column in self.columns)
            con.execute(f"CREATE TABLE events ({declared})")
            with con.cursor() as cursor, cursor.copy("COPY events FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(list(row.values()))
            for edit in self.edits():
                con.execute(edit)


def check_nights(nights, numbers=range(4)) -> None:
    """Snapshots from what was kept, and cold ones."""
    for number in numbers:
        night = START + timedelta(days=7 * number)
        nights.happen(number, night)
        now = night + timedelta(hours=nights.chance.choice((0, 2, 2, 12, 26, 24 * 12, -24 * 8)))
        as_of = (night + timedelta(days=nights.chance.choice((0, 0, 1, -3)))).date()
        same(seen(nights.folder, now, as_of, cache=True), seen(nights.folder, now, as_of, cache=False))
    assert list((nights.folder / ".powerml" / "cache" / "weeks").glob("*/week*.parquet"))
    assert (nights.folder / ".powerml" / "cache" / "rollups.duckdb").exists()


@pytest.mark.slow
def test_a_night_from_what_was_kept_equals_a_cold_one(tmp_path):
    check_nights(DatabaseNights(tmp_path, 6), range(2))


@pytest.mark.slow
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_kept_equals_cold_whatever_happens_to_the_rows(seed, tmp_path_factory):
    check_nights(DatabaseNights(tmp_path_factory.mktemp("nights"), seed))


@pytest.fixture(scope="module")
def address():
    from tests.tracking.servers import postgres

    with postgres() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE", address)
        yield address


@pytest.mark.slow
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_kept_equals_cold_on_a_server(seed, tmp_path_factory, address):
    nights = ServerNights(tmp_path_factory.mktemp("nights"), seed, address)
    check_nights(nights, range(3))
    check_ranges(nights, range(3, 4))


@pytest.mark.slow
def test_a_night_has_only_the_weeks_sent_that_changed(tmp_path, address, monkeypatch):
    import psycopg

    sent, real = [], fetched.copy_rows

    def counting(there, relation, kinds, target, **more):
        real(there, relation, kinds, target, **more)
        sent.append((pq.read_metadata(target).num_rows, list(kinds)))

    monkeypatch.setattr(fetched, "copy_rows", counting)
    with psycopg.connect(address, autocommit=True) as con:
        con.execute("DROP TABLE IF EXISTS events")
        con.execute(
            "CREATE TABLE events AS SELECT 'u' || g % 7 AS user_id, 'made' AS event, repeat('x', 50) AS more,"
            " timestamptz '2026-01-01 00:30Z' + g * interval '1 hour' AS time FROM generate_series(0, 24 * 70 - 1) g"
        )
        events = {"database": {"url_env": "WAREHOUSE"}, "table": "events", "ignored": ["more"]}
        spec = {"project": "sent", "tables": {"events": events}, "vocabulary": {}}
        (tmp_path / "powerml.yaml").write_text(yaml.safe_dump(spec))
        night = START + timedelta(days=70)
        columns = ["user_id", "event", "time"]
        week = 24 * 7

        def warm_and_cold() -> list:
            warm = seen(tmp_path, night, night.date(), cache=True)
            found = list(sent)
            same(warm, seen(tmp_path, night, night.date(), cache=False))
            sent.clear()
            return found

        assert warm_and_cold() == [(10 * week, columns)]
        assert warm_and_cold() == []
        con.execute("INSERT INTO events SELECT 'late', 'made', '', timestamptz '2026-01-09 12:00Z'")
        assert warm_and_cold() == [(week + 1, columns)]
        con.execute("DELETE FROM events WHERE time >= '2026-02-26Z' AND user_id = 'u3'")
        ((rows, _columns),) = warm_and_cold()
        assert 1.6 * week < rows < 2 * week
        con.execute("UPDATE events SET more = 'y'")  # what is not read changes nothing
        assert warm_and_cold() == []


def frame(folder, now, as_of, *, labels, ranged):
    project = load_project(folder / "powerml.yaml")
    until = until_when(project, [as_of], labels=labels) if ranged else None
    opened = open_project(project, now=now, until=until)
    opened.metrics = {name: opened.metrics[name] for name in METRICS}
    made = opened.build([as_of], labels=labels)
    (rows,) = opened.loaded.report.loc[opened.loaded.report["table"] == "events", "rows"]
    opened.inputs.engine.backend.con.close()
    return made.frame, dict(made.vocabulary_counts), rows


def check_ranges(nights, numbers=range(3)) -> int:
    """Snapshots of all events, and of those that are needed; gives how many were not read."""
    spared = 0
    for number in numbers:
        night = START + timedelta(days=7 * number)
        nights.happen(number, night)
        as_of = (night - timedelta(days=nights.chance.choice((0, 1, 3, 20)))).date()
        observed = as_of + timedelta(days=nights.chance.choice((-4, 2)))
        nights.spec["observed_until"] = observed.isoformat()
        labels = nights.chance.random() < 0.3
        now = night + timedelta(hours=nights.chance.choice((0, 30)))
        whole, counts, rows = frame(nights.folder, now, as_of, labels=labels, ranged=False)
        part, counted, fewer = frame(nights.folder, now, as_of, labels=labels, ranged=True)
        pd.testing.assert_frame_equal(part, whole, rtol=1e-12)
        assert counted == counts
        assert fewer <= rows
        spared += rows - fewer
    return spared


def test_rows_behind_the_date_are_not_read_and_missed_by_nobody(tmp_path):
    assert check_ranges(DatabaseNights(tmp_path, 5), range(2)) > 0


@pytest.mark.slow
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_rows_behind_the_date_change_nothing(seed, tmp_path_factory):
    check_ranges(DatabaseNights(tmp_path_factory.mktemp("nights"), seed))
