"""A project file made of what the files seem to be; every guess is noted with its alternatives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from powerml.errors import DataError
from powerml.sources.guess.contracts import one_row_each
from powerml.sources.guess.draft import Draft, Entry
from powerml.sources.guess.joins import borrow, event_query, ids_within_accounts
from powerml.sources.guess.look import overlap
from powerml.sources.guess.matching import Match, any_events, assign_tables, is_code
from powerml.sources.guess.shaped import known_shapes
from powerml.sources.guess.words import normal, title_says
from powerml.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from powerml.sources.guess.look import ColumnLook, TableLook

_SAME = 0.5  # half of one table's ids in another: they are ids of the same things


def compose(con: duckdb.DuckDBPyConnection, looks: Sequence[TableLook]) -> Draft:
    """The draft of a project over some tables of files; raises DataError where none of them holds events."""
    draft = Draft()
    shaped = known_shapes(draft, looks)
    looks = [look for look in looks if look not in shaped]
    chosen = {t: m for t, m in assign_tables(looks).items() if t not in draft.entries}
    if "events" not in {**chosen, **draft.entries} and (only := any_events(looks)) is not None:
        chosen = {"events": only} | {t: m for t, m in chosen.items() if m.look.view != only.look.view}
    if "events" not in {**chosen, **draft.entries}:
        listed = "; ".join(f"{look.title} ({', '.join(look.columns)})" for look in looks)
        raise DataError(
            f"no table of events found, rows that say who did what and when, in: {listed};"
            " name the files that hold them"
        )
    for table, match in chosen.items():
        draft.entries[table] = Entry(match.look, dict(match.columns))
    _join_ids(con, draft, chosen)
    for table, match in chosen.items():
        _how_written(draft, table)
        _say_columns(draft, match)
    if "events" in chosen:
        _events(con, draft, looks)
    if "subscriptions" in chosen:
        one_row_each(con, draft)
    _settings(draft)
    for table, entry in draft.entries.items():
        used = {s for s in entry.columns.values() if s}
        if "shape" in entry.keys:
            continue
        if entry.query is None:
            entry.ignored = tuple(c for c in entry.look.columns if c not in used)
        _hold_back(table, entry)
    left = [look.title for look in looks if look.view not in {e.look.view for e in draft.entries.values()}]
    if borrowed := [title for title in left if any(title in (e.query or "") for e in draft.entries.values())]:
        left = [title for title in left if title not in borrowed]
    if left:
        draft.guessed.append(f"left out, being none of our tables: {', '.join(left)}")
    return draft


def _hold_back(table: str, entry: Entry) -> None:
    """A column of canonical name that is used for another one, or for none, must not be taken by itself."""
    if entry.query is None:
        for column in TABLES[table].names:
            if column in entry.look.columns and entry.columns.get(column) != column:
                entry.columns.setdefault(column, None)
        entry.ignored = tuple(c for c in entry.ignored if c not in entry.columns)


def _join_ids(con: duckdb.DuckDBPyConnection, draft: Draft, chosen: dict[str, Match]) -> None:
    """Tables that name the same people or customers by different columns are joined by the ones whose values agree."""
    for home, id_ in (("users", "user_id"), ("accounts", "account_id")):
        keeper = draft.entries.get(home)
        if keeper is None or home not in chosen:
            continue
        for table, entry in draft.entries.items():
            source = entry.columns.get(id_)
            if table == home or source is None or table not in chosen:
                continue
            candidates = [source, *chosen[table].others.get(id_, ())]
            found = {c: overlap(con, (entry.look, c), (keeper.look, keeper.columns[id_] or "")) for c in candidates}
            best = max(candidates, key=lambda c: found[c])
            if found[source] < _SAME <= found[best]:
                entry.columns[id_] = best
            elif found[source] < _SAME and table == "events" and home == "users":
                _other_key(con, draft, keeper, entry, id_, source)


def _other_key(
    con: duckdb.DuckDBPyConnection, draft: Draft, keeper: Entry, events: Entry, id_: str, source: str
) -> None:
    """People go by the column whose values the events have."""
    for column in keeper.look.columns.values():
        if column.is_key and overlap(con, (events.look, source), (keeper.look, column.name)) >= _SAME:
            before, keeper.columns[id_] = keeper.columns[id_], column.name
            draft.guess("users", id_, f"events name people by {column.name!r}", otherwise=repr(before))
            return


def _how_written(draft: Draft, table: str) -> None:
    """Encoding, delimiter, formats of times, and signs of numbers, of the columns that are used."""
    entry = draft.entries[table]
    look, keys = entry.look, entry.keys
    if look.encoding:
        keys["encoding"] = look.encoding
        draft.sure.append(f"{table}: written in {look.encoding}")
    if look.delimiter:
        keys["delimiter"] = look.delimiter
    used = {c: look.columns[s] for c, s in entry.columns.items() if s in look.columns}
    kinds = {c.name: c.kind for c in TABLES[table].columns}
    formats: dict[str, None] = {}
    others: list[str] = []
    for column, seen in used.items():
        if kinds[column] == "time" and seen.times:
            formats |= dict.fromkeys(seen.times.formats)
            others += seen.times.other
    if formats and list(formats) != ["iso"]:
        ordered = sorted(formats, key=lambda f: (f.startswith("epoch"), f != "iso"))
        keys["time_format"] = ordered if len(ordered) > 1 else ordered[0]
        if others:
            draft.guess(table, "time_format", "no date tells day and month apart", otherwise=others[0])
        else:
            draft.sure.append(f"{table}: times are written {' and '.join(ordered)}")
    _numbers(draft, table, {c: s for c, s in used.items() if kinds[c] == "number"})


def _numbers(draft: Draft, table: str, used: dict[str, ColumnLook]) -> None:
    entry = draft.entries[table]
    for column, seen in used.items():
        if seen.numbers is None:
            continue
        if seen.numbers.decimal:
            entry.keys["decimal"] = seen.numbers.decimal
            if seen.numbers.doubt:
                draft.guess(table, "decimal", seen.numbers.doubt)
        if len(seen.numbers.currencies) > 1:
            told = ", ".join(f"{sign} ({n:,} values)" for sign, n in seen.numbers.currencies.items())
            draft.needed.append(
                f"{table}.{column}: several currencies, {told}; bring them to one, for others are set aside"
            )
        for sign in list(seen.numbers.currencies)[:1]:
            entry.keys["currency"] = sign
        if told_by := re.search(r"[£$€¥₹]|\b(USD|EUR|GBP|CHF)\b", seen.name):
            draft.sure.append(f"{table}.{column}: in {told_by[0]}, as {seen.name!r} says")


def _say_columns(draft: Draft, match: Match) -> None:
    entry = draft.entries[match.table]
    certain = []
    for column, source in match.columns.items():
        if entry.columns.get(column) != source or column in entry.comments:
            continue
        if match.is_sure(column) or column == source:
            certain.append(column if column == source else f"{column} from {source!r}")
            continue
        others = ", ".join(map(repr, match.others.get(column, ())))
        draft.guess(match.table, column, f"by its name {source!r}", otherwise=others)
    if certain:
        draft.sure.append(f"{match.table} ({match.look.rows:,} rows of {match.look.title}): {', '.join(certain)}")


def _events(con: duckdb.DuckDBPyConnection, draft: Draft, looks: Sequence[TableLook]) -> None:
    """What events need and may have to be borrowed or assumed: a name, a customer, a person."""
    entry = draft.entries["events"]
    look, columns = entry.look, entry.columns
    borrowed = {}
    event = columns.get("event")
    if event is None or is_code(event):
        found = borrow(con, look, looks, "events", "event")
        if found:
            borrowed["event"] = found
            draft.unsay("events", "event")
            columns.pop("event", None)
            draft.sure.append(f"events: names stand in {found.other.title}.{found.column}, joined by {found.key}")
    if "event" not in columns and not borrowed:
        columns["event"] = f"={normal(look.title).rstrip('s') or 'event'}"
        draft.guess("events", "event", "no column names what happened, so every row is one event of this name")
    if "account_id" not in columns and (found := borrow(con, look, looks, "events", "account_id")):
        borrowed["account_id"] = found
        draft.sure.append(f"events: the account stands in {found.other.title}.{found.column}, joined by {found.key}")
    user, account = columns.get("user_id"), columns.get("account_id")
    alone = user is None and account is not None and not {"accounts", "subscriptions"} & set(draft.entries)
    if alone or (user is not None and user == account):
        columns["user_id"] = account
        del columns["account_id"]
        draft.unsay("events", "account_id")
    within = bool(
        user
        and account
        and account != user
        and "users" not in draft.entries
        and ids_within_accounts(con, look, user, account)
    )
    if within:
        draft.guess("events", "user_id", f"{user!r} repeats from account to account, so the account goes before it")
    if "user_id" not in columns:
        _nobody(draft, borrowed_account="account_id" in borrowed)
    if borrowed or within:
        present = {c: s for c, s in columns.items() if s is not None}
        entry.query = event_query(look, present, borrowed, within=within)
        for column in ("encoding", "delimiter"):
            entry.keys.pop(column, None)


def _nobody(draft: Draft, *, borrowed_account: bool) -> None:
    """Events that name no person: their account stands for one."""
    entry = draft.entries["events"]
    near = [c for c in entry.look.columns if normal(c).endswith("_id") and c not in entry.columns.values()]
    if not borrowed_account:
        entry.columns["user_id"] = entry.columns["account_id"]
    draft.guess(
        "events", "user_id", "no column names a person, so the account stands for one", otherwise=", ".join(near)
    )


def _settings(draft: Draft) -> None:
    entries = draft.entries
    seen = [s for e in entries.values() for s in e.look.columns.values()]
    zoned = any(s.kind == "TIMESTAMP WITH TIME ZONE" or (s.times is not None and s.times.zoned) for s in seen)
    said = (
        "times name their zone; days begin at its midnight" if zoned else "no time names its zone; write the one meant"
    )
    draft.settings["timezone"] = ("UTC", f"guess: {said}, like Europe/Berlin")
    draft.guessed.append(f"timezone: UTC ({said})")
    events = entries["events"]
    accounts = "account_id" in events.columns or "account_id" in (events.query or "")
    named = "account stands for one" not in events.comments.get("user_id", "")
    people = named and ("users" in entries or not accounts)
    entity = "user" if people else "account"
    why = "events name no persons" if not named else "no table tells of people"
    if people:
        why = "there is a table of people" if "users" in entries else "events name persons only"
    other = "account" if entity == "user" else "user"
    draft.settings["entity"] = (entity, f"guess: {why}; or {other}")
    draft.guessed.append(f"entity: {entity} ({why}); or {other}")
    if "subscriptions" in entries:
        draft.settings["outcome"] = ({"kind": "contract"}, "what customers pay is known; or behavioural")
    else:
        draft.settings["outcome"] = (
            {"kind": "behavioural"},
            "no table tells what customers pay: activity stands for it",
        )
        draft.needed.append(
            "a table of subscriptions (account, start, end, plan, mrr), for churn and expansion as paid"
        )
    if "shape" not in events.keys and not title_says("events", events.look.title):
        draft.guessed.append(f"events are the rows of {entries['events'].look.title}")
