"""What rang, and what was sent of it to whom: tables of the ledger `.powerml/night.db`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

ALERT_CARD, GAMING = "alert_card", "gaming"  # tables beside the newest night: what 'alerts --judge' found, for the page
ALARM_COLUMNS = ("alert", "fired_at", "account_id", "user_id", "team", "owner", "because", "action", "state")
_TABLES = """
CREATE TABLE IF NOT EXISTS looked (alert TEXT PRIMARY KEY, as_of TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS first_look (alert TEXT PRIMARY KEY, as_of TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent_by (digest TEXT PRIMARY KEY, as_of TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS truth (
    alert TEXT NOT NULL, id TEXT NOT NULL, last_true TEXT NOT NULL, PRIMARY KEY (alert, id)
);
CREATE TABLE IF NOT EXISTS alarm (
    alert TEXT NOT NULL, id TEXT NOT NULL, fired_at TEXT NOT NULL, account_id TEXT, user_id TEXT, team TEXT, owner TEXT,
    because TEXT NOT NULL, action TEXT NOT NULL, PRIMARY KEY (alert, id, fired_at)
);
CREATE TABLE IF NOT EXISTS delivery (
    alert TEXT NOT NULL, id TEXT NOT NULL, fired_at TEXT NOT NULL, destination TEXT NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, at TEXT NOT NULL, error TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (alert, id, fired_at, destination)
);
"""


@dataclass(frozen=True)
class Message:
    """A line that waits to be sent: of an alarm (`id`: whom it is about) or of a list."""

    alert: str
    id: str
    destination: str
    text: str


@dataclass(frozen=True)
class Digest:
    """What goes to one destination in one message; the receiver knows a repeat by `id`."""

    id: str
    destination: str
    fired_at: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Alarms:
    """The ledger of alarms on an open `night.db`."""

    con: sqlite3.Connection

    @classmethod
    def on(cls, con: sqlite3.Connection) -> Alarms:
        """The tables, made where there are none."""
        con.executescript(_TABLES)
        return cls(con)

    def looked_at(self, alert: str) -> date | None:
        """The night at which a rule was looked at last."""
        row = self.con.execute("SELECT as_of FROM looked WHERE alert = ?", (alert,)).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def first_look(self, alert: str) -> date | None:
        """The night at which a rule was looked at first; None where it never was."""
        row = self.con.execute("SELECT as_of FROM first_look WHERE alert = ?", (alert,)).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def rang_at(self, as_of: date) -> pd.DataFrame:
        """What was written down to ring at a night, with the columns of an alarm."""
        told = self.con.execute("SELECT * FROM alarm WHERE fired_at = ? ORDER BY rowid", (as_of.isoformat(),))
        return pd.DataFrame(told.fetchall(), columns=["alert", "id", "fired_at", *ALARM_COLUMNS[2:-1]])

    def last_true(self, alert: str) -> dict[str, date]:
        """When a rule was true last, by entity."""
        rows = self.con.execute("SELECT id, last_true FROM truth WHERE alert = ?", (alert,)).fetchall()
        return {one: date.fromisoformat(day) for one, day in rows}

    def write_night(
        self,
        as_of: date,
        true: Mapping[str, Iterable[str]],
        fired: pd.DataFrame,
        messages: Sequence[Message],
        *,
        project: str,
        now: datetime,
    ) -> None:
        """Writes down, all or nothing, for whom which rule is true, what rings, and what is to be sent of it.

        `fired` has the columns of an alarm; what rings twice in a night stands once.
        """
        day, at = as_of.isoformat(), now.isoformat(timespec="seconds")
        with self.con:
            for alert, ids in true.items():
                self.con.execute("INSERT OR REPLACE INTO looked VALUES (?, ?)", (alert, day))
                self.con.execute("INSERT OR IGNORE INTO first_look VALUES (?, ?)", (alert, day))
                rows = [(alert, one, day) for one in ids]
                self.con.executemany("INSERT OR REPLACE INTO truth VALUES (?, ?, ?)", rows)
            columns = ["alert", "id", "fired_at", *ALARM_COLUMNS[2:-1]]
            plain = fired.reindex(columns=columns).astype(object).where(fired.reindex(columns=columns).notna(), None)
            self.con.executemany(
                "INSERT OR IGNORE INTO alarm VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                plain.itertuples(index=False, name=None),
            )
            self.con.executemany(
                "INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?, ?, 'queued', ?, '', ?)",
                [
                    (m.alert, m.id, day, m.destination, digest_id(project, m.destination, as_of), at, m.text)
                    for m in messages
                ],
            )

    def waiting(self) -> list[Digest]:
        """What is queued or failed, one digest per destination and night, the oldest first."""
        rows = self.con.execute(
            "SELECT digest, destination, fired_at, text FROM delivery WHERE state <> 'sent'"
            " ORDER BY fired_at, destination, alert, id"
        ).fetchall()
        found: dict[str, list[str]] = {}
        of = {digest: (destination, fired_at) for digest, destination, fired_at, _ in rows}
        for digest, _, _, text in rows:
            found.setdefault(digest, []).append(text)
        return [Digest(digest, *of[digest], tuple(texts)) for digest, texts in found.items()]

    def mark(self, digest: Digest, state: str, *, night: date, now: datetime, error: str = "") -> None:
        """Writes down how a digest fared on a night: sent or failed."""
        with self.con:
            if state == "sent":
                self.con.execute("INSERT OR IGNORE INTO sent_by VALUES (?, ?)", (digest.id, night.isoformat()))
            self.con.execute(
                "UPDATE delivery SET state = ?, at = ?, error = ? WHERE digest = ? AND state <> 'sent'",
                (state, now.isoformat(timespec="seconds"), error, digest.id),
            )

    def sent_by(self, night: date) -> int:
        """How many digests were sent by a night."""
        (n,) = self.con.execute("SELECT count(*) FROM sent_by WHERE as_of = ?", (night.isoformat(),)).fetchone()
        return int(n)

    def fired(self, since: date | None = None) -> pd.DataFrame:
        """What rang, the newest first: ALARM_COLUMNS, indexed by whom it is about (user, account or branch).

        `state` is `listed` where nobody was to be told.
        """
        rows = self.con.execute(
            "SELECT a.id, a.alert, a.fired_at, a.account_id, a.user_id, a.team, a.owner, a.because, a.action,"
            " CASE WHEN count(d.state) = 0 THEN 'listed' WHEN min(d.state = 'sent') = 1 THEN 'sent'"
            " WHEN max(d.state = 'failed') = 1 THEN 'failed' ELSE 'queued' END"
            " FROM alarm a LEFT JOIN delivery d ON d.alert = a.alert AND d.id = a.id AND d.fired_at = a.fired_at"
            " WHERE a.fired_at >= ? GROUP BY a.alert, a.id, a.fired_at ORDER BY a.fired_at DESC, a.alert, a.id",
            ("" if since is None else since.isoformat(),),
        ).fetchall()
        return pd.DataFrame(rows, columns=["id", *ALARM_COLUMNS]).set_index("id")


def digest_id(project: str, destination: str, as_of: date) -> str:
    """The id of what one destination is told of one night: the same whenever it is made.

    >>> digest_id("crm", "CS_URL", date(2026, 3, 1)) == digest_id("crm", "CS_URL", date(2026, 3, 1))
    True
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"powerml:{project}:{destination}:{as_of.isoformat()}"))
