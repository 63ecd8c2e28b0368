"""The draft tried on the data by the reader of all commands: what does not fit goes, or is allowed, and is said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from powerml.sources.guess.meanings import EventName
from powerml.sources.loading import open_sources
from powerml.sources.rules import BEFORE, DUPLICATE, FUTURE, RAGGED
from powerml.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from powerml.config.project import ProjectSpec
    from powerml.sources.guess.draft import Draft
    from powerml.sources.loaded import Loaded

ALLOWED = 0.01  # the share of bad rows that stops a run unless the project says otherwise
_MOST_ALLOWED = 0.25
_KEPT = ("end",)  # without it nobody ever leaves: rows that break its rules are set aside instead


def settle(draft: Draft, project: Callable[[Draft], ProjectSpec], now: datetime) -> Loaded:
    """Opens the draft's tables, mends it where more rows break a rule than a run allows, and opens them again."""
    for _ in range(4):
        loaded = open_sources(project(draft), now=now, lenient=True)
        absent = [t for t in draft.entries if t not in loaded.tables and t != "events"]
        for table in absent:
            said = next((p for p in loaded.problems if p), "it cannot be read")
            _drop(draft, table, said)
        mended = [_mend(draft, table, loaded) for table in list(draft.entries) if table in loaded.tables]
        if not absent and not any(mended):
            return loaded
        loaded.con.close()
    return open_sources(project(draft), now=now, lenient=True)


def _mend(draft: Draft, table: str, loaded: Loaded) -> bool:
    entry = draft.entries[table]
    ((rows, bad),) = loaded.report.loc[loaded.report["table"] == table, ["rows", "quarantined"]].to_numpy().tolist()
    if not rows or bad / rows <= entry.keys.get("max_bad_rows", ALLOWED):
        return False
    broken = loaded.rules[loaded.rules["table"] == table].sort_values("rows", ascending=False)
    column, rule, n = broken[["column", "rule", "rows"]].to_numpy().tolist()[0]
    optional = column in TABLES[table].names and column not in TABLES[table].required and column not in _KEPT
    told = f"{n:,} of {rows:,} rows are {rule!r}"
    if optional and not rule.startswith(DUPLICATE):
        source = entry.columns.get(column) or column
        entry.columns[column] = None
        if entry.query is None:
            entry.ignored = tuple(dict.fromkeys((*entry.ignored, *([source] if source != column else []))))
        draft.guess(table, column, f"not read, for {told}", otherwise=f"read it ({source}) and raise max_bad_rows")
        return True
    share = bad / rows
    if table == "events" or share <= _MOST_ALLOWED or rule in (RAGGED, FUTURE) or rule.startswith(BEFORE):
        entry.keys["max_bad_rows"] = min(1.0, math.ceil(share * 100 + 0.5) / 100)
        draft.guess(table, "max_bad_rows", f"{column}: {told}, which are set aside")
        draft.needed.append(f"{table}.{column}: look at the rows set aside ({told}), or correct the mapping")
        return True
    _drop(draft, table, f"{column}: {told}")
    return True


def _drop(draft: Draft, table: str, why: str) -> None:
    entry = draft.entries.pop(table)
    draft.guessed[:] = [said for said in draft.guessed if not said.startswith(f"{table}.")]
    draft.sure[:] = [said for said in draft.sure if not said.startswith(f"{table}")]
    draft.needed.append(f"{table}: left out ({entry.look.title}), for {why}")
    if table == "subscriptions":
        draft.settings["outcome"] = ({"kind": "behavioural"}, f"subscriptions cannot be read: {why}")


def event_names(loaded: Loaded, entity: str) -> tuple[list[EventName], int]:
    """Every event name, the most frequent first, by how many users or accounts, and how many of them there are."""
    who = "account_id" if entity == "account" and "account_id" in loaded.columns["events"] else "user_id"
    rows = loaded.con.execute(
        f"SELECT event, count(*), CAST(min(time) AS DATE), CAST(max(time) AS DATE), count(DISTINCT {who})"
        " FROM events GROUP BY event ORDER BY count(*) DESC, event"
    ).fetchall()
    people = loaded.con.execute(f"SELECT count(DISTINCT {who}) FROM events").fetchone()
    return [EventName(*row) for row in rows], people[0] if people else 0
