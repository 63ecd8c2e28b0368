"""What became of every entity of a snapshot, `label_of` gives its label."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.oracle.past import Event, Past, counted_events, latest_versions

if TYPE_CHECKING:
    from tests.oracle.project import Project, Row


def observed_until(project: Project) -> datetime:
    """Declared, else the midnight after the last day with an event."""
    if project.settings.observed_until is not None:
        return project.settings.observed_until
    last = max(event.time for event in counted_events(project, project.rows("events")))
    return project.settings.midnight(project.settings.day(last) + timedelta(days=1))


def labels(project: Project, as_of: date, *, entity: str, names: list[str]) -> dict[str, str]:
    """The label of each of the named entities at a cutoff."""
    past = Past(project, as_of)
    if project.settings.outcome == "behavioural":
        around = Around(past)
        return {name: behavioural(past, *around.events_of(entity, name)) for name in names}
    account_of = past.account_of if entity == "user" else str
    return {name: contract(past, account) if (account := account_of(name)) else "ineligible" for name in names}


def paid_spells(rows: list[Row]) -> list[tuple[datetime, datetime | None]]:
    """The longest stretches in which some row pays, in order; a row pays in [start, end)."""
    spells: list[tuple[datetime, datetime | None]] = []
    for row in sorted(rows, key=lambda row: row["start"]):
        if not row["mrr"] or (row["end"] is not None and row["end"] <= row["start"]):
            continue
        if spells and (spells[-1][1] is None or row["start"] <= spells[-1][1]):
            start, end = spells.pop()
            later = None if end is None or row["end"] is None else max(end, row["end"])
            spells.append((start, later))
        else:
            spells.append((row["start"], row["end"]))
    return spells


def state(rows: list[Row], instant: datetime, plans: tuple[str, ...]) -> tuple[float, float, int]:
    """mrr, seats and the highest plan's position just before an instant."""
    held = [row for row in rows if row["start"] < instant and (row["end"] is None or row["end"] >= instant)]
    return (
        sum(row["mrr"] or 0.0 for row in held),
        sum(row["seats"] or 0.0 for row in held),
        max((plans.index(row["plan"]) for row in held), default=-1),
    )


def contract(past: Past, account: str) -> str:
    settings = past.settings
    latest = latest_versions("subscriptions", past.project.rows("subscriptions"))
    rows = [row for row in latest if row["account_id"] == account]
    mrr, seats, plan = state(rows, past.cutoff, settings.plans)
    if mrr <= 0:
        return "ineligible"
    if past.midnight(-settings.horizon_days - settings.grace_days) > observed_until(past.project):
        return "immature"
    window_end = past.midnight(-settings.horizon_days)
    spells = paid_spells(rows)
    for spell, following in zip(spells, [*spells[1:], None], strict=True):
        stop = spell[1]
        if stop is None or not past.cutoff <= stop < window_end:
            continue
        if following is None or following[0] - stop > timedelta(days=settings.grace_days):
            return "churn"
    later_mrr, later_seats, later_plan = state(rows, window_end, settings.plans)
    if later_mrr > mrr * (1 + settings.min_rise) or later_seats > seats or later_plan > plan:
        return "expand"
    return "stay"


def behavioural(past: Past, before: list[Event], after: list[Event]) -> str:
    """The label by the events of the 90 days before the cutoff and of the window after it."""
    settings = past.settings
    if not before:
        return "ineligible"
    window_end = past.midnight(-settings.horizon_days)
    if window_end > observed_until(past.project):
        return "immature"
    if not after:
        return "churn"
    if len(after) >= 5 and len(after) >= 1.5 * len(before):
        return "expand"
    return "stay"


class Around:
    """The events of the 90 days before a cutoff and of the window after it, however late they were written."""

    def __init__(self, past: Past) -> None:
        events = counted_events(past.project, past.project.rows("events"))
        end = past.midnight(-past.settings.horizon_days)
        self.before = [event for event in events if past.midnight(90) <= event.time < past.cutoff]
        self.after = [event for event in events if past.cutoff <= event.time < end]
        self.past = past
        self.window_end = Past(past.project, past.as_of + timedelta(days=past.settings.horizon_days))

    def events_of(self, entity: str, name: str) -> tuple[list[Event], list[Event]]:
        """A user's; or an account's: before by what is known of users at the cutoff, after by that at the end."""
        if entity == "user":
            return [e for e in self.before if e.user_id == name], [e for e in self.after if e.user_id == name]
        return (
            [event for event in self.before if self.past.event_account(event) == name],
            [event for event in self.after if self.window_end.event_account(event) == name],
        )


def treated(past: Past, name: str) -> bool:
    """Whether a playbook or campaign touched the entity within the window."""
    window_end = past.midnight(-past.settings.horizon_days)
    return any(
        row["entity_id"] == name and past.cutoff <= row["time"] < window_end for row in past.project.rows("treatments")
    )
