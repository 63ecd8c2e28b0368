"""Small worlds with every trap of the specification in them: `worlds()` is a hypothesis strategy.

Hypothesis picks the shape (zone, cutoff, which tables and columns exist, which settings) and a seed; the rows come from
that seed. Times are drawn around the cutoffs: on window edges, one microsecond beside them, on the hours in which the
clocks change, on leap days.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.oracle.project import COLUMNS, KEYS, Project, Row, Settings

# Per zone, days around which something happens to the clock (or a leap day).
CLOCK_DAYS: dict[str, tuple[date, ...]] = {
    "UTC": (date(2024, 2, 29), date(2025, 1, 1)),
    "America/New_York": (date(2024, 3, 10), date(2024, 11, 3), date(2024, 2, 29)),
    "Europe/Berlin": (date(2024, 3, 31), date(2024, 10, 27)),
    "Asia/Kolkata": (date(2024, 2, 29), date(2025, 3, 1)),
    "America/Sao_Paulo": (date(2018, 2, 18), date(2018, 11, 4)),  # 2018-11-04 has no midnight
    "Australia/Lord_Howe": (date(2024, 4, 7), date(2024, 10, 6)),  # clocks move by half an hour
    "America/Havana": (date(2024, 3, 10), date(2024, 11, 3)),  # no midnight; two midnights
}
AFTER = (0, 1, 2, 7, 8, 14, 28, 29, 30, 31, 45, 60, 61, 90)
EDGES = (0, 1, 7, 14, 21, 28, 30, 35, 45, 60, 90, 180, 365, -1, -30, -45, -90, -120)
NOTHING, SECOND, MICROSECOND = timedelta(0), timedelta(seconds=1), timedelta(microseconds=1)
BESIDE = (NOTHING, NOTHING, SECOND, -SECOND, MICROSECOND, -MICROSECOND, timedelta(hours=1), -timedelta(hours=1))
PAUSES = (*(timedelta(minutes=m) for m in (0, 1, 10, 29, 30, 30, 31, 60)), timedelta(minutes=30) + MICROSECOND)

VOCABULARY: dict[str, Row] = {
    "signed_in": {"roles": ["login"], "category": "access"},
    "sso:*": {"feature": "signing_in", "roles": ["login"], "category": "access"},
    "report_made": {"feature": "reports", "category": "analysis", "tier": "core", "roles": ["report", "key_action"]},
    "chart_made": {"feature": "reports", "category": "analysis", "tier": "core", "depth": "intermediate"},
    "project_made": {"feature": "projects", "tier": "core", "roles": ["content_created", "key_action"]},
    "exported": {"category": "data", "roles": ["export"]},
    "shared": {"category": "team", "roles": ["share", "collaboration"]},
    "commented": {"category": "team", "roles": ["collaboration"]},
    "invited": {"category": "team", "roles": ["invite"]},
    "script_?": {
        "feature": "scripts",
        "category": "platform",
        "tier": "advanced",
        "depth": "advanced",
        "roles": ["automation"],
    },
    "api:*": {"category": "platform", "tier": "advanced"},
    "api:ping": {"roles": ["ignore"]},
    "plugged": {"feature": "plugs", "roles": ["integration_added"]},
    "unplugged": {"feature": "plugs", "roles": ["integration_removed"]},
    "flow_started": {"feature": "flows", "depth": "intermediate", "roles": ["workflow_started"]},
    "flow_done": {"feature": "flows", "depth": "intermediate", "roles": ["workflow_completed"]},
    "failed": {"category": "errors", "roles": ["error"]},
    "wished": {"feature": "wishes", "roles": ["feature_request"]},
    "lab:*": {"category": "labs", "roles": ["beta"]},
    "referred": {"roles": ["referral"]},
    "pulse*": {"roles": ["ignore"]},
}
NAMES = (
    "signed_in", "sso:okta", "report_made", "chart_made", "project_made", "exported", "shared", "commented", "invited",
    "script_a", "script_b", "api:get", "api:put", "api:ping", "plugged", "plugged", "unplugged", "flow_started",
    "flow_started", "flow_done", "failed", "wished", "lab:x", "lab:y", "referred", "pulse", "pulse_2", "it's",
    "50% off", "Ünbekannt", "SIGNED_IN", "script_ab",
)  # fmt: skip
DROPPABLE = ("users", "accounts", "subscriptions", "usage_limits", "tickets", "surveys", "treatments")
DROPPABLE_COLUMNS = (
    ("events", "event_id"), ("events", "account_id"), ("events", "session_id"), ("events", "value"),
    ("users", "account_id"), ("tickets", "sentiment"), ("tickets", "csat"), ("tickets", "account_id"),
    ("tickets", "user_id"),
)  # fmt: skip
ORDERED = {
    "users": (("created_at", "deactivated_at"),),
    "subscriptions": (("start", "end"),),
    "tickets": (("opened_at", "resolved_at"),),
}
LATE = ("events", "users", "accounts", "subscriptions", "usage_limits", "tickets", "surveys")


@dataclass(frozen=True, repr=False)
class World:
    """A project and the cutoffs it is looked at, the first being the one its traps are built around."""

    project: Project
    cutoffs: tuple[date, ...]

    def __repr__(self) -> str:
        tables = {name: (len(rows), *self.project.columns[name]) for name, rows in self.project.tables.items()}
        return f"World(cutoffs={[str(day) for day in self.cutoffs]}, {self.project.settings}, tables={tables})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # else hypothesis prints every field of a dataclass


@st.composite
def worlds(draw: st.DrawFn, *, accounts: int = 7, events: int = 260) -> World:
    """A world of some accounts, about twice as many users, and some events in bursts."""
    zone = draw(st.sampled_from(sorted(CLOCK_DAYS)))
    cutoff = draw(st.sampled_from(CLOCK_DAYS[zone])) + timedelta(days=draw(st.sampled_from(AFTER)))
    dropped = draw(st.sets(st.sampled_from(DROPPABLE), max_size=2)) if draw(st.booleans()) else set()
    columns = draw(st.sets(st.sampled_from(DROPPABLE_COLUMNS), max_size=3)) if draw(st.booleans()) else set()
    late = draw(st.sets(st.sampled_from(LATE), max_size=4)) if draw(st.booleans()) else set()
    forgotten = draw(st.sampled_from((None, None, "login", "core", "everything")))
    contract = "subscriptions" not in dropped and draw(st.booleans())
    settings = Settings(
        timezone=zone,
        outcome="contract" if contract else "behavioural",
        horizon_days=draw(st.sampled_from((90, 90, 30))) if contract else 90,
        grace_days=draw(st.sampled_from((30, 0, 7))),
        min_rise=draw(st.sampled_from((0.02, 0.25))),
        session_gap_minutes=draw(st.sampled_from((30, 30, 10))),
        min_history_days=draw(st.sampled_from((14, 0, 30))),
    )
    seen = draw(st.sampled_from((None, 0, 30, 90, 120, 200, 400)))
    if seen is not None:
        wait = settings.midnight(cutoff + timedelta(days=seen)) + draw(st.sampled_from(BESIDE))
        settings = Settings(**{**vars(settings), "observed_until": wait})
    cutoffs = (cutoff, cutoff - timedelta(days=1), cutoff + timedelta(days=30), cutoff - timedelta(days=45))
    seed = draw(st.integers(0, 2**32 - 1))
    made = _Maker(random.Random(seed), settings, cutoff)
    tables = made.tables(accounts, events)
    for name in dropped:
        del tables[name]
    for table in tables:
        if table in late:
            made.write_late(tables[table])
            tables[table] = made.versions(table, tables[table])
        else:
            tables[table] = first_of_each_key(table, tables[table])
    present = {
        name: tuple(c for c in COLUMNS[name] if (name, c) not in columns) + (("known_at",) if name in late else ())
        for name in tables
    }
    rows = {name: [{c: row.get(c) for c in present[name]} for row in tables[name]] for name in tables}
    return World(Project(settings, _vocabulary(forgotten), rows, present), cutoffs)


def first_of_each_key(table: str, rows: list[Row]) -> list[Row]:
    """A table that does not say when a row was written has one row of each key."""
    if table not in KEYS:
        return rows
    kept: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        kept.setdefault(tuple(row[column] for column in KEYS[table]), row)
    return list(kept.values())


def _vocabulary(forgotten: str | None) -> dict[str, Row]:
    if forgotten == "everything":
        return {}
    return {
        name: rule
        for name, rule in VOCABULARY.items()
        if forgotten not in (*rule.get("roles", ()), rule.get("tier", ""))
    }


class _Maker:
    """Makes rows from a seed."""

    def __init__(self, chance: random.Random, settings: Settings, cutoff: date) -> None:
        self.chance = chance
        self.settings = settings
        self.cutoff = cutoff
        self.minted = 0

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share

    def midnight(self, days: int) -> datetime:
        return self.settings.midnight(self.cutoff - timedelta(days=days))

    def edge(self) -> datetime:
        """On or beside the midnight that bounds some window of the cutoff."""
        return self.midnight(self.chance.choice(EDGES)) + self.chance.choice(BESIDE)

    def clock_change(self) -> datetime:
        """Within the hours around a clock change or on a leap day, in quarters of an hour."""
        day = self.settings.midnight(self.chance.choice(CLOCK_DAYS[self.settings.timezone]))
        return day + timedelta(minutes=15 * self.chance.randrange(-8, 20))

    def any_time(self, first: int = 130, last: int = -130) -> datetime:
        kind = self.chance.random()
        if kind < 0.3:
            return self.edge()
        if kind < 0.36:
            return self.clock_change()
        span = (self.midnight(last) - self.midnight(first)).total_seconds()
        return self.midnight(first) + timedelta(seconds=self.chance.randrange(int(span)))

    def pick(self, *values: Any) -> Any:
        return self.chance.choice(values)

    def tables(self, accounts: int, events: int) -> dict[str, list[Row]]:
        names = ["007", "7", *(f"a{i}" for i in range(2, accounts)), "nobody's"]
        users: dict[str, str | None] = {}
        for name in names[:-1]:
            for i in range(self.pick(0, 1, 1, 2, 3, 4)):
                users[f"{name}-u{i}"] = name
        users |= {"loner": None, "ghost": None, "0012": names[0], "Ünï": names[1]}
        return {
            "events": self.events(list(users), users, names, events),
            "users": [self.user(user, account) for user, account in users.items() if not self.maybe(0.15)],
            "accounts": [
                {"account_id": name, "created_at": self.any_time(400) if self.maybe(0.8) else None}
                for name in names
                if self.maybe(0.8)
            ],
            "subscriptions": [row for name in names if self.maybe(0.85) for row in self.subscriptions(name)],
            "usage_limits": self.limits(names),
            "tickets": [self.ticket(i, list(users), names) for i in range(4 * accounts)],
            "surveys": self.surveys(list(users)),
            "treatments": [
                {"entity_id": self.pick(*users, *names), "time": self.any_time(10, -95), "playbook": "call"}
                for _ in range(accounts)
            ],
        }

    def user(self, user: str, account: str | None) -> Row:
        created = self.any_time(400, -60) if self.maybe(0.75) else None
        gone = self.any_time(60) if self.maybe(0.3) else None
        if created is not None and gone is not None and gone < created:
            gone = created if self.maybe(0.5) else None
        named = account if self.maybe(0.85) else None
        return {"user_id": user, "account_id": named, "created_at": created, "deactivated_at": gone}

    def events(self, users: list[str], home: dict[str, str | None], accounts: list[str], wanted: int) -> list[Row]:
        rows: list[Row] = []
        asleep = set(self.chance.sample(users, max(1, len(users) // 8)))
        awake = [user for user in users if user not in asleep]
        while len(rows) < wanted:
            user = self.chance.choice(awake)
            time = self.any_time()
            session_id = self.pick(None, None, "s1", "s2", f"visit {len(rows)}")
            for _ in range(self.pick(1, 1, 2, 4, 8)):
                self.minted += 1
                named = self.pick(None, None, home[user], home[user], self.chance.choice(accounts))
                rows.append(
                    {
                        "event_id": f"e{self.minted}" if self.maybe(0.9) else None,
                        "user_id": user,
                        "account_id": named,
                        "event": self.pick(*NAMES) if self.maybe(0.9) else f"made up {self.minted}",
                        "time": time,
                        "session_id": session_id if self.maybe(0.8) else None,
                        "value": round(self.chance.uniform(-5, 50), 3) if self.maybe(0.4) else None,
                    }
                )
                time += self.chance.choice(PAUSES)
        agreed: dict[tuple[str, datetime], str] = {}  # which of two accounts named at one instant is later, nobody says
        for row in rows:
            if row["account_id"] is not None:
                row["account_id"] = agreed.setdefault((row["user_id"], row["time"]), row["account_id"])
        rows += [dict(self.chance.choice(rows)) for _ in range(wanted // 20)]
        self.chance.shuffle(rows)
        return rows

    def subscriptions(self, account: str) -> list[Row]:
        """Periods one after the other, with gaps around the grace period and some that overlap."""
        rows, start = [], self.midnight(self.pick(300, 120, 90, 45, 1, 0)) + self.chance.choice(BESIDE)
        for _ in range(self.pick(1, 2, 3, 5)):
            end = start + timedelta(days=self.pick(0, 15, 30, 90, 120))
            if self.maybe(0.3):
                end = max(start, self.midnight(self.pick(0, 0, -30, -90, 30)))
            if self.maybe(0.2):
                end = max(start, self.edge())
            is_open = self.maybe(0.25)
            rows.append(
                {
                    "account_id": account,
                    "start": start,
                    "end": None if is_open else end,
                    "plan": self.pick(*self.settings.plans),
                    "mrr": self.pick(0.0, 50.0, 100.0, 100.0, 102.0, 102.01, 125.0, 130.0),
                    "seats": self.pick(0, 1, 5, 6),
                }
            )
            grace = timedelta(days=self.settings.grace_days)
            start = end + self.pick(
                NOTHING, NOTHING, timedelta(days=-10), grace, grace + MICROSECOND, grace - SECOND, 2 * grace
            )
        self.chance.shuffle(rows)
        return rows

    def limits(self, accounts: list[str]) -> list[Row]:
        times = [self.any_time(60, -10) for _ in range(8)]
        rows = []
        for account in accounts:
            for _ in range(self.pick(0, 3, 8)):
                limit = self.pick(None, 0, 10, 10, 100, 2.5)
                used = self.pick(0, 1, 5.5, 10, 12)
                resource = self.pick("seats", "calls", "Seats")
                time = self.chance.choice(times)
                rows.append({"account_id": account, "time": time, "resource": resource, "used": used, "limit": limit})
        self.chance.shuffle(rows)
        return rows

    def ticket(self, number: int, users: list[str], accounts: list[str]) -> Row:
        opened = self.any_time(130, -40)
        resolved = self.any_time(100, -60) if self.maybe(0.6) else None
        if resolved is not None and resolved < opened:
            resolved = opened if self.maybe(0.3) else None
        named = self.pick("account", "user", "both", "both", "none")
        return {
            "ticket_id": f"t{number}",
            "account_id": self.chance.choice(accounts) if named in ("account", "both") else None,
            "user_id": self.pick(*users, "stranger") if named in ("user", "both") else None,
            "opened_at": opened,
            "resolved_at": resolved,
            "sentiment": self.pick(None, "positive", "neutral", "negative"),
            "csat": self.pick(None, 1, 2, 3, 4, 5),
        }

    def surveys(self, users: list[str]) -> list[Row]:
        times = [self.any_time(400, -10) for _ in range(6)]
        rows = [
            {"user_id": user, "time": self.chance.choice(times), "nps": self.chance.randrange(11)}
            for user in [*users, "stranger"]
            for _ in range(self.pick(0, 1, 3))
        ]
        self.chance.shuffle(rows)
        return rows

    def write_late(self, rows: list[Row]) -> None:
        """Some of the rows were written later than they happened, or earlier, or nobody knows."""
        for row in rows:
            happened = next((row[c] for c in ("time", "start", "opened_at", "created_at") if row.get(c)), None)
            kind = self.chance.random()
            if kind < 0.2:
                row["known_at"] = None
            elif kind < 0.6 or happened is None:
                row["known_at"] = self.edge()
            else:
                row["known_at"] = happened + timedelta(days=self.pick(0, 0, 1, 30))

    def versions(self, table: str, rows: list[Row]) -> list[Row]:
        """The rows and, of some, versions that say otherwise, written before, at once, later or nobody knows when."""
        if table not in KEYS:
            return rows
        more = []
        for row in rows:
            for _ in range(self.pick(0, 0, 1, 2)):
                other = self.chance.choice(rows)
                version = {**row, **{c: other[c] for c in row if c not in KEYS[table] and self.maybe(0.6)}}
                version["known_at"] = self.pick(row["known_at"], self.edge(), self.edge(), None)
                for first, second in ORDERED.get(table, ()):
                    if version[second] is not None and version[first] is not None and version[second] < version[first]:
                        version[second] = None
                more.append(version)
        rows = [*rows, *more]
        self.chance.shuffle(rows)
        return rows
