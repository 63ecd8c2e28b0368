"""What was sent to which sink, row by row: a table of the ledger `.powerml/night.db`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

SentState = Literal["in flight", "sent", "unknown", "waiting", "set aside"]
_TABLES = """
CREATE TABLE IF NOT EXISTS sent (
    sink TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL,
    digest TEXT NOT NULL, remote TEXT NOT NULL, as_of TEXT NOT NULL, why TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (sink, kind, key)
);
"""


@dataclass(frozen=True)
class SentRow:
    """What the ledger says of one thing on the other side.

    `kind` and `key` name it (`event` and its uuid, `person` and the entity's id, ...), `id` is the entity it is about
    (empty for a cohort or a list), `digest` stands for its content, `remote` is its id there. States: `in flight` (a
    request is under way, or was when the process died), `unknown` (no answer came), `waiting` (it was not taken),
    `sent`, `set aside` (the other side takes everything but this).
    """

    kind: str
    key: str
    id: str
    state: SentState
    digest: str
    remote: str = ""
    as_of: str = ""
    why: str = ""


@dataclass(frozen=True)
class SinkLedger:
    """The rows of one sink in an open `night.db`; every change is on the disk when the call returns."""

    con: sqlite3.Connection
    sink: str

    @classmethod
    def on(cls, con: sqlite3.Connection, sink: str) -> SinkLedger:
        """The ledger of a sink; the table is made where there is none.

        Rows are written ahead, so that thousands of them do not wait for the disk one by one: a kill loses none. A
        power cut may lose the last ones; what they told of is then sent again, under the same id.
        """
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("PRAGMA synchronous = NORMAL")
        con.executescript(_TABLES)
        return cls(con, sink)

    def rows(self, kind: str) -> dict[str, SentRow]:
        """What is known of a kind, by key, in the order of the keys."""
        found = self.con.execute(
            "SELECT kind, key, id, state, digest, remote, as_of, why FROM sent"
            " WHERE sink = ? AND kind = ? ORDER BY key",
            (self.sink, kind),
        )
        return {row[1]: SentRow(*row) for row in found}

    def older(self, kind: str, than: datetime) -> list[SentRow]:
        """What of a kind was written down before an instant, in the order of the keys."""
        found = self.con.execute(
            "SELECT kind, key, id, state, digest, remote, as_of, why FROM sent"
            " WHERE sink = ? AND kind = ? AND at < ? ORDER BY key",
            (self.sink, kind, than.isoformat(timespec="seconds")),
        )
        return [SentRow(*row) for row in found]

    def row(self, kind: str, key: str) -> SentRow | None:
        """What is known of one thing."""
        found = self.con.execute(
            "SELECT kind, key, id, state, digest, remote, as_of, why FROM sent WHERE sink = ? AND kind = ? AND key = ?",
            (self.sink, kind, key),
        ).fetchone()
        return None if found is None else SentRow(*found)

    def write(self, rows: Iterable[SentRow], *, now: datetime) -> None:
        """Writes rows down, all or nothing; a row without `remote` keeps the one that is known."""
        at = now.isoformat(timespec="seconds")
        with self.con:
            self.con.executemany(
                "INSERT INTO sent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sink, kind, key) DO UPDATE SET"
                " id = excluded.id, state = excluded.state, digest = excluded.digest, as_of = excluded.as_of,"
                " why = excluded.why, at = excluded.at,"
                " remote = CASE excluded.remote WHEN '' THEN sent.remote ELSE excluded.remote END",
                [(self.sink, r.kind, r.key, r.id, r.state, r.digest, r.remote, r.as_of, r.why, at) for r in rows],
            )

    def drop(self, kind: str, keys: Iterable[str]) -> None:
        """Forgets rows of what is no longer there."""
        with self.con:
            self.con.executemany(
                "DELETE FROM sent WHERE sink = ? AND kind = ? AND key = ?", [(self.sink, kind, key) for key in keys]
            )


def holders(con: sqlite3.Connection, ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """(id, sink, what it holds of them) for each of some entities of whom something was sent, or may have been."""
    if con.execute("SELECT 1 FROM sqlite_master WHERE name = 'sent'").fetchone() is None:
        return []
    found: dict[tuple[str, str], dict[str, str]] = {}
    for id_ in ids:
        for sink, kind, remote in con.execute(
            "SELECT sink, kind, remote FROM sent WHERE (id = ? OR key = ?)"
            " AND state IN ('sent', 'unknown', 'in flight') ORDER BY sink, kind, remote",
            (id_, id_),
        ):
            found.setdefault((id_, sink), {})[kind] = remote
    return [
        (id_, sink, f"{id_}: " + ", ".join(f"{kind} {remote}".strip() for kind, remote in kinds.items()))
        for (id_, sink), kinds in found.items()
    ]
