"""The sixty metrics of the catalogue, one loop each. `snapshot` gives the rows of one cutoff."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.oracle.past import Event, Past, Session, known_rows, sessions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.oracle.project import Project, Row

Number = float | None


def snapshot(project: Project, as_of: date, *, entity: str) -> list[Row]:
    """One row per entity in the snapshot, ordered by id: keys, `enough_history`, `active` and every metric."""
    past = Past(project, as_of)
    if entity == "user":
        users = [user for user in past.users if past.is_user(user)]
        return [{"as_of": as_of, "user_id": user, **entity_row(past, "user", user)} for user in users]
    accounts = [account for account in past.accounts() if past.is_account(account)]
    return [{"as_of": as_of, "account_id": account, **entity_row(past, "account", account)} for account in accounts]


def entity_row(past: Past, entity: str, name: str) -> Row:
    account = past.account_of(name) if entity == "user" else name
    created = past.user_created(name) if entity == "user" else past.account_created(name)
    assert created is not None
    events = past.events_of(entity, name)
    return {
        "account_id": account,
        "enough_history": not past.younger_than(created, past.settings.min_history_days),
        "active": any(event.time >= past.midnight(30) for event in events),
        **usage(past, events, created),
        **team(past, account),
        **plan(past, account),
        **limits(past, account),
        **support(past, tickets_of(past, entity, name)),
        "nps_latest": nps(past, [name] if entity == "user" else past.users_of(name)),
    }


def days_since(past: Past, times: Iterable[datetime]) -> Number:
    last = max(times, default=None)
    return None if last is None else (past.cutoff - last).total_seconds() / 86400


def relative_change(before: int, after: int) -> float:
    return 1.0 if before == 0 else (after - before) / before


def mean(values: list[float]) -> Number:
    return sum(values) / len(values) if values else None


def ratio(over: float, under: float) -> Number:
    return over / under if under else None


def usage(past: Past, events: list[Event], created: datetime) -> Row:
    """Metrics 1 to 35, 49 to 51 and 53 to 60: all that the entity's own events tell."""
    sessions = sessions_of(events, past.settings.session_gap_minutes)

    def within(first: int, last: int = 0) -> list[Event]:
        start, end = past.midnight(first), past.midnight(last)
        return [event for event in events if start <= event.time < end]

    def started(first: int, last: int = 0) -> list[Session]:
        start, end = past.midnight(first), past.midnight(last)
        return [session for session in sessions if start <= session.start < end]

    def having(chosen: list[Event], *roles: str) -> list[Event]:
        return [event for event in chosen if event.meaning.roles & set(roles)]

    def days(chosen: list[Event]) -> int:
        return len({past.settings.day(event.time) for event in chosen})

    def features(chosen: list[Event], tier: str | None = None) -> int:
        return len({event.meaning.feature for event in chosen if tier is None or event.meaning.tier == tier})

    def change(first: int, middle: int, measure: Callable[[list[Event]], int], least: int) -> Number:
        before, after = measure(within(first, middle)), measure(within(middle))
        if past.younger_than(created, first) or before + after < least:
            return None
        return relative_change(before, after)

    if past.project.declares_login():
        logins = [event.time for event in having(events, "login")]
    else:
        logins = [session.start for session in sessions]
    logins_28d = [time for time in logins if time >= past.midnight(28)]

    recent, advanced = within(30), [event for event in events if event.meaning.tier == "advanced"]
    recent_sessions = started(30)
    minutes = [session.minutes for session in recent_sessions]

    blocks = 0
    while created < past.midnight(7 * blocks):
        blocks += 1
    weeks_active = sum(1 for block in range(blocks) if within(7 * block + 7, 7 * block))
    streak = 0
    while len(started(7 * streak + 7, 7 * streak)) >= 3:
        streak += 1

    categories = {event.meaning.category for event in recent}
    earlier = {event.meaning.category for event in events if event.time < past.midnight(30)}
    added, removed = len(having(events, "integration_added")), len(having(events, "integration_removed"))
    begun, finished = len(having(recent, "workflow_started")), len(having(recent, "workflow_completed"))
    abandoned = max(begun - finished, 0)
    core = features(recent, "core")

    return {
        "events_30d": len(recent),
        "active_days_30d": days(recent),
        "active_days_per_week_28d": days(within(28)) / 4,
        "logins_per_week_28d": len(logins_28d) / 4,
        "days_since_last_login": days_since(past, logins),
        "days_since_last_active": days_since(past, [event.time for event in events]),
        "sessions_per_week_28d": len(started(28)) / 4,
        "session_minutes_mean_30d": mean(minutes),
        "minutes_in_product_30d": sum(minutes),
        "usage_change_90d": change(90, 45, len, 5),
        "usage_growth_30d": change(60, 30, len, 5),
        "account_age_days": (past.cutoff - created).total_seconds() / 86400,
        "active_week_ratio": weeks_active / blocks,
        "active_week_streak": streak,
        "key_actions_30d": len(having(recent, "key_action")),
        "content_created_30d": len(having(recent, "content_created")),
        "reports_generated_30d": len(having(recent, "report")),
        "data_processed_30d": sum(event.value or 0.0 for event in recent)
        if past.project.has("events", "value")
        else None,
        "exports_and_shares_30d": len(having(recent, "export", "share")),
        "distinct_features_30d": features(recent),
        "feature_categories_30d": len(categories),
        "core_features_30d": core,
        "core_feature_share_30d": ratio(core, past.project.core_features()),
        "advanced_features_30d": features(recent, "advanced"),
        "advanced_feature_days_30d": days([event for event in advanced if event.time >= past.midnight(30)]),
        "advanced_feature_days_ever": days(advanced),
        "workflow_depth_30d": max((event.meaning.depth for event in recent), default=0),
        "days_since_core_feature": days_since(past, [e.time for e in events if e.meaning.tier == "core"]),
        "integrations_connected": max(added - removed, 0),
        "integrations_added_90d": len(having(within(90), "integration_added")),
        "new_categories_30d": None if past.younger_than(created, 60) else len(categories - earlier),
        "feature_breadth_change_30d": change(60, 30, features, 1),
        "teammates_invited": len(having(events, "invite")),
        "shared_assets": len(having(events, "share")),
        "collaboration_actions_30d": len(having(recent, "collaboration", "share", "invite")),
        "errors_per_session_30d": ratio(len(having(recent, "error")), len(recent_sessions)),
        "workflows_abandoned_30d": abandoned,
        "workflow_abandon_rate_30d": ratio(abandoned, begun),
        "feature_requests_90d": len(having(within(90), "feature_request")),
        "referrals": len(having(events, "referral")),
        "beta_features_30d": features(having(recent, "beta")),
        "automation_actions_30d": len(having(recent, "automation")),
        "logins_30d": sum(1 for time in logins if time >= past.midnight(30)),
        "workflows_completed_30d": finished,
        "invites_30d": len(having(recent, "invite")),
        "shares_30d": len(having(recent, "share")),
    }


