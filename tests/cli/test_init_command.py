"""`powerml init`: exit status, output and --check; what it finds is tested with its workflow."""

from __future__ import annotations

DAYS = [f"2026-0{month}-{day:02}" for month in (1, 2) for day in range(1, 29)]
EVENTS = "user_id,event,time\n" + "".join(f"u{n},click,{day}T12:00:00Z\n" for day in DAYS for n in range(3))


def test_it_writes_a_project_that_check_reads_and_says_what_no_longer_fits(powerml, tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    ran = powerml("init", "events.csv")
    assert (ran.status, ran.err) == (0, "")
    assert "1 event name. Wrote powerml.yaml and vocabulary.yaml; next: powerml check" in ran.out
    assert powerml("init", "--check").status == 0
    (tmp_path / "events.csv").write_text(EVENTS + "u1,drag,2026-02-28T12:00:00Z\n")
    ran = powerml("init", "--check", "--json")
    assert (ran.status, ran.data) == (1, {"findings": ["events: new name 'drag' (1 events)"]})


def test_user_errors_are_status_2(powerml, tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    assert "name the files or folders to look at" in powerml("init").err
    assert "absent: no such file or folder" in powerml("init", "absent").err
    assert powerml("init", "events.csv", "-o", "absent/powerml.yaml").status == 2
    assert powerml("init", "events.csv", "--json").data["event_names"] == 1
    assert "is not overwritten" in powerml("init", "events.csv").err
