"""A night from the cache rolls up what changed, and what the declarations say now: the snapshot is a cold run's."""

from __future__ import annotations

import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.snapshots import rollup
from powerml.snapshots.cache import rollups as cache
from powerml.workflows.project import open_project
from tests.snapshots.cache.test_history import day, months, visits


@pytest.fixture
def spec(tmp_path):
    files = {"a": visits("ada", range(20)), "b": visits("bo", range(20, 30)), "c": visits("cy", [31, 33])}
    return months(tmp_path, files)


def night(spec, number=40):
    """The snapshot by way of the cache, held against one without it; gives the days the cache knows."""
    opened = open_project(spec, cache=True)
    at = [pd.Timestamp(day(number)).date()]
    warm = opened.build(at).frame
    days = opened.rollups.store.get("days")
    opened.inputs.engine.backend.con.close()
    cold = open_project(spec, cache=False).build(at).frame
    pd.testing.assert_frame_equal(warm, cold, rtol=1e-12)
    return [last - 20454 for last in days], warm.set_index("user_id")


@pytest.fixture
def rolled(monkeypatch):
    """How often events were rolled up anew."""
    times = []
    real = rollup.slim_events
    monkeypatch.setattr(rollup, "slim_events", lambda *given: times.append(1) or real(*given))
    return times


def test_the_same_files_are_not_rolled_up_again(spec, rolled):
    night(spec)
    at_first = len(rolled)
    opened = open_project(spec, cache=True)
    assert opened.build([pd.Timestamp(day(41)).date()]).frame["user_id"].tolist() == ["ada", "bo", "cy"]
    opened.inputs.engine.backend.con.close()
    assert len(rolled) == at_first


def test_a_file_taken_away_takes_its_days_along(spec):
    days, frame = night(spec)
    assert days == [0, 33]
    assert list(frame.index) == ["ada", "bo", "cy"]
    (spec.base / "events" / "c.parquet").unlink()
    days, frame = night(spec)
    assert days == [0, 29]
    assert list(frame.index) == ["ada", "bo"]


def test_a_file_that_changed_is_read_again(spec):
    _days, before = night(spec)
    months(spec.base, {"b": visits("bo", range(20, 25))})
    _days, after = night(spec)
    assert after.loc["bo", "days_since_last_active"] == before.loc["bo", "days_since_last_active"] + 5
    assert after.loc["ada"].equals(before.loc["ada"])


def test_another_vocabulary_starts_afresh(spec):
    _days, before = night(spec)
    assert before["key_actions_30d"].sum() == 0
    text = (spec.base / "powerml.yaml").read_text()
    (spec.base / "powerml.yaml").write_text(text.replace("{}\n", "{seen: {roles: [key_action]}}\n"))
    _days, after = night(load_project(spec.base / "powerml.yaml"))
    assert after.loc["bo", "key_actions_30d"] == 30  # 3 visits on each of 10 days


def test_another_timezone_moves_the_days(spec):
    night(spec)
    path = spec.base / "powerml.yaml"
    path.write_text(path.read_text() + "timezone: Pacific/Auckland\n")
    days, _frame = night(load_project(path))
    assert days == [0, 34]  # the last visit, 16:00 + 9 h in UTC, is a day later there


@pytest.mark.slow
def test_repeats_of_a_night_leave_the_days_before_as_they_are(tmp_path, monkeypatch):
    """Which copy of an event counts is a matter of the files in which its copies stand."""
    files = {name: [(f"u{name}", day(number), f"{name}{number}")] * 2 for name, number in (("a", 2), ("b", 12))}

    def write(name, rows):
        frame = pd.DataFrame(rows, columns=["user_id", "time", "event_id"]).assign(event="seen")
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
        frame.to_parquet(tmp_path / "events" / f"{name}.parquet", index=False)

    (tmp_path / "events").mkdir()
    for name, rows in files.items():
        write(name, rows)
    (tmp_path / "powerml.yaml").write_text("project: x\ntables: {events: {files: events}}\nvocabulary: {}\n")
    spec = load_project(tmp_path / "powerml.yaml")
    spans, real = [], cache._Update.days
    monkeypatch.setattr(
        cache._Update, "days", lambda self, changed, first: spans.append(changed) or real(self, changed, first=first)
    )
    night(spec)
    write("c", [("uc", day(33), "c33")] * 3)
    night(spec)
    write("d", [("ud", day(34), "b12")])  # the copy of b stands before it
    night(spec)
    write("e", [("ue", day(1), "a2")])  # and this one before the copies of a
    _days, frame = night(spec)
    assert frame.index.tolist() == ["ub", "uc", "ue"]
    assert [len(changed) for changed in spans] == [2, 1, 1, 3]
