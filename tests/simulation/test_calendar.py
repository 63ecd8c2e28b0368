"""The calendar: month edges, working time, lost days."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from powerml.simulation.calendar import DAY, calendar


def test_edges_are_the_first_midnights_of_months():
    days = calendar(date(2024, 11, 1), 3, burn_in=2, seed=1)
    assert pd.to_datetime(days.begin, unit="s") == pd.Timestamp("2024-11-01")
    assert pd.to_datetime(days.end, unit="s") == pd.Timestamp("2025-02-01")
    assert [str(d.date()) for d in pd.to_datetime(days.cutoffs, unit="s")] == ["2024-12-01", "2025-01-01"]


def test_people_work_on_weekdays_by_day():
    days = calendar(date(2024, 1, 1), 2, burn_in=0, seed=1)
    n = 20_000
    spread = np.random.default_rng(0).random(n)
    at = pd.to_datetime(days.instants(np.full(n, days.begin), np.full(n, days.end), spread), unit="s")
    assert at.min() >= pd.Timestamp("2024-01-01")
    assert at.max() < pd.Timestamp("2024-03-01")
    per_weekday = pd.Series(at.day_of_week).value_counts()
    assert per_weekday[[5, 6]].max() < 0.35 * per_weekday[[0, 1, 2, 3, 4]].min()
    assert ((at.hour >= 7) & (at.hour < 19)).mean() > 0.8


def test_lost_days_depend_on_the_seed_alone():
    one, two, other = (calendar(date(2024, 1, 1), 24, burn, seed=s).lost_days for burn, s in ((0, 1), (5, 1), (0, 2)))
    assert (one == two).all()
    assert not np.array_equal(one, other)
    assert (one % DAY == 0).all()
