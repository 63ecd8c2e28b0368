"""Counts added up several in one number: what is taken out is what was put in, and too many are counted one by one."""

from __future__ import annotations

import duckdb
import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.snapshots import derived
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
