import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.statistics.survival import kaplan_meier, median_time

people = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8), st.booleans()), min_size=1, max_size=15)


def test_a_textbook_curve():
    """6-MP arm of Freireich et al. (1963), as in Kalbfleisch & Prentice: 21 patients, 9 relapses; S(10) = 0.753."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapse = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    curve = kaplan_meier(weeks, np.array(relapse, dtype=bool)).set_index("time")
    assert curve["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve["survival"].round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert median_time(curve.reset_index())[0] == 23


def test_the_censored_raise_the_median():
    """Without the two still waiting the median would be 20."""
    assert median_time(kaplan_meier([10, 20, 30, 40, 40], [True, True, True, False, False]))[0] == 30
    assert median_time(kaplan_meier([10, 20, 30], [True, True, True]))[0] == 20


def test_a_median_not_reached_is_null():
    assert np.isnan(median_time(kaplan_meier([10, 40, 40, 40], [True, False, False, False]))[0])


def test_late_comers_are_at_risk_only_from_then_on():
    """At 10 one of two (the third entered at 20): 1/2; at 30 one of the two then there."""
    curve = kaplan_meier([10, 30, 40], [True, True, False], entered=[0, 0, 20])
    assert curve["at_risk"].tolist() == [2, 2]
    assert curve["survival"].tolist() == [0.5, 0.25]


def test_an_event_before_the_entry_is_refused():
    with pytest.raises(ValueError, match="before the entry"):
        kaplan_meier([10], [True], entered=[20])


@given(people)
def test_the_curve_against_a_loop(rows):
    start = [s for s, _, _ in rows]
    time = [s + d for s, d, _ in rows]
    happened = [h for _, _, h in rows]
    curve = kaplan_meier(time, happened, entered=start)
    survival = 1.0
    for row in curve.itertuples():
        at_risk = sum((s < row.time) and (t >= row.time) for s, t in zip(start, time, strict=True))
        events = sum(h and t == row.time for t, h in zip(time, happened, strict=True))
        survival *= 1 - events / at_risk
        assert (row.at_risk, row.events) == (at_risk, events)
        assert row.survival == pytest.approx(survival)
        assert row.low <= row.survival + 1e-12
        assert np.isnan(row.high) or row.high >= row.survival - 1e-12


@given(st.lists(st.integers(1, 20), min_size=1, max_size=20))
def test_without_censoring_it_is_the_share_still_waiting(times):
    curve = kaplan_meier(times, [True] * len(times))
    for row in curve.itertuples():
        assert row.survival == pytest.approx(np.mean(np.array(times) > row.time))