def team(past: Past, account: str | None) -> Row:
    """Metrics 36 to 39: the people of the account who have a `users` row."""
    names = ("team_size", "active_team_members_30d", "team_members_added_90d", "team_members_deactivated_90d")
    if account is None or not past.project.has("users"):
        return dict.fromkeys(names)
    people = [user for user in past.users_of(account) if user in past.user_rows]
    created = {user: time for user in people if (time := past.user_created(user)) is not None}
    members = [user for user in created if past.deactivated(user) is None]
    active = {event.user_id for event in past.events if event.time >= past.midnight(30)}
    first = min(created.values(), default=None)
    added = 0
    for time in created.values():
        if time >= past.midnight(90) and first is not None and time - first > timedelta(days=7):
            added += 1
    gone = [time for user in created if (time := past.deactivated(user)) is not None and time >= past.midnight(90)]
    return dict(zip(names, (len(members), len(active & set(members)), added, len(gone)), strict=True))


def plan(past: Past, account: str | None) -> Row:
    """Metrics 40, 42 and 43: what the account pays for just before the cutoff."""
    if account is None or not past.project.has("subscriptions"):
        return {"plan_tier": None, "seats": None, "mrr": None}
    rows, plans = past.subscriptions_of(account), past.settings.plans
    return {
        "plan_tier": max((plans.index(row["plan"]) / (len(plans) - 1) for row in rows), default=0.0),
        "seats": sum(row["seats"] or 0 for row in rows),
        "mrr": sum(row["mrr"] or 0.0 for row in rows),
    }


