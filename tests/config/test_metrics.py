"""Metrics as data: the catalogue is as shipped; a user's own are checked when read."""

from __future__ import annotations

import pytest

from powerml.config.metrics import MetricSpec, catalogue, described, metrics_from
from powerml.errors import ConfigError, DataError

NAMES = [
    "events_30d", "active_days_30d", "active_days_per_week_28d", "logins_per_week_28d", "days_since_last_login",
    "days_since_last_active", "sessions_per_week_28d", "session_minutes_mean_30d", "minutes_in_product_30d",
    "usage_change_90d", "usage_growth_30d", "account_age_days", "active_week_ratio", "active_week_streak",
    "key_actions_30d", "content_created_30d", "reports_generated_30d", "data_processed_30d", "exports_and_shares_30d",
    "distinct_features_30d", "feature_categories_30d", "core_features_30d", "core_feature_share_30d",
    "advanced_features_30d", "advanced_feature_days_30d", "advanced_feature_days_ever", "workflow_depth_30d",
    "days_since_core_feature", "integrations_connected", "integrations_added_90d", "new_categories_30d",
    "feature_breadth_change_30d", "teammates_invited", "shared_assets", "collaboration_actions_30d", "team_size",
    "active_team_members_30d", "team_members_added_90d", "team_members_deactivated_90d", "plan_tier",
    "limit_utilisation", "seats", "mrr", "tickets_opened_90d", "tickets_unresolved", "ticket_resolution_hours_90d",
    "support_sentiment_90d", "csat_mean_90d", "errors_per_session_30d", "workflows_abandoned_30d",
    "workflow_abandon_rate_30d", "nps_latest", "feature_requests_90d", "referrals", "beta_features_30d",
    "automation_actions_30d", "logins_30d", "workflows_completed_30d", "invites_30d", "shares_30d",
]  # fmt: skip
DOWN = {5, 6, 28, 39, 45, 46, 49, 50, 51}
NEITHER = {12, 36, 40, 42, 43, 44}
NOT_ACTIONABLE = {12, 36, 40, 42, 43, 47, 48, 52}
UNITS = {1: "events", 2: "days", 3: "days/week", 8: "minutes", 13: "ratio", 27: "level", 43: "currency", 46: "hours"}


def test_the_catalogue_is_the_sixty_in_order():
    assert list(catalogue()) == NAMES


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES, 1)))
def test_direction_actionable_unit_and_source(number, name):
    spec = catalogue()[name]
    assert spec.direction == ("down" if number in DOWN else "none" if number in NEITHER else "up")
    assert spec.actionable is (number not in NOT_ACTIONABLE)
    assert spec.unit == UNITS.get(number, spec.unit)
    assert spec.source.document
    assert spec.source.quote
    assert described(spec)


def test_a_window_in_the_name_is_the_window_declared():
    for name, spec in catalogue().items():
        days = next((int(word[:-1]) for word in name.split("_") if word[0].isdigit() and word.endswith("d")), None)
        windows = [spec.window_days, *([spec.change.from_, spec.change.to] if spec.change else [])]
        if days and any(windows):
            assert days in {edge for window in windows if window for edge in window}, name


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text: str) -> dict[str, MetricSpec]:
        (tmp_path / "house.yaml").write_text(text)
        return metrics_from([tmp_path / "house.yaml"], catalogue())

    return read


def test_the_form_of_the_contract(house):
    spec = house(
        """
- name: exports_14d
  table: events
  where: {role: export, tier: [core, advanced]}
  measure: count
  window_days: 14
  unit: events
  direction: up
  actionable: true
  group: usage
  source: {document: "house metric"}
"""
    )["exports_14d"]
    assert spec.where == {"role": ("export",), "tier": ("core", "advanced")}
    assert spec.window_days == (14, 0)
    assert (spec.unit, spec.direction, spec.actionable, spec.group) == ("events", "up", True, "usage")
    assert spec.source.document == "house metric"
    assert described(spec) == "events with role export and tier core or advanced in 14 d"


