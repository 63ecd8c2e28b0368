"""What is known just before a cutoff: rows, people, accounts, sessions. Slow and obvious on purpose.

Every rule is a sentence of the rules on data, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.oracle.project import HAPPENED, KEYS, Meaning, Project, Row


@dataclass(frozen=True)
class Event:
    user_id: str
    account_id: str | None
    name: str
    time: datetime
    session_id: str | None
    value: float | None
    meaning: Meaning


@dataclass(frozen=True)
class Session:
    user_id: str
    events: tuple[Event, ...]

    @property
    def start(self) -> datetime:
        return self.events[0].time

    @property
    def minutes(self) -> float:
        return (self.events[-1].time - self.events[0].time).total_seconds() / 60


def known_rows(project: Project, table: str, before: datetime) -> list[Row]:
    """What was known before an instant of what had happened by then: of each key the version written last."""
    rows = latest_versions(table, [row for row in project.rows(table) if was_written(row, before)])
    happened = HAPPENED[table]
    return [row for row in rows if row.get(happened) is None or row[happened] < before]


def was_written(row: Row, before: datetime) -> bool:
    """Whether the row was there before an instant; one that does not say when it was written always was."""
    return row.get("known_at") is None or row["known_at"] < before


def latest_versions(table: str, rows: list[Row]) -> list[Row]:
    """Of rows with one key the one written last, of those the last in order; a table without a key keeps all."""
    if table not in KEYS:
        return rows
    kept: dict[tuple[Any, ...], int] = {}
    for place, row in enumerate(rows):
        key = tuple(row[column] for column in KEYS[table])
        other = rows[kept[key]].get("known_at") if key in kept else None
        if other is None or (row.get("known_at") is not None and row["known_at"] >= other):
            kept[key] = place
    return [rows[place] for place in sorted(kept.values())]


def counted_events(project: Project, rows: list[Row]) -> list[Event]:
    """Events in order of time, each `event_id` once, ignored ones left out."""
    events, seen = [], set()
    for row in sorted(rows, key=lambda row: row["time"]):
        event_id = row.get("event_id")
        if event_id is not None and event_id in seen:
            continue
        seen.add(event_id)
        meaning = project.meaning(row["event"])
        if "ignore" in meaning.roles:
            continue
        events.append(
            Event(
                row["user_id"],
                row.get("account_id"),
                row["event"],
                row["time"],
                row.get("session_id"),
                row.get("value"),
                meaning,
            )
        )
    return events


def sessions_of(events: list[Event], gap_minutes: float) -> list[Session]:
    """Each user's sessions: by id where given; the rest chained until a pause longer than the gap."""
    sessions = []
    for user in sorted({event.user_id for event in events}):
        own = [event for event in events if event.user_id == user]
        named = sorted({event.session_id for event in own if event.session_id is not None})
        sessions += [Session(user, tuple(event for event in own if event.session_id == name)) for name in named]
        chain: list[Event] = []
        for event in own:
            if event.session_id is not None:
                continue
            if chain and event.time - chain[-1].time > timedelta(minutes=gap_minutes):
                sessions.append(Session(user, tuple(chain)))
                chain = []
            chain.append(event)
        if chain:
            sessions.append(Session(user, tuple(chain)))
    return sessions


class Past:
    """All that is known at a cutoff, and who there is."""

    def __init__(self, project: Project, as_of: date) -> None:
        self.project = project
        self.settings = project.settings
        self.as_of = as_of
        self.midnights: dict[int, datetime] = {}
        self.cutoff = self.midnight(0)
        self.events = counted_events(project, known_rows(project, "events", self.cutoff))
        self.user_rows = {row["user_id"]: row for row in known_rows(project, "users", self.cutoff)}
        self.account_rows = {row["account_id"]: row for row in known_rows(project, "accounts", self.cutoff)}
        self.subscriptions = known_rows(project, "subscriptions", self.cutoff)
        self.first_event: dict[str, datetime] = {}
        self.named_last: dict[str, str] = {}
        for event in self.events:
            self.first_event.setdefault(event.user_id, event.time)
            if event.account_id is not None:
                self.named_last[event.user_id] = event.account_id
        self.users = sorted({*self.user_rows, *self.first_event})

    def midnight(self, days: int) -> datetime:
        """The midnight some calendar days before the cutoff."""
        if days not in self.midnights:
            self.midnights[days] = self.settings.midnight(self.as_of - timedelta(days=days))
        return self.midnights[days]

    # people

    def account_of(self, user: str) -> str | None:
        row = self.user_rows.get(user)
        if row is not None and row.get("account_id") is not None:
            return str(row["account_id"])
        return self.named_last.get(user)

    def user_created(self, user: str) -> datetime | None:
        times = [self.user_rows.get(user, {}).get("created_at"), self.first_event.get(user)]
        return min((time for time in times if time is not None), default=None)

    def deactivated(self, user: str) -> datetime | None:
        """When the user was deactivated, as far as that is known."""
        time: datetime | None = self.user_rows.get(user, {}).get("deactivated_at")
        return time if time is not None and time < self.cutoff else None

    def is_user(self, user: str) -> bool:
        """Whether the user is in the snapshot."""
        return self.user_created(user) is not None and self.deactivated(user) is None

    # accounts

    def users_of(self, account: str) -> list[str]:
        return [user for user in self.users if self.account_of(user) == account]

    def account_created(self, account: str) -> datetime | None:
        times = [self.account_rows.get(account, {}).get("created_at")]
        times += [self.user_created(user) for user in self.users_of(account)]
        return min((time for time in times if time is not None), default=None)

    def subscriptions_of(self, account: str) -> list[Row]:
        """The subscription rows that hold just before the cutoff."""
        return [
            row
            for row in self.subscriptions
            if row["account_id"] == account and (row.get("end") is None or row["end"] >= self.cutoff)
        ]

    def is_account(self, account: str) -> bool:
        """Whether the account is in the snapshot."""
        if self.account_created(account) is None:
            return False
        return any(self.is_user(user) for user in self.users_of(account)) or bool(self.subscriptions_of(account))

    def accounts(self) -> list[str]:
        named = {*self.account_rows, *(row["account_id"] for row in self.subscriptions)}
        named |= {account for user in self.users if (account := self.account_of(user)) is not None}
        return sorted(named)

    def event_account(self, event: Event) -> str | None:
        return event.account_id if event.account_id is not None else self.account_of(event.user_id)

    # what an entity did

    def events_of(self, entity: str, name: str) -> list[Event]:
        if entity == "user":
            return [event for event in self.events if event.user_id == name]
        return [event for event in self.events if self.event_account(event) == name]

    def younger_than(self, created: datetime, days: int) -> bool:
        return created > self.midnight(days)
