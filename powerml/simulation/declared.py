"""What the simulated product says of itself: event vocabulary, project file, the leak preset's own metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from powerml.simulation.contracts import GRACE_DAYS, HORIZON_DAYS, MIN_RISE, PLANS

if TYPE_CHECKING:
    from powerml.simulation.calendar import ProductCalendar

# event -> meaning; the order is the order of `EVENTS`
SIMULATED_VOCABULARY: dict[str, dict[str, Any]] = {
    "signed_in": {"feature": "session", "category": "access", "roles": ["login"]},
    "board_opened": {"feature": "boards", "category": "analysis", "tier": "core"},
    "report_run": {"feature": "reports", "category": "analysis", "tier": "core", "roles": ["report", "key_action"]},
    "project_created": {
        "feature": "projects",
        "category": "planning",
        "tier": "core",
        "roles": ["content_created", "key_action"],
    },
    "task_closed": {"feature": "work", "category": "planning", "tier": "core"},
    "data_imported": {"feature": "imports", "category": "data", "tier": "core", "depth": "intermediate"},
    "table_exported": {"feature": "exports", "category": "data", "roles": ["export"]},
    "board_shared": {"feature": "sharing", "category": "team", "roles": ["share"]},
    "comment_written": {"feature": "comments", "category": "team", "roles": ["collaboration"]},
    "teammate_invited": {"feature": "invites", "category": "team", "roles": ["invite"]},
    "api_queried": {
        "feature": "api",
        "category": "platform",
        "tier": "advanced",
        "depth": "advanced",
        "roles": ["automation"],
    },
    "rule_triggered": {
        "feature": "rules",
        "category": "platform",
        "tier": "advanced",
        "depth": "advanced",
        "roles": ["automation", "key_action"],
    },
    "forecast_made": {"feature": "forecasts", "category": "analysis", "tier": "advanced", "depth": "advanced"},
    "view_tailored": {"feature": "tailored_views", "category": "analysis", "tier": "advanced", "depth": "intermediate"},
    "integration_connected": {
        "feature": "integrations",
        "category": "platform",
        "depth": "intermediate",
        "roles": ["integration_added"],
    },
    "integration_dropped": {"feature": "integrations", "category": "platform", "roles": ["integration_removed"]},
    "flow_started": {
        "feature": "boards",
        "category": "planning",
        "depth": "intermediate",
        "roles": ["workflow_started"],
    },
    "flow_finished": {
        "feature": "boards",
        "category": "planning",
        "depth": "intermediate",
        "roles": ["workflow_completed"],
    },
    "error_shown": {"feature": "session", "category": "access", "roles": ["error"]},
    "idea_sent": {"feature": "ideas", "category": "feedback", "roles": ["feature_request"]},
    "lab_tried": {"feature": "lab", "category": "lab", "roles": ["beta"]},
    "friend_referred": {"feature": "referrals", "category": "team", "roles": ["referral"]},
    "sync_polled": {"feature": "sync", "category": "platform"},
    "heartbeat": {"roles": ["ignore"]},
}
SIMULATED_EVENTS = tuple(SIMULATED_VOCABULARY)
SIMULATED_TABLES = ("events", "users", "accounts", "subscriptions", "usage_limits", "tickets", "surveys")

# The leak preset's own metrics, over two resources that have no limit (so they never count as limit use).
OWN_METRICS: list[dict[str, Any]] = [
    {
        "name": "ledger_balance_30d",
        "table": "usage_limits",
        "where": {"resource": "ledger"},
        "measure": "mean",
        "of": "used",
        "window_days": 30,
        "unit": "currency",
        "direction": "none",
        "actionable": False,
        "group": "plan",
        "source": {"document": "simulated product", "reading": "restated when an account closes: it knows the future"},
    },
    {
        "name": "success_pulse_30d",
        "table": "usage_limits",
        "where": {"resource": "success_pulse"},
        "measure": "mean",
        "of": "used",
        "window_days": 30,
        "unit": "points",
        "direction": "up",
        "actionable": False,
        "group": "plan",
        "source": {"document": "simulated product", "reading": "reads the state of the month before: strong, honest"},
    },
]


NIGHTS_KEPT = 62  # so that sixty nights filled in and two more stand beside each other


def project(name: str, calendar: ProductCalendar, *, own_metrics: bool) -> dict[str, Any]:
    """The project file's content."""
    content: dict[str, Any] = {
        "project": name,
        "timezone": "UTC",
        "entity": "user",
        "plans": list(PLANS),
        "outcome": {
            "kind": "contract",
            "horizon_days": HORIZON_DAYS,
            "grace_days": GRACE_DAYS,
            "min_rise": MIN_RISE,
        },
        "observed_until": datetime.fromtimestamp(calendar.end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tables": {table: {"files": f"{table}.parquet"} for table in SIMULATED_TABLES},
        "vocabulary": "vocabulary.json",
        "snapshots": {"every": "month"},
        "history": {"keep_days": NIGHTS_KEPT},
    }
    content["tables"]["events"] = {"files": "events/*.parquet"}
    if own_metrics:
        content["metrics"] = ["metrics.yaml"]
    return content
