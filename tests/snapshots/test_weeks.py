"""Week blocks counted back from the cutoff: the share of active ones, the streak of busy ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.builders import AS_OF, snapshot, write_project

NAMES = ["active_week_ratio", "active_week_streak"]


# who: days before AS_OF on which three sessions began, the share of active weeks, the streak of busy ones
CASES = {
    "new": ([1], 1, 1),  # only block 0, which holds creation
    "edge": ([7], 1, 1),  # still block 0
    "quiet": ([8], 1 / 2, 0),  # block 1, and nothing since
    "both": ([8, 7], 1, 2),
    "gap": ([21, 15, 1], 2 / 3, 1),  # blocks 2, 2 and 0
    "back": ([28, 1, 2, 3], 1 / 2, 1),  # blocks 3 and 0
    "steady": ([1, 8, 15], 1, 3),
    "firsts": ([7, 14, 21], 1, 3),  # the first day of each block
    "lasts": ([1, 8, 15, 22], 1, 4),
    "known": ([1], 1 / 10, 1),  # created 70 days ago
}
# who: days on which two sessions began, the streak
TWICE = {"twice": ([1, 8], 0), "four": ([1, 2], 1), "mixed": ([1, 2, 8, 15, 16], 1)}


def times(days_ago: list[int], sessions: int) -> list[str]:
    at = datetime(2026, 4, 1, tzinfo=UTC)
    return [
        f"{at - timedelta(days=d) + timedelta(hours=h):%Y-%m-%dT%H:%M:%SZ}" for d in days_ago for h in range(sessions)
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    rows = [f"{who},click,{t}" for who, (days, *_) in CASES.items() for t in times(days, 3)]
    rows += [f"{who},click,{t}" for who, (days, _) in TWICE.items() for t in times(days, 2)]
    tables = {"users": "user_id,created_at\nknown,2026-01-21T00:00:00Z"}
    path = write_project(tmp_path_factory.mktemp("weeks"), "user_id,event,time\n" + "\n".join(rows), tables=tables)
    return snapshot(path, AS_OF, names=NAMES)


@pytest.mark.parametrize("who", CASES)
def test_the_share_of_weeks_with_an_event_since_creation(found, who):
    assert found.loc[who, "active_week_ratio"] == pytest.approx(CASES[who][1])


@pytest.mark.parametrize("who", CASES)
def test_a_streak_goes_back_from_the_latest_week(found, who):
    assert found.loc[who, "active_week_streak"] == CASES[who][2]


@pytest.mark.parametrize("who", TWICE)
def test_a_streak_takes_three_sessions_a_week(found, who):
    assert found.loc[who, "active_week_streak"] == TWICE[who][1]


def test_cutoffs_on_different_weekdays_cut_their_own_weeks(tmp_path):
    text = "user_id,event,time\n" + "\n".join(f"ada,click,{t}" for t in times([14, 7, 1], 3))
    cutoffs = [date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 6), date(2026, 4, 20)]
    found = snapshot(write_project(tmp_path, text), *cutoffs, names=NAMES)
    # events on March 18, 25 and 31; blocks end on March 31, April 1, 5 and 19
    assert found["active_week_streak"].tolist() == [2, 3, 3, 0]
    assert found["active_week_ratio"].tolist() == pytest.approx([1, 1, 1, 3 / 5])
