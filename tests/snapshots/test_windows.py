"""Local days as whole numbers, against Python's own time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.errors import UsageError
from powerml.snapshots.engine.duckdb import DuckDBEngine
from powerml.snapshots.windows import Calendar, Cutoffs, cutoff_dates, day_date, day_number, microseconds

# clocks that change at midnight, by half an hour, never, or skip a whole day
ZONES = ["UTC", "America/New_York", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "Asia/Beirut", "Atlantic/Azores"]  # fmt: skip
INSTANTS = st.datetimes(datetime(2008, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def local_date(zone: str, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


@pytest.fixture(scope="module")
def engine() -> DuckDBEngine:
    return DuckDBEngine(ibis.duckdb.connect())


@pytest.mark.parametrize("day", [date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(2026, 11, 21)])
def test_day_numbers_come_back(day):
    assert day_date(day_number(day)) == day
    assert day_number(day + timedelta(days=1)) == day_number(day) + 1


def test_microseconds_are_exact():
    assert microseconds(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == 1_000_001
    late = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert microseconds(late) % 1_000_000 == 999_999


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_instant_lies_in_the_local_day_that_the_calendar_shows(zone, instant):
    calendar = Calendar(zone)
    day = calendar.day_of(microseconds(instant))
    assert day_date(day) == local_date(zone, instant)
    assert calendar.midnight(day) <= microseconds(instant) < calendar.midnight(day + 1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/New_York", date(2026, 3, 9), 24),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # no midnight: the clock went from 0:00 to 1:00
        ("Pacific/Apia", date(2011, 12, 30), 0),  # no such day there
        ("UTC", date(2024, 2, 29), 24),
    ],
)
def test_days_are_as_long_as_the_clock_makes_them(zone, day, hours):
    calendar, number = Calendar(zone), day_number(day)
    assert calendar.midnight(number + 1) - calendar.midnight(number) == hours * 3_600_000_000


@pytest.mark.parametrize("zone", ZONES)
def test_the_engine_finds_the_same_days(engine, zone):
    changes = [datetime(2011, 12, 30, tzinfo=UTC), datetime(2018, 11, 4, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC),
               datetime(2026, 11, 1, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)]  # fmt: skip
    instants = [at + timedelta(minutes=30 * step, microseconds=by) for at in changes for step in range(-72, 73)
                for by in (-1, 0)]  # fmt: skip
    numbers = [microseconds(i) for i in instants]
    table = engine.bring(pd.DataFrame({"t": numbers}), "instants")
    day = Calendar(zone).day_expression(table.t, min(numbers), max(numbers))
    found = engine.frame(table.select("t", day=day))
    days = dict(zip(found["t"], found["day"], strict=True))
    assert [day_date(days[n]) for n in numbers] == [local_date(zone, i) for i in instants]


def test_cutoffs_stand_in_order_once():
    cutoffs = Cutoffs.of("America/New_York", [date(2026, 4, 1), date(2026, 3, 1), date(2026, 4, 1)])
    assert [day_date(d) for d in cutoffs.days] == [date(2026, 3, 1), date(2026, 4, 1)]
    frame = cutoffs.frame(back=(30, 14))
    assert list(frame.columns) == ["c", "day", "at", "back_14", "back_30"]
    midnights = pd.to_datetime(frame["at"], unit="us", utc=True).dt.tz_convert("America/New_York")
    assert [str(m) for m in midnights] == ["2026-03-01 00:00:00-05:00", "2026-04-01 00:00:00-04:00"]
    back = pd.to_datetime(frame["back_30"], unit="us", utc=True).dt.tz_convert("America/New_York")
    assert str(back.iloc[1]) == "2026-03-02 00:00:00-05:00"  # midnight to midnight, an hour short of 30 x 24 h


@settings(max_examples=50)
@given(
    st.lists(st.dates(date(2026, 1, 1), date(2026, 4, 1)), min_size=1, max_size=4),
    st.integers(0, 20),
    st.integers(1, 20),
    st.dates(date(2026, 1, 1), date(2026, 3, 1)),
    st.integers(0, 60),
)
def test_a_day_is_placed_on_each_cutoff_whose_window_holds_it(dates, newer, more, low, days):
    cutoffs, older = Cutoffs.of("UTC", dates), newer + more
    first, last = day_number(low), day_number(low) + days
    placed = cutoffs.placement(older, newer, first, last)
    wanted = {
        (day, c, cutoff - day)
        for c, cutoff in enumerate(cutoffs.days)
        for day in range(first, last + 1)
        if cutoff - older <= day < cutoff - newer
    }
    assert len(placed) == len(wanted)
    assert set(placed.itertuples(index=False, name=None)) == wanted


def test_a_window_may_reach_past_the_cutoff():
    cutoffs = Cutoffs.of("UTC", [date(2026, 1, 10)])
    ages = cutoffs.placement(2, -3, day_number(date(2026, 1, 1)), day_number(date(2026, 1, 31)))["age"]
    assert sorted(ages) == [-2, -1, 0, 1, 2]


def test_periods_name_the_first_cutoff_that_knows_a_day():
    cutoffs = Cutoffs.of("UTC", [date(2026, 1, 3), date(2026, 1, 5)])
    periods = cutoffs.periods(day_number(date(2026, 1, 1)), day_number(date(2026, 1, 9)))
    found = {day_date(day).day: p for day, p in periods.itertuples(index=False)}
    assert found == {1: 0, 2: 0, 3: 1, 4: 1}  # the day of a cutoff is after it


@pytest.mark.parametrize(
    ("every", "dates"),
    [
        ("day", ["2026-01-01", "2026-01-02", "2026-01-03"]),
        ("week", ["2026-01-05"]),
        ("month", ["2026-01-01"]),
        ("quarter", ["2026-01-01"]),
    ],
)
def test_regular_cutoffs_include_both_ends(every, dates):
    last = date(2026, 1, 3) if every == "day" else date(2026, 1, 11)
    assert [str(d) for d in cutoff_dates(every, date(2026, 1, 1), last)] == dates


def test_no_cutoff_where_none_falls():
    assert cutoff_dates("quarter", date(2026, 1, 2), date(2026, 3, 31)) == []


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31), date(2200, 1, 1), date(9999, 12, 31)])
def test_a_cutoff_that_no_calendar_needs_is_refused(day):
    with pytest.raises(UsageError, match=rf"{day} is no cutoff: it does not lie from 1900-01-01 to 2199-12-31"):
        Cutoffs.of("UTC", [date(2026, 1, 1), day])
