"""Rows on cutoffs: what arithmetic gives for one cutoff is what the joins give for several."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest

from powerml.snapshots import placing
from powerml.snapshots.engine.duckdb import DuckDBEngine
from powerml.snapshots.windows import Calendar, Cutoffs

LOW, HIGH = 100, 140
ROLLUPS = SimpleNamespace(first_day=LOW, last_day=HIGH)


@pytest.fixture
def engine() -> DuckDBEngine:
    return DuckDBEngine.on(duckdb.connect())


@pytest.fixture
def rows(engine):
    return engine.bring(pd.DataFrame({"day": range(LOW, HIGH + 1)}).astype("int32"), "rows")


def cutoffs(*days: int) -> Cutoffs:
    return Cutoffs(Calendar("Europe/Berlin"), days)


def both_ways(engine, day: int, place) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows placed on one cutoff alone, and those of the first of two cutoffs."""
    alone, among = (engine.frame(place(cutoffs(*days))) for days in ((day,), (day, HIGH + 50)))
    among = among[among["c" if "c" in among else "p"] == 0].reset_index(drop=True)
    columns = sorted(among.columns)
    return tuple(frame[columns].sort_values("day", ignore_index=True).astype("int64") for frame in (alone, among))


@pytest.mark.parametrize("day", [LOW, LOW + 5, HIGH - 3, HIGH + 1, HIGH + 20])
@pytest.mark.parametrize("window", [(7, 0), (30, 0), (20, 7)])
def test_a_window_of_one_cutoff_holds_the_same_days(engine, rows, day, window):
    alone, among = both_ways(engine, day, lambda c: placing.in_window(engine, rows, c, ROLLUPS, window))
    pd.testing.assert_frame_equal(alone, among)
    assert alone["age"].between(window[1] + 1, window[0]).all()


@pytest.mark.parametrize("day", [LOW + 5, HIGH + 1])
def test_days_before_one_cutoff_are_those_it_knows_first(engine, rows, day):
    alone, among = both_ways(engine, day, lambda c: placing.in_period(engine, rows, c, ROLLUPS))
    pd.testing.assert_frame_equal(alone, among)
    assert alone["day"].max() == min(day - 1, HIGH)


def test_numbers_of_cutoffs_stand_beside_their_rows_and_every_row_on_each(engine, rows):
    for days in ((120,), (120, 130)):
        frame = cutoffs(*days).frame(back=(7,))
        each = placing.on_each(engine, rows, frame[["c", "at"]])
        found = engine.frame(placing.beside(engine, each, frame[["c", "back_7"]]))
        assert len(found) == (HIGH - LOW + 1) * len(days)
        told = found.groupby("c")[["at", "back_7"]].agg(["min", "max"])
        for c in frame["c"]:
            for name in ("at", "back_7"):
                assert told.loc[c, name].tolist() == [frame.loc[c, name]] * 2


def test_a_row_stands_on_each_cutoff_from_its_first_on(engine, rows):
    for days, copies in (((120,), 1), ((120, 130), 2)):
        chosen = cutoffs(*days)
        placed = placing.from_first_on(engine, chosen, placing.in_period(engine, rows, chosen, ROLLUPS), "p")
        found = engine.frame(placed)
        assert (found["c"] >= found["p"]).all()
        assert (found.loc[found["p"] == 0].groupby("day").size() == copies).all()
