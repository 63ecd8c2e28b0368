"""The canonical tables: what passes between the parts. Read this first.

Raw data is mapped onto the tables of `TABLES` (times are UTC instants, ids are text). From them come the *snapshot*
(one row per entity and cutoff, every metric a column), the *labels* (what happened in the 90 days after it) and the
*scores*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["id", "text", "time", "number"]

OUTCOMES = ("churn", "stay", "expand")
LABELS = ("ineligible", "immature", *OUTCOMES)
ENTITY_IDS = ("user_id", "account_id")  # what the id of a row may be called in ready-made tables, the entity first
ROW = "row"  # stands for the number of a row where a ready-made table has no ids
PROBABILITIES = ("p_churn", "p_stay", "p_expand", "churn_lift")
OUTPUTS = (
    *("score", "raw_score", "document_score", "band", "tier", "percentile", *PROBABILITIES),
    *("coverage", "reasons", "status", "model", "model_version", "scored_at"),
)
"""Columns of the scores table, whose names no id of a ready-made table may bear."""
RESERVED = frozenset((*OUTPUTS, *ENTITY_IDS, ROW, "as_of", "label", "enough_history", "active", "treated"))
"""Names of columns that mean something here: no metric and no part of a score bears one."""
NOT = "not_"  # a custom yes/no outcome is labelled `NAME` and `not_NAME`


def is_rest(outcome: object) -> bool:
    """Whether an outcome is what is left where no other came, and is not judged by itself: `stay`, or `not_NAME`.

    >>> is_rest("stay"), is_rest("not_advocate"), is_rest("advocate")
    (True, True, False)
    """
    return isinstance(outcome, str) and (outcome == "stay" or outcome.startswith(NOT))


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether a row without it is bad, the values it may take, its meaning."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, its columns, which time says when the row happened, and its key.

    With `known_at` a table holds versions: of each key the one known last before a cutoff counts. Without it a key must
    be unique.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    time: str | None = None
    key: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every row must fill."""
        return tuple(c.name for c in self.columns if c.required)


EARLIEST = date(1990, 1, 1)
"""Before this no product was used; a project may say otherwise (`earliest`)."""
LONGEST_DAYS = 3660
"""Ten years: no window, horizon, grace or history is longer."""
FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2199, 12, 31)
"""Between these any date that a person writes lies."""
LATEST = datetime(9999, 12, 31)
"""What databases write for "never ends"; nothing lies after it."""
LARGEST_NUMBER = 1e30
"""No number is larger: what is beyond cannot be squared and summed over any number of rows."""
KNOWN_AT = "known_at"

_WRITTEN = Column(KNOWN_AT, "time", "when this version was written; it then decides. Empty: from the beginning")


def _table(name: str, row: str, *columns: Column, time: str | None = None, key: tuple[str, ...] = ()) -> Table:
    return Table(name, row, (*columns, _WRITTEN), time, key)


