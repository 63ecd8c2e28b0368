"""`powerml check`: exit status and output; what it finds is tested with its workflow."""

from __future__ import annotations

from tests.builders import write_project

DAYS = [f"2026-0{month}-{day:02}" for month in (1, 2, 3, 4, 5) for day in range(1, 29)]
ROWS = "".join(f"u{n},click,{day}T12:00:00Z\n" for day in DAYS for n in range(3))
EVENTS = "user_id,event,time\n" + ROWS


def test_nothing_to_look_at_is_status_0(powerml, tmp_path):
    write_project(tmp_path, EVENTS, vocabulary={"click": {}})
    ran = powerml("check")
    assert (ran.status, ran.err) == (0, "")
    assert "Nothing to look at." in ran.out
    assert "Events from 2026-01-01 to 2026-05-28" in ran.out


def test_findings_are_status_1_and_stand_in_the_json(powerml, tmp_path):
    write_project(tmp_path, EVENTS + "u1,click,yesterday\nu1,odd,2026-04-02T12:00:00Z\n", vocabulary={"click": {}})
    ran = powerml("check", "--json")
    assert ran.status == 1
    (events,) = ran.data["loads"]
    assert events["rows"] == events["loaded"] + events["quarantined"] + events["ignored"] == 422
    assert events["quarantined"] == 1
    assert ran.data["quarantined"][0]["rule"] == "not a time"
    assert "events: 1 of 422 rows set aside" in ran.data["findings"]
    assert any("'odd'" in f or "odd" in f for f in ran.data["findings"])
    assert ran.data["unavailable"]["mrr"] == "no table 'subscriptions'"
    assert ran.data["first"] == "2026-01-01"


def test_a_declaration_that_cannot_be_read_is_status_2(powerml, tmp_path):
    (tmp_path / "powerml.yaml").write_text("tables: {events: {fils: e.csv}}\nvocabulary: {}\n")
    ran = powerml("check")
    assert (ran.status, ran.out) == (2, "")
    assert "tables.events.fils: unknown key; did you mean 'files'?" in ran.err
