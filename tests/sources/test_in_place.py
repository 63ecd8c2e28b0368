"""Parquet events stay in their files: the same rows as when read once, and scans that skip."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from powerml.sources import open_sources
from powerml.sources.in_place import Bounds
from tests.sources.conftest import NOW
from tests.sources.reading import bad, counts, rows

CLEAN = (
    "SELECT 'u' || i AS user_id, 'x' AS event, TIMESTAMP '2026-01-01' + to_hours(i::INT) AS time FROM range(100) t(i)"
)


def plan(loaded, sql: str) -> str:
    return "\n".join(row[1] for row in loaded.con.execute(f"EXPLAIN {sql}").fetchall())


def test_clean_events_are_a_bare_scan_whose_filters_reach_the_file(opened, parquet):
    parquet("e.parquet", CLEAN)
    loaded = opened(events="e.parquet")
    assert not loaded.con.execute("SELECT 1 FROM duckdb_tables()").fetchall(), "something was copied"
    seen = plan(loaded, "SELECT count(event) FROM events WHERE time >= TIMESTAMP '2026-01-03'")
    assert re.search(r"Filters:\s+│?\s*│?\s*time>=", seen)
    assert "FILTER " not in seen
    assert "user_id" not in seen


def test_a_row_in_the_future_adds_one_more_range_and_no_copy(opened, parquet):
    parquet("e.parquet", f"{CLEAN} UNION ALL SELECT 'u', 'x', TIMESTAMP '2027-01-01'")
    loaded = opened(events="e.parquet")
    assert counts(loaded, "events") == (101, 100, 1, 0)
    seen = plan(loaded, "SELECT count(event) FROM events WHERE time >= TIMESTAMP '2026-01-03'")
    assert "time<='2026-04-01" in re.sub(r"[\s│]", "", seen)


def test_local_times_are_moved_to_utc(opened, parquet):
    parquet("e.parquet", "SELECT 'ada' AS user_id, 'x' AS event, TIMESTAMP '2026-03-01 09:00' AS time")
    entry = {"files": "e.parquet", "timezone": "America/New_York"}
    assert rows(opened(events=entry), "events", "time") == [(datetime(2026, 3, 1, 14),)]


def test_the_future_begins_in_utc_not_on_the_local_clock(opened, parquet):
    """NOW is midnight UTC, 20:00 of the day before in New York."""
    minutes = "TIMESTAMP '2026-03-31 19:58' + to_minutes(i::INT) AS time FROM range(4) t(i)"
    parquet("e.parquet", f"SELECT 'ada' AS user_id, 'x' AS event, {minutes}")
    entry = {"files": "e.parquet", "timezone": "America/New_York", "max_bad_rows": 1}
    assert [row[1:4] for row in bad(opened(events=entry))] == [(4, "in the future", "time")]


@pytest.mark.parametrize(
    ("low", "never"), [("a", True), ("!", True), ("", False), (" a", False), ("\ta", False), (None, False)]
)
def test_statistics_prove_that_no_text_is_blank(low, never):
    assert Bounds(0, low, None).never_blank is never


TEXTS = st.sampled_from(["a", "b", " c", "c ", "", " ", None])
IDENTITIES = st.sampled_from(["a", "b", " c", "", " ", None])  # ids of events are taken as they end
TIMES = st.one_of(st.none(), st.integers(0, 3000).map(lambda h: datetime(2026, 1, 1) + timedelta(hours=h)))
ROWS = st.lists(
    st.tuples(TEXTS, TEXTS, TIMES, TEXTS, IDENTITIES, st.sampled_from(["1", "x", "", None])), min_size=1, max_size=12
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_the_same_rows_as_a_slow_reading(project, parquet, made):
    values = ", ".join(
        "("
        + ", ".join("NULL" if v is None else f"TIMESTAMP '{v}'" if isinstance(v, datetime) else f"'{v}'" for v in row)
        + ")"
        for row in made
    )
    texts = ", ".join(f"{c}::VARCHAR AS {c}" for c in ("user_id", "event", "session_id", "event_id", "value"))
    named = f"(VALUES {values}) t(user_id, event, time, session_id, event_id, value)"
    parquet("e.parquet", f"SELECT {texts}, time::TIMESTAMP AS time FROM {named}")

    # of copies of an event the one that happened first counts, of those at once the first in the file
    copies = [
        (identity.strip(), time, number)
        for number, (user, event, time, _, identity, value) in enumerate(made, start=1)
        if (identity or "").strip() and (user or "").strip() and (event or "").strip() and value != "x"
        if time is not None and time <= NOW.replace(tzinfo=None)
    ]
    good, broken = [], []
    for number, (user, event, time, session, identity, value) in enumerate(made, start=1):
        if not (user or "").strip():
            broken.append((number, "missing", "user_id"))
        elif not (event or "").strip():
            broken.append((number, "missing", "event"))
        elif time is None:
            broken.append((number, "missing", "time"))
        elif value == "x":
            broken.append((number, "not a number", "value"))
        elif time > NOW.replace(tzinfo=None):
            broken.append((number, "in the future", "time"))
        elif any(key == (identity or "").strip() and (at, n) < (time, number) for key, at, n in copies):
            continue
        else:
            visit = (session or "").strip() or None
            good.append((user.strip(), event.strip(), time, visit, 1.0 if value == "1" else None))
    tables = [{"files": "e.parquet"}, {"query": "FROM 'e.parquet'"}]
    for entry in tables:
        loaded = open_sources(project(events={**entry, "max_bad_rows": 1}), now=NOW)
        assert sorted(rows(loaded, "events", "user_id, event, time, session_id, value"), key=str) == sorted(
            good, key=str
        )
        assert [(row, rule, column) for _, row, rule, column, _ in bad(loaded)] == broken
        assert counts(loaded, "events") == (len(made), len(good), len(broken), len(made) - len(good) - len(broken))


def test_null_words_among_ids_of_events_are_no_repeats(opened, parquet):
    ids = "unnest(['e1', 'NULL', 'NULL', 'nan', 'nan', 'e1', 'e2']) AS event_id"
    parquet("e.parquet", f"SELECT 'u' AS user_id, 'x' AS event, TIMESTAMP '2026-01-01' AS time, {ids}")
    assert counts(opened(events="e.parquet"), "events") == (7, 6, 0, 1)