@pytest.mark.parametrize(
    ("window", "edges", "words"),
    [
        ("window_days: 30,", (30, 0), "events in 30 d"),
        ("window_days: [60, 30],", (60, 30), "events from 60 to 30 days back"),
        ("", None, "events"),
    ],
)
def test_windows(house, window, edges, words):
    spec = house(f"- {{name: m, table: events, measure: count, {window} unit: events}}")["m"]
    assert spec.window_days == edges
    assert described(spec) == words


def test_values_are_compared_as_text(house):
    spec = house("- {name: m, table: events, measure: count, where: {paid: true, level: 3}, unit: x}")["m"]
    assert spec.where == {"paid": ("true",), "level": ("3",)}


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("table: events, measure: count, windw_days: 3", "0.windw_days: unknown key; did you mean 'window_days'?"),
        ("table: event, measure: count", "0.table: expected 'events', 'sessions', "),
        ("table: events, measure: cuont", "did you mean 'count'?"),
        ("table: events, measure: sum", "measure: sum needs 'of'; name the column"),
        ("table: events, measure: count, of: value", "measure: count takes no 'of'; remove it"),
        ("measure: count", "'measure' needs a 'table'; name one of the canonical tables"),
        ("table: events", "needs one of 'measure' (with 'table'), 'ratio' or 'calculation'"),
        ("table: events, measure: count, window_days: [30, 60]", "0.window_days: expected days such as 30, or"),
        ("table: events, measure: count, window_days: 0", "0.window_days: expected days such as 30"),
        ("table: events, measure: count, window_days: true", "0.window_days: expected days such as 30"),
        ("table: events, measure: days_since_last, window_days: 3", "looks back for ever; remove 'window_days'"),
        ("table: sessions, measure: count, where: {role: login}", "sessions have no 'where'"),
        ("table: events, measure: count, direction: upwards", "0.direction: expected 'up', 'down' or 'none'"),
        ("table: events, measure: count, group: sales", "0.group: expected 'usage', 'activity', "),
        ("ratio: {of: events_30d, over: event_30d}", "no metric named 'event_30d'; did you mean 'events_30d'?"),
        ("ratio: {of: m, over: events_30d}", "0.ratio: "),
        ("ratio: {of: events_30d}", "'over' is missing; add it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(house, metric, message):
    with pytest.raises(ConfigError) as caught:
        house(f"- {{name: m, unit: x, {metric}}}")
    assert str(caught.value).startswith("house.yaml:1: 0")
    assert message in str(caught.value)


def test_a_circle_of_ratios_is_an_error(house):
    with pytest.raises(ConfigError, match=r"house\.yaml:\d: \d\.ratio: "):
        house(
            """- {name: a, unit: x, ratio: {of: b, over: events_30d}}
- {name: b, unit: x, ratio: {of: events_30d, over: a}}"""
        )


def test_names_stand_once(house):
    metric = "unit: x, table: events, measure: count"
    with pytest.raises(ConfigError, match=r"0\.name: there is a metric 'events_30d' already; rename this one"):
        house(f"- {{name: events_30d, {metric}}}")
    with pytest.raises(ConfigError, match=r"house\.yaml:2: 1\.name: there is a metric 'm' already; rename this one"):
        house(f"- {{name: m, {metric}}}\n- {{name: m, {metric}}}")
    with pytest.raises(ConfigError, match=r"0\.name: expected small letters, digits and underscores, got 'My Metric'"):
        house(f"- {{name: My Metric, {metric}}}")


def test_a_ratio_may_come_before_what_it_divides(house):
    found = house(
        """- {name: ratio, unit: x, ratio: {of: m, over: events_30d}}
- {name: m, unit: x, table: events, measure: days}"""
    )
    assert described(found["ratio"]) == "m over events_30d"


def test_an_empty_file_and_none(house, tmp_path):
    assert house("") == catalogue()
    with pytest.raises(DataError, match=r"none\.yaml: no such file"):
        metrics_from([tmp_path / "none.yaml"])
