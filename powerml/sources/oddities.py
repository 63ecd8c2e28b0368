"""What `check` says about tables and how they hang together: ids that do not meet, endless sessions, epochs, money.

Counts only; nothing here stops a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sources.fixes import look_of_time
from powerml.sources.loaded import rows_of
from powerml.sources.rules import BEFORE, FUTURE, NOT_A_TIME
from powerml.sources.sql import among, name

if TYPE_CHECKING:
    from powerml.sources.loaded import Loaded

MEETING = 0.5  # fewer of a table's ids than this known elsewhere: the columns may not hold the same ids
LONG_SESSION_US = 24 * 3_600_000_000
NO_SESSION = ("-1", "0", "none", "null", "undefined", "n/a", "na", "-", "00000000-0000-0000-0000-000000000000")
"""What trackers write for "no session", in small letters."""

NOBODY = ("undefined", "(null)", "(none)", "(not set)", "n/a", "#n/a", "nil", "unknown", "-", NO_SESSION[-1])
"""What exports write for nobody, in small letters; the words of `ids.NULL_WORDS` are null already."""

_USERS = (("users", "user_id"), ("events", "user_id"))
_ACCOUNTS = (("accounts", "account_id"), ("users", "account_id"), ("events", "account_id"))
_MEET: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("events", "user_id", (("users", "user_id"),)),
    ("events", "account_id", (("accounts", "account_id"), ("users", "account_id"))),
    ("users", "account_id", (("accounts", "account_id"),)),
    ("subscriptions", "account_id", _ACCOUNTS),
    ("usage_limits", "account_id", _ACCOUNTS),
    ("tickets", "account_id", _ACCOUNTS),
    ("tickets", "user_id", _USERS),
    ("surveys", "user_id", _USERS),
    ("treatments", "entity_id", _USERS + _ACCOUNTS),
)


def oddities(loaded: Loaded) -> list[str]:
    """A sentence for each thing to look at in the tables loaded."""
    return [*_nobody(loaded), *_keys(loaded), *_sessions(loaded), *_times(loaded), *_money(loaded)]


def _keys(loaded: Loaded) -> list[str]:
    found = []
    for table, column, others in _MEET:
        there = [(t, c) for t, c in others if c in loaded.columns.get(t, ())]
        if column in loaded.columns.get(table, ()) and there and not _is_account(loaded, table, column):
            found += _meeting(loaded, table, column, there)
    return found


def _is_account(loaded: Loaded, table: str, column: str) -> bool:
    """Whether the account stands for a person in each event, as where events name no persons."""
    if (table, column) != ("events", "user_id") or "account_id" not in loaded.columns["events"]:
        return False
    other = f"SELECT 1 FROM {rows_of(loaded, table)} WHERE user_id IS DISTINCT FROM account_id LIMIT 1"
    return loaded.con.execute(other).fetchone() is None


def _meeting(loaded: Loaded, table: str, column: str, others: list[tuple[str, str]]) -> list[str]:
    """What to say of the ids of a column that should stand in others; nothing where enough do."""
    ours = f"SELECT DISTINCT {name(column)} AS id FROM {rows_of(loaded, table)} WHERE {name(column)} IS NOT NULL"
    theirs = " UNION ".join(
        f"SELECT {name(c)} AS id FROM {rows_of(loaded, t)} WHERE {name(c)} IS NOT NULL" for t, c in others
    )
    row = loaded.con.execute(
        f"WITH ours AS ({ours}), theirs AS ({theirs}), lost AS (FROM ours WHERE id NOT IN (FROM theirs)),"
        " idle AS (FROM theirs WHERE id NOT IN (FROM ours))"
        " SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs), (SELECT count(*) FROM lost),"
        " (SELECT min(id) FROM lost), (SELECT min(id) FROM idle),"
        " (SELECT count(*) FROM lost WHERE lower(id) IN (SELECT lower(id) FROM theirs)),"
        " (SELECT count(*) FROM lost WHERE ltrim(id, '0') IN (SELECT ltrim(id, '0') FROM theirs))"
    ).fetchone()
    assert row is not None
    total, known, lost, example, other, by_case, by_zeros = row
    where = " or ".join(dict.fromkeys(t for t, _ in others))
    if total and not known:
        return [f"{total:,} {column}s stand in {table}, but no row of {where} names any; map or fill the column there"]
    if not total or (total - lost >= MEETING * total and not by_case):
        return []
    beside = f", there {other!r}" if other is not None else ""
    return [
        f"{total - lost:,} of {total:,} {column}s of {table} stand in {where}: for example {example!r} does "
        f"not{beside}; {_clue(example, other, by_case, by_zeros)}"
    ]


def _clue(example: str, other: str | None, by_case: int, by_zeros: int) -> str:
    if by_case:
        return f"{by_case:,} would if case did not count: say 'ids: casefold'"
    if by_zeros:
        return f"{by_zeros:,} would without the zeros they are padded with: cut them in a query"
    if other is not None and ("@" in example) != ("@" in other):
        return "one side holds e-mail addresses: map the column that holds the same ids"
    if other is not None and example.replace(".", "", 1).isdigit() != other.replace(".", "", 1).isdigit():
        return "one side holds numbers, the other texts: map the column that holds the same ids"
    return "map the column that holds the same ids"


def _nobody(loaded: Loaded) -> list[str]:
    """Ids of people and customers that are words for nobody, and join what does not belong together."""
    found = []
    for table, column in (*_USERS, *_ACCOUNTS, ("subscriptions", "account_id")):
        if column not in loaded.columns.get(table, ()):
            continue
        rows = loaded.con.execute(
            f"SELECT {name(column)}, count(*) FROM {rows_of(loaded, table)}"
            f" WHERE {among(f'lower({name(column)})', NOBODY)} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        found += [
            f"{table}: the {column} {value!r} stands on {n:,} rows and seems to mean nobody; in a query, make it "
            f"empty: NULLIF({column}, '{value}')"
            for value, n in rows
        ]
    return found


def _sessions(loaded: Loaded) -> list[str]:
    if "session_id" not in loaded.columns.get("events", ()):
        return []
    events = rows_of(loaded, "events")
    query = "in a query, make it empty where there is none: NULLIF(session_id, '-1')"
    stands_for_none = among("lower(session_id)", NO_SESSION)
    none = loaded.con.execute(
        f"SELECT session_id, count(*), count(DISTINCT user_id) FROM {events} WHERE {stands_for_none}"
        # where sessions are numbered from 0 on, one of one user is as short as any
        " GROUP BY session_id HAVING session_id <> '0' OR count(DISTINCT user_id) > 1"
        " OR max(time) - min(time) > INTERVAL 12 HOURS ORDER BY count(*) DESC, session_id"
    ).fetchall()
    found = [
        f"events: the session_id {session!r} stands on {n:,} events of {users:,} users and seems to mean 'no session'; "
        f"{query.replace('-1', session)}"
        for session, n, users in none
    ]
    row = loaded.con.execute(
        "SELECT count(*), max(long), arg_max(session_id, long), arg_max(user_id, long) FROM (SELECT user_id,"
        f" session_id, epoch_us(max(time)) - epoch_us(min(time)) AS long FROM {events} WHERE session_id IS NOT NULL"
        f" GROUP BY user_id, session_id HAVING long > {LONG_SESSION_US})"
    ).fetchone()
    if row and row[0]:
        n, longest, session, user = row
        found.append(
            f"events: {n:,} sessions are longer than a day, the longest {longest / LONG_SESSION_US:,.0f} days "
            f"(session_id {session!r} of user {user!r}); is it an id of sessions? If some stand for none, {query}"
        )
    return found


def _times(loaded: Loaded) -> list[str]:
    """Numbers and dates of January 1970 among the times set aside: epochs in another unit."""
    rules, rows = loaded.rules, loaded.quarantine
    found = []
    for row in rules.itertuples():
        if row.rule not in (NOT_A_TIME, FUTURE) and not str(row.rule).startswith((BEFORE, "after ")):
            continue
        same = rows[(rows["table"] == row.table) & (rows["rule"] == row.rule) & (rows["column"] == row.column)]
        for value in same["value"].head(100):
            if look := look_of_time(value):
                found.append(f"{row.table}: {row.rows:,} values of {row.column}, such as {value!r}, {look}")
                break
    return found


def _money(loaded: Loaded) -> list[str]:
    if "mrr" not in loaded.columns.get("subscriptions", ()):
        return []
    row = loaded.con.execute("SELECT count(*) FILTER (mrr IS NULL), count(*) FROM subscriptions").fetchone()
    if row is None or not row[0]:
        return []
    return [
        f"subscriptions: mrr is blank in {row[0]:,} of {row[1]:,} rows, which count as not paying; fill it, or write 0 "
        "where nothing is paid"
    ]
