"""What `check` says of events: names, days, gaps, bots, short data."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from powerml.sources.inspect import inspect_events, suspicious_gaps


@pytest.fixture
def seen(opened, tmp_path):
    """Writes event lines (user, event, time) and inspects them."""

    def look(lines, timezone="UTC", top=20):
        pd.DataFrame(lines, columns=["user_id", "event", "time"]).to_csv(tmp_path / "e.csv", index=False)
        return inspect_events(opened(events="e.csv"), timezone=timezone, top=top)

    return look


def daily(counts: list[int], start: str = "2026-01-05") -> pd.DataFrame:
    return pd.DataFrame({"day": pd.date_range(start, periods=len(counts)), "events": counts})


def test_names_are_counted_most_frequent_first(seen):
    found = seen([("ada", "b", "2026-03-01"), ("ada", "a", "2026-03-02"), ("bo", "b", "2026-03-02")], top=1)
    assert found.names.to_numpy().tolist() == [["b", 2]]
    assert found.distinct_names == 2


def test_days_are_the_projects_own(seen):
    lines = [("ada", "a", "2026-03-01T04:59:00Z"), ("ada", "a", "2026-03-03T05:00:00Z")]
    found = seen(lines, timezone="America/New_York")
    assert (found.first, found.last, found.days) == (date(2026, 2, 28), date(2026, 3, 3), 4)
    assert found.per_day["events"].tolist() == [1, 0, 0, 1]
    assert found.per_day_stats == {"mean": 0.5, "median": 0.5, "lowest": 0.0, "highest": 1.0, "empty_days": 2.0}


@pytest.mark.parametrize(("days", "short"), [(29, True), (30, False)])
def test_fewer_than_thirty_days_is_a_finding(seen, days, short):
    found = seen([("ada", "a", str(day.date())) for day in pd.date_range("2026-02-01", periods=days)])
    assert found.findings == (
        (f"events span {days} days, fewer than 30: most windows are not full yet",) if short else ()
    )


def test_a_missing_week_is_suspicious():
    counts = [20] * 70
    counts[30:37] = [0] * 7
    gaps = suspicious_gaps(daily(counts))
    assert gaps.to_numpy().tolist() == [[pd.Timestamp("2026-02-04"), pd.Timestamp("2026-02-10"), 7, 140.0]]


@pytest.mark.parametrize(
    "counts",
    [
        [20, 30, 25, 20, 20, 0, 0] * 12,  # closed at weekends
        [1, 0, 0, 0, 0, 0, 0] * 30,  # one event a week
        [0 if i % 9 == 4 else 3 for i in range(90)],  # a few events, now and then none
        [50],
        [],
    ],
)
def test_weekends_and_sparse_data_are_not(counts):
    assert suspicious_gaps(daily(counts)).empty


def test_a_missing_monday_is_where_weekends_are_empty():
    counts = [40, 30, 25, 20, 20, 0, 0] * 12
    counts[42] = 0
    gaps = suspicious_gaps(daily(counts))
    assert gaps[["days", "expected"]].to_numpy().tolist() == [[3, 40.0]], "with the weekend before it"


def test_a_gap_reads_as_a_sentence(seen):
    days = [d for d in pd.date_range("2026-01-01", "2026-03-20") if not "2026-02-10" <= str(d.date()) <= "2026-02-12"]
    found = seen([(f"u{i}", "a", str(d.date())) for d in days for i in range(10)])
    assert found.findings == (
        "no event at all where some were to be expected: 2026-02-10 to 2026-02-12; is an export missing?",
    )


def test_a_bot_stands_out_and_an_eager_person_does_not(seen):
    seeded = np.random.default_rng(7)
    days = pd.date_range("2026-02-01", periods=31)
    lines = [(f"u{i}", "a", f"{day:%Y-%m-%d}") for i in range(40) for day in days for _ in range(seeded.poisson(4))]
    lines += [("eager", "a", f"{day:%Y-%m-%d}") for day in days for _ in range(60)]
    assert seen(lines).bots.empty
    lines += [("crawler", "a", f"{day:%Y-%m-%d}") for day in days[:3] for _ in range(5000)]
    found = seen(lines)
    assert found.bots[["user_id", "events", "days", "per_day"]].to_numpy().tolist() == [["crawler", 15000, 3, 5000.0]]
    (finding,) = found.findings
    assert finding.startswith(
        "user 'crawler' may be a bot: 5,000 events per day there; give its events the role 'ignore'"
    )


def test_somebody_there_round_the_clock_stands_out_however_few_the_events(seen):
    days = pd.date_range("2026-02-01", periods=31)
    lines = [
        (f"u{i}", "a", f"{day:%Y-%m-%d} {hour:02}:10:00") for i in range(9) for day in days for hour in range(9, 17)
    ]
    lines += [("all-nighter", "a", f"{day:%Y-%m-%d} {hour:02}:30:00") for day in days[:3] for hour in range(24)]
    lines += [("all-nighter", "a", f"{day:%Y-%m-%d} 12:30:00") for day in days[3:]]
    lines += [("launch day", "a", f"2026-02-0{day} {hour:02}:30:00") for day in (3, 4) for hour in range(24)]
    assert seen(lines).bots.empty
    lines += [("poller", "a", f"{day:%Y-%m-%d} {hour:02}:00:00") for day in days for hour in range(24) if hour % 6]
    found = seen(lines)
    assert found.bots.to_numpy().tolist() == [["poller", 20 * 31, 31, 20.0, "round the clock"]]
    assert found.findings[0].startswith(
        "user 'poller' may be a bot: 20 events per day in nearly every hour of the day;"
    )


def test_columns_say_what_is_there(opened, tmp_path):
    (tmp_path / "s.csv").write_text("user_id,time,nps,known_at\nada,2026-03-01,7,2026-03-02\n")
    found = inspect_events(opened(surveys="s.csv"), timezone="UTC").columns
    have = found[found["available"]].groupby("table")["column"].agg(list)
    assert have["events"] == ["user_id", "event", "time"]
    assert have["surveys"] == ["user_id", "time", "nps", "known_at"]
    assert found[~found["available"]]["column"].tolist() == [
        "account_id",
        "session_id",
        "event_id",
        "value",
        "properties",
    ]


def test_without_events_there_is_nothing_to_say(opened):
    found = inspect_events(opened(events="absent.csv", lenient=True), timezone="UTC")
    assert (found.days, found.findings, found.first) == (0, (), None)
