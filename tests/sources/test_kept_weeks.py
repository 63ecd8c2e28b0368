"""Events of a database by week: what changed is read again and nothing else; what cannot be told is read whole."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import duckdb
import pytest

from powerml.sources import kept_weeks, open_sources
from powerml.sources.forgotten import Forgotten
from powerml.sources.ranges import AFTER, BEFORE, DAY, LOCAL, ZONED, in_weeks, week_of
from tests.sources.conftest import NOW
from tests.sources.reading import bad

LOG = """
CREATE TABLE log AS SELECT 'u' || i % 3 AS user_id, 'seen' AS event, uuid() AS event_id,
  TIMESTAMPTZ '2026-01-01 09:00:00Z' + i * INTERVAL 1 DAY AS time, i / 4 AS value FROM range(40) t(i)
"""


class Warehouse:
    """A project whose events are a table of a DuckDB file, read with a cache."""

    def __init__(self, folder, project) -> None:
        self.folder, self.cache = folder, folder / ".powerml" / "cache"
        self.declared = {"database": {"file": "w.duckdb"}, "table": "log", "max_bad_rows": 1}
        self.project = project(events=self.declared)
        self.run(LOG)

    def run(self, sql) -> None:
        with duckdb.connect(str(self.folder / "w.duckdb")) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(sql)

    def read(self, cache=None, extra=()):
        """Rows and counts of what is read, and what was said of weeks."""
        said = []
        loaded = open_sources(self.project, now=NOW, cache=cache, extra={"events": extra}, note=said.append)
        columns = ", ".join(f'"{column}"' for column in loaded.columns["events"])
        found = loaded.con.execute(f"SELECT {columns} FROM events ORDER BY ALL").fetchall()
        loaded.con.close()
        return found, loaded.report.to_numpy().tolist(), "".join(one for one in said if "weeks" in one)

    def copies(self) -> set[str]:
        return {path.name for path in self.cache.glob("weeks/*/*.parquet")}

    def check(self, *extra: str) -> str:
        """Reads with what was kept, holds it against a cold reading, and gives what was said of weeks."""
        *cold, _ = self.read(extra=extra)
        *warm, said = self.read(self.cache, extra)
        assert warm == cold
        return said


@pytest.fixture
def warehouse(tmp_path, project):
    return Warehouse(tmp_path, project)


def test_weeks_that_changed_are_read_again_and_no_others(warehouse):
    assert warehouse.check() == "6 of 6 weeks of events have changed: reading them"
    first = warehouse.copies()
    assert len(first) == 6
    assert warehouse.check() == ""
    assert warehouse.copies() == first
    warehouse.run("INSERT INTO log SELECT 'late', 'seen', uuid(), TIMESTAMPTZ '2026-01-09 00:00:00Z', 1")
    assert warehouse.check() == "1 of 6 weeks of events have changed: reading them"
    assert len(warehouse.copies() & first) == 5
    warehouse.run("UPDATE log SET value = value + 1 WHERE time < TIMESTAMPTZ '2026-01-15 00:00:00Z'")
    assert warehouse.check() == "2 of 6 weeks of events have changed: reading them"
    warehouse.run("DELETE FROM log WHERE time < TIMESTAMPTZ '2026-01-08 00:00:00Z'")
    assert warehouse.check() == ""
    assert len(warehouse.copies()) == 5


def test_bad_rows_are_set_aside_with_the_week_they_are_of(warehouse):
    warehouse.run("UPDATE log SET user_id = NULL WHERE time < TIMESTAMPTZ '2026-01-02 00:00:00Z'")
    warehouse.run("INSERT INTO log SELECT 'u', 'seen', uuid(), NULL, 1")
    warehouse.run("INSERT INTO log SELECT 'u', 'seen', uuid(), 'infinity', 1")
    loaded = open_sources(warehouse.project, now=NOW, cache=warehouse.cache)
    assert {(row[0], row[2]) for row in bad(loaded)} == {
        ("w.duckdb: log, without a time", "missing"),
        ("w.duckdb: log, week of 2026-01-01", "missing"),
        ("w.duckdb: log, from 2104 on", "not a time"),
    }


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE log ALTER time TYPE VARCHAR",
        "ALTER TABLE log ALTER value TYPE HUGEINT",
    ],
)
def test_what_a_copy_would_not_give_back_is_read_whole(warehouse, change):
    warehouse.run(change)
    assert warehouse.check() == ""
    assert warehouse.copies() == set()


def test_another_column_or_type_starts_afresh(warehouse):
    warehouse.check()
    warehouse.run("ALTER TABLE log ADD COLUMN session_id VARCHAR; UPDATE log SET session_id = 's'")
    assert warehouse.check() == "6 of 6 weeks of events have changed: reading them"
    assert len(list(warehouse.cache.glob("weeks/*/"))) == 1


def test_two_who_ask_for_other_columns_do_not_drive_each_other_out(warehouse):
    warehouse.run("ALTER TABLE log ADD COLUMN device VARCHAR; UPDATE log SET device = 'd'")
    warehouse.check()
    assert warehouse.check("device") == "6 of 6 weeks of events have changed: reading them"
    assert warehouse.check() == warehouse.check("device") == ""
    warehouse.run("ALTER TABLE log DROP COLUMN device")
    assert warehouse.check() == "6 of 6 weeks of events have changed: reading them"


def test_a_damaged_copy_is_fetched_anew(warehouse, caplog):
    warehouse.check()
    victim = min(warehouse.cache.glob("weeks/*/week*.parquet"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 8
    victim.write_bytes(data)
    assert warehouse.check() == "1 of 6 weeks of events have changed: reading them"
    assert "is damaged; thrown away and made anew" in caplog.text
    (warehouse.cache / "weeks" / "lock.duckdb").write_bytes(b"no database")
    assert warehouse.check() == ""
    (manifest,) = warehouse.cache.glob("weeks/*/columns.json")
    manifest.write_text("{")
    assert warehouse.check() == "6 of 6 weeks of events have changed: reading them"


def test_a_lock_that_this_process_holds_is_no_damage(warehouse):
    warehouse.check()
    lock = warehouse.cache / "weeks" / "lock.duckdb"
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{lock}' AS ours")
        warehouse.run("DELETE FROM log WHERE value < 1")
        before = warehouse.copies()
        assert warehouse.check() == ""
        assert warehouse.copies() == before
    assert "reading them" in warehouse.check()


def test_what_a_killed_run_left_goes(warehouse):
    warehouse.check()
    (folder,) = (path for path in (warehouse.cache / "weeks").iterdir() if path.is_dir())
    (folder / "week.parquet").write_bytes(b"PAR1")
    warehouse.check()
    assert not (folder / "week.parquet").exists()


def test_an_interrupted_run_keeps_the_weeks_it_had(warehouse, monkeypatch):
    times, real = [], kept_weeks._checksum

    def breaking(path):
        times.append(path)
        if len(times) == 4:
            raise KeyboardInterrupt
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(kept_weeks, "_checksum", breaking)
        with pytest.raises(KeyboardInterrupt):
            warehouse.read(warehouse.cache)
    assert len(warehouse.copies()) == 3
    assert warehouse.check() == "3 of 6 weeks of events have changed: reading them"


def test_a_run_goes_without_where_another_is_at_work(warehouse):
    warehouse.check()
    lock = warehouse.cache / "weeks" / "lock.duckdb"
    script = f"import duckdb; c = duckdb.connect({str(lock)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "1\n"
        warehouse.run("DELETE FROM log WHERE value < 1")
        before = warehouse.copies()
        assert warehouse.check() == ""
        assert warehouse.copies() == before
        other.communicate("\n")
    assert warehouse.check() == "1 of 6 weeks of events have changed: reading them"


def test_nobody_who_was_forgotten_is_kept(warehouse):
    warehouse.check()
    Forgotten().keep(warehouse.project.state, "user_id", ["u1"], on=date(2026, 4, 1))
    for path in warehouse.cache.glob("weeks/*/*.parquet"):
        path.unlink()
    assert "reading them" in warehouse.check()
    assert warehouse.copies() == set()
    warehouse.run("DELETE FROM log WHERE user_id = 'u1'")
    warehouse.check()
    assert len(warehouse.copies()) == 6


@pytest.mark.parametrize("kind", [ZONED, LOCAL, DAY])
def test_a_time_lies_in_its_week_alone(kind):
    times = ["-infinity", "1969-12-31", "1970-01-01", "1970-01-07", "1970-01-08", "2026-03-05", "2026-03-12"]
    times += ["2104-02-27", "2104-02-28", "infinity", None]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE TABLE log (t {kind})")
        con.executemany("INSERT INTO log VALUES (?::" + kind + ")", [[time] for time in times])
        found = [week for (week,) in con.execute(f"SELECT {week_of('t', kind)} FROM log").fetchall()]
        assert found == [BEFORE, BEFORE, 0, 0, 1, 2931, 2932, AFTER - 1, AFTER, AFTER, None]
        for week in {*found}:
            inside = con.execute(f"SELECT {week_of('t', kind)} FROM log WHERE {in_weeks('t', kind, [week])}").fetchall()
            assert inside == [(week,)] * found.count(week)
        for some in ([BEFORE, 0, 1], [2931, 2932, None], [AFTER - 1, AFTER], [BEFORE, AFTER], []):
            many = con.execute(f"SELECT count(*) FROM log WHERE {in_weeks('t', kind, some)}").fetchone()
            assert many == (sum(week in some for week in found),)
