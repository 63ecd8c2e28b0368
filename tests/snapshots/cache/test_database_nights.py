"""Random nights again, the events in a database: what is not read, or kept from last night, changes no answer."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.project import load_project
from powerml.workflows.project import open_project
from powerml.workflows.snapshot import until_when
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
        that_day = f"time BETWEEN TIMESTAMP '2026-01-01' + INTERVAL {day} DAY AND TIMESTAMP '2026-01-08'"
        if kind < 0.2:
            return [f"UPDATE events SET event = 'made' WHERE user_id = 'u{user}' AND {that_day}"]
        if kind < 0.4:
            return [f"DELETE FROM events WHERE user_id = 'u{user}' AND {that_day}"]
        if kind < 0.5:
            return ["UPDATE events SET time = NULL WHERE user_id = '17'"]
        return []


def check_nights(nights, numbers=range(5)) -> None:
    """Snapshots from what was kept, and cold ones."""
    for number in numbers:
        night = START + timedelta(days=7 * number)
        nights.happen(number, night)
        now = night + timedelta(hours=nights.chance.choice((0, 2, 2, 12, 26, 24 * 12, -24 * 8)))
        as_of = (night + timedelta(days=nights.chance.choice((0, 0, 1, -3)))).date()
        same(seen(nights.folder, now, as_of, cache=True), seen(nights.folder, now, as_of, cache=False))
    assert list((nights.folder / ".powerml" / "cache" / "weeks").glob("*/week*.parquet"))
    assert (nights.folder / ".powerml" / "cache" / "rollups.duckdb").exists()


def test_a_night_from_what_was_kept_equals_a_cold_one(tmp_path):
    check_nights(DatabaseNights(tmp_path, 6), range(3))


@pytest.mark.slow
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_kept_equals_cold_whatever_happens_to_the_rows(seed, tmp_path_factory):
    check_nights(DatabaseNights(tmp_path_factory.mktemp("nights"), seed))


def frame(folder, now, as_of, *, labels, ranged):
    project = load_project(folder / "powerml.yaml")
    until = until_when(project, [as_of], labels=labels) if ranged else None
    opened = open_project(project, now=now, until=until)
    opened.metrics = {name: opened.metrics[name] for name in METRICS}
    made = opened.build([as_of], labels=labels)
    (rows,) = opened.loaded.report.loc[opened.loaded.report["table"] == "events", "rows"]
    opened.inputs.engine.backend.con.close()
    return made.frame, dict(made.vocabulary_counts), rows


def check_ranges(nights, numbers=range(4)) -> int:
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
