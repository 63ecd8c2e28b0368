"""Counts of distinct things: bit masks for a few hundred values, a group-by for more, and both the same."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from powerml.snapshots import aggregations
from powerml.snapshots.aggregations import Atom, Cells, frozen
from tests.builders import snapshot, write_project

NAMES = 700
CUTOFFS = (date(2026, 3, 1), date(2026, 4, 1))
HOUSE = """
- {name: names_30, table: events, measure: distinct, of: event, window_days: 30, unit: names}
- {name: names_before, table: events, measure: distinct, of: event, window_days: [60, 30], unit: names}
- {name: names_ever, table: events, measure: distinct, of: event, unit: names}
- {name: even_30, table: events, where: {tier: core}, measure: distinct, of: feature, window_days: 30, unit: features}
- {name: visits_60, table: events, measure: distinct, of: session_id, window_days: 60, unit: sessions}
- {name: visits_ever, table: events, measure: distinct, of: session_id, unit: sessions}
"""
METRICS = ["names_30", "names_before", "names_ever", "even_30", "visits_60", "visits_ever"]


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, datetime, str]]:
    """Three users, 700 event names (half of them core), 600 sessions and many events without one."""
    draw = random.Random(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        (
            draw.choice(["ada", "ben", "cy"]),
            f"{draw.choice(['even', 'odd'])}:{draw.randrange(NAMES // 2)}",
            start + timedelta(minutes=draw.randrange(100 * 1440)),
            f"s{draw.randrange(600)}" if draw.random() < 0.5 else "",
        )
        for _ in range(2500)
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory, rows):
    text = "user_id,event,time,session_id\n" + "\n".join(f"{u},{e},{t:%Y-%m-%dT%H:%M:%SZ},{s}" for u, e, t, s in rows)
    return write_project(tmp_path_factory.mktemp("many"), text, metrics=HOUSE, vocabulary={"even:*": {"tier": "core"}})


def counted(rows, who: str, as_of: date) -> list[int]:
    """The six metrics in plain loops."""
    at = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)

    def distinct(position: int, older: int | None, newer: int = 0, core: bool = False) -> int:
        low = at - timedelta(days=older) if older else datetime.min.replace(tzinfo=UTC)
        return len({
            r[position] for r in rows
            if r[0] == who and low <= r[2] < at - timedelta(days=newer) and r[position]
            and (r[1].startswith("even") or not core)
        })  # fmt: skip

    return [distinct(1, 30), distinct(1, 60, 30), distinct(1, None), distinct(1, 30, core=True), distinct(3, 60),
            distinct(3, None)]  # fmt: skip


@pytest.mark.parametrize("masked", [False, True])
def test_distinct_counts_by_masks_and_by_groups_are_the_true_ones(path, rows, masked, monkeypatch):
    monkeypatch.setattr(aggregations, "MAX_WORDS", 100 if masked else 8)
    found = snapshot(path, *CUTOFFS, names=METRICS)
    wanted = [counted(rows, who, as_of) for as_of in CUTOFFS for who in ("ada", "ben", "cy")]
    assert found[METRICS].astype(int).to_numpy().tolist() == wanted


def test_values_used_for_the_first_time(tmp_path):
    text = """
    user_id, event, time
    ada, old,   2025-12-01T00:00:00Z
    ada, old,   2026-03-10T00:00:00Z
    ada, fresh, 2026-03-02T00:00:00Z
    ada, fresh, 2026-03-20T00:00:00Z
    ada, edge,  2026-03-01T23:59:59Z
    ada, edge,  2026-03-20T00:00:00Z
    ada, next,  2026-04-01T00:00:00Z
    """
    path = write_project(tmp_path, text)
    assert snapshot(path, names=["new_categories_30d"]).loc["ada", "new_categories_30d"] == 1


def test_a_cell_that_two_metrics_share_is_computed_once():
    cells = Cells()
    exports = Atom("count", frozen({"role": ("export", "share")}))
    again = Atom("count", frozen({"role": ("share", "export")}))
    assert cells.cell(exports, (30, 0)) == cells.cell(again, (30, 0))
    assert cells.cell(exports, (60, 30)) != cells.cell(exports, (30, 0))
    assert cells.cell(exports, None) not in {cells.cell(exports, (30, 0)), cells.cell(exports, (60, 30))}
    assert len(cells.atoms) == 1
    assert cells.session_cell("n", None) == cells.session_cell("n", None) != cells.session_cell("n", (28, 0))
