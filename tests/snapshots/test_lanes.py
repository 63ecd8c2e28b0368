"""Counts added up several in one number: what is taken out is what was put in, and too many are counted one by one."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.snapshots import aggregations, derived
from powerml.snapshots.lanes import LANE, LANES, lane_count, lane_unit
from tests.builders import snapshot, write_project

HOUSE = """
- {name: exports, table: events, measure: count, where: {role: export}, window_days: 30, unit: events}
- {name: reports, table: events, measure: count, where: {role: report}, window_days: 30, unit: events}
- {name: shares, table: events, measure: count, where: {role: share}, window_days: 30, unit: events}
- {name: invites, table: events, measure: count, where: {role: invite}, window_days: 30, unit: events}
- {name: export_days, table: events, measure: days, where: {role: export}, window_days: 30, unit: days}
"""
NAMES = ["exports", "reports", "shares", "invites", "export_days"]
VOCABULARY = {name: {"roles": [name]} for name in ("export", "report", "share", "invite")}


@settings(deadline=None)
@given(st.lists(st.integers(0, LANE - 1), min_size=LANES, max_size=LANES))
def test_each_count_comes_out_as_it_went_in(counts):
    together = sum(count * lane_unit(lane) for lane, count in enumerate(counts))
    number = ibis.literal(together, "float64")
    queries = [str(ibis.to_sql(lane_count(number, lane), dialect="duckdb")) for lane in range(LANES)]
    assert [duckdb.sql(query).fetchall() for query in queries] == [[(count,)] for count in counts]


def test_somebody_with_more_events_on_a_day_than_a_lane_holds(tmp_path, monkeypatch):
    names = ["export"] * LANE + ["report"] * 2 + ["share"]
    rows = [f"bot,{name},2026-03-20T10:00:00Z" for name in names]
    rows += [
        f"ada,{name},2026-03-2{day}T10:00:00Z" for day in (1, 2) for name in ("export", "share", "share", "invite")
    ]
    path = write_project(tmp_path, "user_id,event,time\n" + "\n".join(rows), metrics=HOUSE, vocabulary=VOCABULARY)
    made = []
    table = derived.atom_table
    monkeypatch.setattr(
        derived, "atom_table", lambda *a, together, **k: made.append(together) or table(*a, together=together, **k)
    )
    found = snapshot(path, names=NAMES)
    assert found.loc["bot", NAMES].tolist() == [LANE, 2, 1, 0, 1]
    assert found.loc["ada", NAMES].tolist() == [2, 0, 4, 2, 2]
    assert made == [True, False]


def test_nobody_with_so_many_are_counted_together(tmp_path):
    rows = [f"ada,{name},2026-03-21T10:00:00Z" for name in ("export", "share", "share", "invite")]
    path = write_project(tmp_path, "user_id,event,time\n" + "\n".join(rows), metrics=HOUSE, vocabulary=VOCABULARY)
    assert snapshot(path, names=NAMES).loc["ada", NAMES].tolist() == [1, 0, 2, 1, 1]


EVER = """
- {name: exports, table: events, measure: count, where: {role: export}, unit: events}
- {name: reports, table: events, measure: count, where: {role: report}, unit: events}
- {name: shares, table: events, measure: count, where: {role: share}, unit: events}
- {name: invites, table: events, measure: count, where: {role: invite}, unit: events}
- {name: export_days, table: events, measure: days, where: {role: export}, unit: days}
- {name: new_kinds, table: events, measure: new_distinct, of: event, window_days: 30, unit: names}
- {name: kinds, table: events, measure: distinct, of: event, window_days: 30, unit: names}
"""
CUTOFFS = (date(2026, 3, 1), date(2026, 4, 1), date(2026, 6, 1))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ada", "bo", "cy"]), st.sampled_from(list(VOCABULARY)), st.integers(0, 140)),
        min_size=1, max_size=40,
    ),
    st.sampled_from([1, 1000]),
)  # fmt: skip
def test_counts_since_ever_are_those_of_each_cutoff_alone(events, many):
    first = date(2026, 1, 10)
    rows = [f"{who},{what},{first + timedelta(days=n)}T10:00:00Z" for who, what, n in events]
    rows += ["ada,export,2026-01-10T09:00:00Z"] * many  # of so many on a day, not all of 150 days fit into a lane
    used = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = write_project(
            Path(folder), "user_id,event,time\n" + "\n".join(rows), metrics=EVER, vocabulary=VOCABULARY
        )
        names = [*NAMES, "new_kinds", "kinds"]
        alone = [snapshot(path, day, names=names)[names] for day in CUTOFFS]
        held = aggregations.row_lanes
        patch.setattr(aggregations, "row_lanes", lambda counts: used.append(counts) or held(counts))
        together = snapshot(path, *CUTOFFS, names=names)[names]
    for day, frame in zip(CUTOFFS, alone, strict=True):
        pd.testing.assert_frame_equal(together.loc[pd.Timestamp(day)], frame, check_names=False)
    if many == 1:
        assert used
    elif max(n for *_, n in events) >= LANE // many:
        assert not used
