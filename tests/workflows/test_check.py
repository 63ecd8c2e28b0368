"""`check` reads everything, stops at nothing, and says what to look at."""

from __future__ import annotations

from datetime import date

import pytest

from powerml.config.project import load_project
from powerml.workflows.check import CheckResult, check, findings_at
from powerml.workflows.project import open_project
from tests.builders import NOW, csv, write_project

DAYS = [f"2026-0{month}-{day:02}" for month in (1, 2, 3, 4, 5) for day in range(1, 29)]
ROWS = [f"u{n},click,{day}T12:00:00Z,e-{n}-{day}" for day in DAYS for n in range(4)]
EVENTS = "user_id,event,time,event_id\n" + "\n".join(ROWS)


def checked(folder, events: str = EVENTS, **settings) -> CheckResult:
    settings.setdefault("vocabulary", {"click": {}})
    return check(load_project(write_project(folder, events, **settings)), now=NOW)


def test_a_clean_project_has_no_findings(tmp_path):
    seen = checked(tmp_path)
    assert seen.findings == ()
    assert seen.loads.to_dict("records") == [
        {"table": "events", "rows": 560, "loaded": 560, "quarantined": 0, "ignored": 0, "duplicates": 0}
    ]
    assert (str(seen.inspection.first), str(seen.inspection.last)) == ("2026-01-01", "2026-05-28")
    assert len(seen.coverage) == 60
    assert [str(day.date()) for day in seen.labels["as_of"]] == [f"2026-0{month}-01" for month in (2, 3, 4, 5)]
    assert seen.labels["expand"].tolist() == [4, 0, 0, 0]  # three months beside one
    assert seen.labels["immature"].tolist() == [0, 4, 4, 4]


def test_every_row_is_accounted_for(tmp_path):
    events = EVENTS + "\n" + "\n".join([ROWS[0], ROWS[0], "u1,click,yesterday,x1", ",click,2026-03-01T00:00:00Z,x2"])
    seen = checked(tmp_path, events)
    (row,) = seen.loads.to_dict("records")
    assert (row["rows"], row["loaded"], row["quarantined"], row["ignored"]) == (564, 560, 2, 2)
    assert {(r.rule, r.column, r.rows) for r in seen.rules.itertuples()} == {
        ("missing", "user_id", 1), ("not a time", "time", 1),
    }  # fmt: skip
    assert "events: 2 of 564 rows set aside" in seen.findings
    assert "events: 2 exact repeats of an event_id, counted once" in seen.findings
    assert (tmp_path / ".powerml" / "quarantine").is_dir()


@pytest.mark.parametrize(
    ("users", "finding"),
    [
        (None, "users.csv: no such file"),
        ("", "users.csv: is empty (0 bytes)"),
        ("who,when\nada,2026-01-01\n", "users.csv: no column 'user_id'"),
        ("user_id,created_at\nada,once\n", "users.csv: row 1: column 'created_at': 'once' is not a time"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_finding_and_the_rest_is_read(tmp_path, users, finding):
    path = write_project(tmp_path, EVENTS, vocabulary={"click": {}}, tables={"users": "user_id\nada"})
    (tmp_path / "users.csv").unlink()
    if users is not None:
        (tmp_path / "users.csv").write_text(users)
    seen = check(load_project(path), now=NOW)
    assert seen.findings[0].startswith(finding)
    assert seen.loads.set_index("table").loc["events", "loaded"] == 560
    assert len(seen.labels) == 4


def test_without_events_there_is_still_an_answer(tmp_path):
    seen = checked(tmp_path, "user_id,event,time\n")
    assert any("has no rows" in finding for finding in seen.findings)
    assert len(seen.coverage) == 0


def test_a_plan_that_is_not_declared_is_a_finding(tmp_path):
    seen = checked(tmp_path, tables={"subscriptions": csv("account_id, start, plan\nacme, 2026-01-01, gold")})
    assert any("'gold'" in finding for finding in seen.findings)


def test_what_else_it_looks_at(tmp_path):
    few = "user_id,evnt,event,time\n" + "\n".join(f"u1,,odd{n},2026-03-{n:02}T12:00:00Z" for n in range(2, 9))
    findings = checked(tmp_path, few).findings
    assert any("events span 7 days, fewer than 30" in finding for finding in findings)
    assert any(
        f.startswith("7 event names that the vocabulary does not name, counted as activity: odd2") for f in findings
    )
    assert any("less than one period of data" in finding for finding in findings)
    assert "events: the source column 'evnt' is not mapped; map it if it is meant" in findings


def test_no_ripe_label_is_a_finding(tmp_path):
    rows = [row for row in ROWS if "2026-04" in row or "2026-05" in row]
    findings = checked(tmp_path, "user_id,event,time,event_id\n" + "\n".join(rows)).findings
    assert any(finding.startswith("No label is mature yet") for finding in findings)


def every_night(folder, events: str, as_of: date) -> tuple[str, ...]:
    project = load_project(write_project(folder, events, vocabulary={"click": {}, "gone": {}}))
    return findings_at(open_project(project, now=NOW, cache=False), as_of, now=NOW)


def hours(user: str, day: str) -> list[str]:
    return [f"{user},other,{day}T{hour:02}:00:00Z,{user}-{day}-{hour}" for hour in range(24)]


def test_a_night_finds_what_check_finds_of_what_its_windows_reach(tmp_path):
    events = "\n".join([EVENTS, *(row for day in DAYS[-20:] for row in hours("robot", day))])
    found = every_night(tmp_path, events, date(2026, 5, 29))
    assert found == checked(tmp_path, events, vocabulary={"click": {}, "gone": {}}).findings
    assert any("'robot' may be a bot" in one for one in found)
    assert any("'gone'" in one for one in found)


def test_what_was_odd_before_the_windows_is_not_said_every_night(tmp_path):
    events = "\n".join([EVENTS, *(row for day in DAYS[:20] for row in hours("robot", day))])
    assert any("may be a bot" in one for one in checked(tmp_path, events).findings)
    assert not any("may be a bot" in one for one in every_night(tmp_path, events, date(2026, 5, 29)))
    assert any("may be a bot" in one for one in every_night(tmp_path, events, date(2026, 2, 1)))


def test_a_night_says_that_no_label_is_mature(tmp_path):
    events = "user_id,event,time,event_id\n" + "\n".join(row for row in ROWS if "-05-" in row)
    found = every_night(tmp_path, events, date(2026, 5, 29))
    assert (
        [one for one in found if "cutoff" in one or "mature" in one]
        == [one for one in checked(tmp_path, events).findings if "cutoff" in one or "mature" in one]
        != []
    )
