"""The same past with another future: whatever a cutoff cannot know is deleted, changed and added to, in every table."""

from __future__ import annotations

import dataclasses
import random
from datetime import date, datetime, timedelta

from tests.oracle.project import HAPPENED, KEYS, Project, Row
from tests.oracle.world import NAMES, PAUSES

ENDS = {"users": "deactivated_at", "tickets": "resolved_at", "subscriptions": "end"}


def with_another_future(project: Project, as_of: date, seed: int) -> Project:
    """`project` as it may look to somebody who knows another future, or none; the past of `as_of` is untouched."""
    chance = random.Random(seed)
    cutoff = project.settings.midnight(as_of)
    tables = {}
    for name, rows in project.tables.items():
        past = [row for row in rows if not of_the_future(name, row, cutoff)]
        future = [row for row in rows if of_the_future(name, row, cutoff) and chance.random() < 0.5]
        future += [_moved(name, row, cutoff, chance) for row in chance.sample(rows, min(len(rows), 25))]
        past = [_ending_otherwise(name, row, cutoff, chance) for row in past]
        chance.shuffle(future)
        future = _without_twins(name, past, future)
        before = chance.randrange(len(future) + 1)
        tables[name] = [*future[:before], *past, *future[before:]]
    return dataclasses.replace(project, tables=tables)


def of_the_future(table: str, row: Row, cutoff: datetime) -> bool:
    """Whether the row happened or was written at the cutoff or later.

    A version of somebody or something that was written before is of the past even if it tells of the future: it stands
    in place of what was known until then.
    """
    if says_otherwise(table, row):
        return row["known_at"] is not None and row["known_at"] >= cutoff
    times = (row.get(HAPPENED[table]), row.get("known_at"))
    return any(time is not None and time >= cutoff for time in times)


def says_otherwise(table: str, row: Row) -> bool:
    """Whether versions of one key may tell of different times."""
    return "known_at" in row and table in KEYS and HAPPENED[table] not in KEYS[table]


def _later(cutoff: datetime, chance: random.Random) -> datetime:
    """An instant of the future, often the first."""
    return cutoff + chance.choice((timedelta(0), timedelta(microseconds=1), timedelta(days=40), *PAUSES))


def _ending_otherwise(table: str, row: Row, cutoff: datetime, chance: random.Random) -> Row:
    end = ENDS.get(table)
    if end is None or end not in row or (row[end] is not None and row[end] < cutoff):
        return row
    begun, later = row.get(HAPPENED[table]), _later(cutoff, chance)
    if begun is not None and begun > later:  # a version may tell of something that is yet to begin
        later = begun + timedelta(days=3)
    return {**row, end: chance.choice((None, later))}


def _moved(table: str, row: Row, cutoff: datetime, chance: random.Random) -> Row:
    """A row much like one that is there, but of the future: it happens later, or is written later."""
    row = {**row, **_other_words(table, row, chance)}
    end = ENDS.get(table)
    if "known_at" in row and (says_otherwise(table, row) or chance.random() < 0.5):
        return {**row, "known_at": _later(cutoff, chance)}
    happens = _later(cutoff, chance)
    row = {**row, HAPPENED[table]: happens}
    if end is not None and end in row:
        row[end] = chance.choice((None, happens + timedelta(days=3)))
    return row


def _other_words(table: str, row: Row, chance: random.Random) -> Row:
    """Everything else that a row of the future may say: it may even repeat an id of the past."""
    if table == "events":
        return {
            "event": chance.choice((row["event"], *NAMES)),
            **({"event_id": chance.choice((None, row["event_id"]))} if "event_id" in row else {}),
        }
    if table in ("users", "accounts"):
        key = "user_id" if table == "users" else "account_id"
        return {key: chance.choice((f"new {chance.randrange(999)}", row[key], "ghost"))}
    if table == "tickets":
        return {"ticket_id": f"new {chance.randrange(10**9)}"}
    if table == "subscriptions":
        return {"mrr": chance.choice((0.0, 1e6))}
    return {}


def _without_twins(table: str, past: list[Row], future: list[Row]) -> list[Row]:
    """Rows of the future whose key has no other row, unless the table tells versions apart."""
    if table not in KEYS or any("known_at" in row for row in (*past, *future)):
        return future
    kept = {tuple(row[column] for column in KEYS[table]): row for row in future}
    for row in past:
        kept.pop(tuple(row[column] for column in KEYS[table]), None)
    return list(kept.values())