def limits(past: Past, account: str | None) -> Row:
    """Metric 41: the fullest resource by its latest reading, if that is not too old and the resource is limited."""
    latest: dict[str, Row] = {}
    for row in known_rows(past.project, "usage_limits", past.cutoff):
        if row["account_id"] != account or account is None or row["time"] < past.midnight(45):
            continue
        if row["resource"] not in latest or row["time"] >= latest[row["resource"]]["time"]:
            latest[row["resource"]] = row
    shares = []
    for row in latest.values():
        if row["limit"] is None:
            continue
        if row["limit"] == 0:
            shares.append(1.0 if row["used"] > 0 else 0.0)
        else:
            shares.append(row["used"] / row["limit"])
    return {"limit_utilisation": max(shares, default=None)}


def tickets_of(past: Past, entity: str, name: str) -> list[Row]:
    """An account's tickets: it is named, else its user is. A user's: it is named, or its account and nobody else."""
    tickets = []
    for row in known_rows(past.project, "tickets", past.cutoff):
        user, account = row.get("user_id"), row.get("account_id")
        if entity == "account":
            belongs = (account if account is not None or user is None else past.account_of(user)) == name
        elif user is not None:
            belongs = user == name
        else:
            belongs = account is not None and account == past.account_of(name)
        if belongs:
            tickets.append(row)
    return tickets


SUPPORT = (
    "tickets_opened_90d",
    "tickets_unresolved",
    "ticket_resolution_hours_90d",
    "support_sentiment_90d",
    "csat_mean_90d",
)


def support(past: Past, tickets: list[Row]) -> Row:
    """Metrics 44 to 48."""
    if not past.project.has("tickets"):
        return dict.fromkeys(SUPPORT)
    opened = [row for row in tickets if row["opened_at"] >= past.midnight(90)]
    solved = [row for row in tickets if row.get("resolved_at") is not None and row["resolved_at"] < past.cutoff]
    hours = [
        (row["resolved_at"] - row["opened_at"]).total_seconds() / 3600
        for row in solved
        if row["resolved_at"] >= past.midnight(90)
    ]
    moods = [mood for row in opened if (mood := sentiment(row)) is not None]
    return {
        "tickets_opened_90d": len(opened),
        "tickets_unresolved": len(tickets) - len(solved),
        "ticket_resolution_hours_90d": mean(hours),
        "support_sentiment_90d": ratio(moods.count("positive"), len(moods)),
        "csat_mean_90d": mean([row["csat"] for row in opened if row.get("csat") is not None]),
    }


def sentiment(ticket: Row) -> str | None:
    """The ticket's sentiment, by default the one its csat stands for."""
    if ticket.get("sentiment") is not None:
        return str(ticket["sentiment"])
    if ticket.get("csat") is None:
        return None
    return "positive" if ticket["csat"] >= 4 else "neutral" if ticket["csat"] >= 3 else "negative"


def nps(past: Past, users: list[str]) -> Number:
    """Metric 52: the mean of the users' latest answers of the last 365 days; of two at one instant the later row."""
    latest: dict[str, Row] = {}
    for row in known_rows(past.project, "surveys", past.cutoff):
        if row["time"] < past.midnight(365):
            continue
        if row["user_id"] not in latest or row["time"] >= latest[row["user_id"]]["time"]:
            latest[row["user_id"]] = row
    return mean([latest[user]["nps"] for user in users if user in latest])
