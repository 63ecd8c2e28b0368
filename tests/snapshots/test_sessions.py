"""Sessions: given by their id or chained by a gap, cut where the cutoff is, placed where they start."""

from __future__ import annotations

from datetime import date

import pytest

from tests.builders import AS_OF, snapshot, write_project

HOUSE = """
- {name: sessions, table: sessions, measure: count, window_days: 30, unit: sessions}
- {name: minutes, table: sessions, measure: sum, of: minutes, window_days: 30, unit: minutes}
- {name: mean_minutes, table: sessions, measure: mean, of: minutes, window_days: 30, unit: minutes}
- {name: sessions_ever, table: sessions, measure: count, unit: sessions}
- {name: yesterday, table: sessions, measure: count, window_days: 1, unit: sessions}
- {name: minutes_before, table: sessions, measure: sum, of: minutes, window_days: [2, 1], unit: minutes}
"""
NAMES = ["sessions", "minutes", "mean_minutes", "sessions_ever", "yesterday", "minutes_before"]
HEADER = "user_id, event, time, session_id\n"


def ada(folder, *times: str, as_of: date = AS_OF, **settings):
    """Sessions of ada, her events at `times` (each maybe with an event name and a session id)."""
    rows = []
    for text in times:
        time, event, session = (*text.split(), "", "")[:3]
        rows.append(f"ada, {event or 'click'}, {time}Z, {session}")
    path = write_project(
        folder, HEADER + "\n".join(rows), metrics=HOUSE, vocabulary={"beat": {"roles": ["ignore"]}}, **settings
    )
    return snapshot(path, as_of, names=NAMES).loc["ada"]


def test_more_than_the_gap_starts_a_new_one_and_exactly_the_gap_does_not(tmp_path):
    found = ada(
        tmp_path, "2026-03-10T10:00:00", "2026-03-10T10:30:00", "2026-03-10T11:00:00", "2026-03-10T11:30:00.000001"
    )
    assert (found.sessions, found.minutes, found.mean_minutes) == (2, 60, 30)


def test_the_gap_can_be_set(tmp_path):
    found = ada(tmp_path, "2026-03-10T10:00:00", "2026-03-10T10:20:00", session_gap_minutes=15)
    assert (found.sessions, found.minutes) == (2, 0)


def test_a_given_session_is_one_however_long_it_pauses(tmp_path):
    found = ada(
        tmp_path, "2026-03-10T10:00:00 click s1", "2026-03-12T10:00:00 click s1", "2026-03-12T10:10:00 click s2"
    )
    assert (found.sessions, found.minutes) == (2, 2 * 24 * 60)


def test_events_without_an_id_are_chained_among_themselves(tmp_path):
    """The event of s1 between them does not bridge 10:00 and 10:40."""
    found = ada(tmp_path, "2026-03-10T10:00:00", "2026-03-10T10:20:00 click s1", "2026-03-10T10:40:00")
    assert (found.sessions, found.minutes) == (3, 0)


def test_ignored_events_neither_open_nor_extend_nor_bridge(tmp_path):
    found = ada(
        tmp_path, "2026-03-10T10:00:00", "2026-03-10T10:20:00 beat", "2026-03-10T10:40:00", "2026-03-12T10:00:00 beat"
    )
    assert (found.sessions, found.minutes) == (2, 0)


def test_one_that_crosses_the_cutoff_is_as_long_as_it_was_known_to_be(tmp_path):
    times = ["2026-03-31T23:50:00", "2026-03-31T23:58:00", "2026-04-01T00:10:00", "2026-04-01T00:30:00"]
    found = ada(tmp_path, *times)
    assert (found.sessions, found.minutes, found.yesterday) == (1, 8, 1)
    later = ada(tmp_path, *times, as_of=date(2026, 4, 2))
    assert (later.sessions, later.minutes) == (1, 40)
    assert (later.yesterday, later.minutes_before) == (0, 40)  # it belongs to the day on which it started


def test_a_given_one_that_crosses_the_cutoff_too(tmp_path):
    times = ["2026-03-31T10:00:00 click s", "2026-03-31T12:00:00 click s", "2026-04-02T10:00:00 click s"]
    assert ada(tmp_path, *times).minutes == 120
    assert ada(tmp_path, *times, as_of=date(2026, 4, 2)).minutes == 120
    assert ada(tmp_path, *times, as_of=date(2026, 4, 3)).minutes == 48 * 60


def test_one_that_started_before_the_window_is_not_in_it(tmp_path):
    """30 days before April 1 is March 2."""
    found = ada(tmp_path, "2026-03-01T23:59:00", "2026-03-02T00:05:00", "2026-03-02T09:00:00")
    assert (found.sessions, found.minutes, found.sessions_ever) == (1, 0, 2)


def test_several_cutoffs_at_once_cut_each_its_own(tmp_path):
    rows = "ada, click, 2026-03-31T23:50:00Z, \nada, click, 2026-04-01T00:10:00Z, "
    path = write_project(tmp_path, HEADER + rows, metrics=HOUSE)
    found = snapshot(path, date(2026, 4, 1), date(2026, 4, 2), names=["minutes", "sessions"])
    assert found["minutes"].tolist() == [0, 20]
    assert found["sessions"].tolist() == [1, 1]


def test_an_accounts_sessions_are_those_of_its_users_side_by_side(tmp_path):
    rows = """
    user_id, account_id, event, time
    ada, acme, click, 2026-03-10T10:00:00Z
    ben, acme, click, 2026-03-10T10:05:00Z
    ada, acme, click, 2026-03-10T10:10:00Z
    ben, acme, click, 2026-03-10T10:25:00Z
    """
    path = write_project(tmp_path, rows, metrics=HOUSE, entity="account")
    found = snapshot(path, names=NAMES).loc["acme"]
    assert (found.sessions, found.minutes) == (2, 30)


@pytest.mark.parametrize(("declared", "logins"), [(False, 2), (True, 1)])
def test_without_a_login_event_the_first_of_each_session_stands_for_one(tmp_path, declared, logins):
    rows = """
    user_id, event, time
    ada, click, 2026-03-10T10:00:00Z
    ada, click, 2026-03-10T10:10:00Z
    ada, click, 2026-03-30T00:00:00Z
    ada, click, 2026-03-30T00:10:00Z
    ada, signed_in, 2026-03-30T00:20:00Z
    """
    words = {"signed_in": {"roles": ["login"]}} if declared else {}
    path = write_project(tmp_path, rows, vocabulary=words)
    found = snapshot(path, names=["logins_30d", "days_since_last_login"]).loc["ada"]
    assert found.logins_30d == logins
    assert found.days_since_last_login == pytest.approx(2 - (20 / 1440 if declared else 0))


def test_a_declared_login_that_never_occurs_is_no_reason_to_fall_back(tmp_path):
    path = write_project(
        tmp_path, "user_id, event, time\nada, click, 2026-03-10T10:00:00Z", vocabulary={"in": {"roles": ["login"]}}
    )
    found = snapshot(path, names=["logins_30d", "days_since_last_login"])
    assert found.loc["ada", "logins_30d"] == 0
    assert found["days_since_last_login"].isna().all()
