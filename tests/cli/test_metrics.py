"""`powerml metrics`: what there is, in words."""

from __future__ import annotations

from tests.builders import write_project

EVENTS = "user_id, event, time\nada, click, 2026-01-05T12:00:00Z"


def test_all_sixty_without_a_project(powerml):
    ran = powerml("metrics")
    assert ran.status == 0
    assert "60 metrics" in ran.out
    assert "days_since_core_feature" in ran.out


def test_one_as_json_with_its_quote(powerml):
    ran = powerml("metrics", "--json", "days_since_last_active", "usage_change_90d")
    one, two = ran.data
    assert (one["metric"], one["unit"], one["direction"], one["actionable"]) == (
        "days_since_last_active", "days", "down", True,
    )  # fmt: skip
    assert one["source"].startswith("003_937c1dc49c782a1e")
    assert one["quote"]
    assert two["window"] == "90 to 45 d back"


def test_a_projects_own_come_last(powerml, tmp_path):
    write_project(
        tmp_path, EVENTS, metrics="- {name: saves, table: events, measure: count, window_days: 14, unit: events}"
    )
    ran = powerml("metrics", "--json")
    assert len(ran.data) == 61
    own = ran.data[-1]
    assert (own["metric"], own["definition"], own["window"]) == ("saves", "events in 14 d", "14 d")


def test_a_name_it_does_not_know(powerml):
    ran = powerml("metrics", "event_30d")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "powerml: no metric named 'event_30d'; did you mean 'events_30d'?\n"