LAST_COUNTS = ("usage_limits", "surveys")
"""Tables of readings and answers: of two at the same instant the one that comes last in the source counts."""

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(
            "events",
            "something a user did",
            Column("user_id", "id", "who", required=True),
            Column("event", "text", "the name of what happened", required=True),
            Column("time", "time", "when", required=True),
            Column("account_id", "id", "the customer it belongs to"),
            Column("session_id", "id", "the visit it was part of"),
            Column("event_id", "id", "unique; exact duplicates count once"),
            Column("value", "number", "an amount, summed by `data_processed_30d`"),
            Column("properties", "text", "anything else, as JSON"),
            time="time",
        ),
        _table(
            "users",
            "a person with a login",
            Column("user_id", "id", "who", required=True),
            Column("account_id", "id", "the customer they belong to"),
            Column("created_at", "time", "when the login was made"),
            Column("deactivated_at", "time", "when it was closed"),
            Column("name", "text", "for lists, never tracked"),
            Column("email", "text", "for lists, never tracked"),
            time="created_at",
            key=("user_id",),
        ),
        _table(
            "accounts",
            "a customer",
            Column("account_id", "id", "which", required=True),
            Column("created_at", "time", "when it became one"),
            Column("name", "text", "for lists, never tracked"),
            Column("owner", "text", "who looks after it"),
            time="created_at",
            key=("account_id",),
        ),
        _table(
            "subscriptions",
            "a period in which an account paid the same for the same",
            Column("account_id", "id", "which", required=True),
            Column("start", "time", "first instant of the period", required=True),
            Column("end", "time", "first instant after it; null = open"),
            Column("plan", "text", "one of the project's plans"),
            Column("mrr", "number", "monthly recurring revenue", low=0),
            Column("seats", "number", "seats paid for", low=0),
            Column("reason", "text", "why it ended, where that was asked"),
            time="start",
            key=("account_id", "start"),
        ),
        _table(
            "usage_limits",
            "a reading of one limited resource",
            Column("account_id", "id", "which", required=True),
            Column("time", "time", "when it was read", required=True),
            Column("resource", "text", "what is limited", required=True),
            Column("used", "number", "how much was used", required=True, low=0),
            Column("limit", "number", "how much there is; null = unlimited", low=0),
            time="time",
            key=("account_id", "resource", "time"),
        ),
        _table(
            "tickets",
            "a support ticket",
            Column("ticket_id", "id", "which", required=True),
            Column("opened_at", "time", "when it was opened", required=True),
            Column("account_id", "id", "the customer it is about"),
            Column("user_id", "id", "who opened it"),
            Column("resolved_at", "time", "when it was resolved"),
            Column("sentiment", "text", "how it went", one_of=("positive", "neutral", "negative")),
            Column("csat", "number", "satisfaction, 1 to 5", low=1, high=5),
            time="opened_at",
            key=("ticket_id",),
        ),
        _table(
            "surveys",
            "an NPS answer",
            Column("user_id", "id", "who answered", required=True),
            Column("time", "time", "when", required=True),
            Column("nps", "number", "0 to 10", required=True, low=0, high=10),
            time="time",
            key=("user_id", "time"),
        ),
        _table(
            "treatments",
            "a playbook or campaign that touched someone",
            Column("entity_id", "id", "the user or account", required=True),
            Column("time", "time", "when", required=True),
            Column("playbook", "text", "which", required=True),
            Column("arm", "text", "of a trial: treat, or hold (not touched); empty: treat", one_of=("treat", "hold")),
            Column("note", "text", "anything else"),
            time="time",
        ),
    )
}

_OWN = re.compile(r"own \d+ (.*)", re.DOTALL)


def own_column(column: str) -> str:
    """The name inside plans of a source's column that is no canonical one: it can be none of the plans' own names.

    It counts the capitals, because DuckDB takes `day` and `Day` for one name.

    >>> own_column("day"), own_column("Day")
    ('own 0 day', 'own 1 Day')
    """
    return f"own {sum(1 << place for place, letter in enumerate(column) if letter != letter.lower())} {column}"


def as_written(column: str) -> str:
    """A column's name as the source has it."""
    own = _OWN.fullmatch(column)
    return own[1] if own else column


# Pairs of times of which the second must not lie before the first.
ORDERED: dict[str, tuple[tuple[str, str], ...]] = {
    "users": (("created_at", "deactivated_at"),),
    "subscriptions": (("start", "end"),),
    "tickets": (("opened_at", "resolved_at"),),
}


@dataclass(frozen=True)
class NamedColumns:
    """What the caller said of a feature table's columns; those not named are guessed or absent."""

    target: str
    group: str | None = None
    time: str | None = None
    id_: str | None = None
    good: bool = False  # whether the target is a success, that the score rises with


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A ready-made table to learn from, read and checked: one row per entity (and cutoff), in the order of both.

    `source`: the file's name. `frame`: as_of, the ids, label, the columns of structure, then features as numbers or
    texts. `named`: columns as said or found. `categories`: features that are texts. `coverage`: metric, available,
    reason. `notes`: sentences on what was left out, counted as unknown, or found. `instants`: features that were dates
    or epochs and are days before the row's date, negative where they lie after it.
    """

    source: str
    named: NamedColumns
    frame: pd.DataFrame
    id_column: str
    categories: tuple[str, ...]
    coverage: pd.DataFrame
    notes: tuple[str, ...]
    instants: tuple[str, ...] = ()

    @property
    def scores_ids(self) -> str:
        """The id column that a table to be scored must have; "row" where there is none."""
        return self.named.id_ or ROW
