"""Events rolled up once: counts per (user, account, day, kind of event), and pieces of sessions.

Everything a snapshot says about events is computed from these two tables, whatever the cutoffs; users, accounts and
kinds of event are whole numbers in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from powerml.errors import DataError
from powerml.snapshots.engine.words import epoch_us, hash64
from powerml.snapshots.vocabulary import EventKinds, event_kinds
from powerml.snapshots.windows import Calendar
from powerml.tables import as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine

ACCOUNT_TABLES = ("events", "users", "accounts", "subscriptions", "usage_limits", "tickets")
SAMPLE_EVERY = 64  # one user in so many tells whether counting per day makes the events fewer
HARDLY_FEWER = 0.7


@dataclass(frozen=True)
class Inputs:
    """The canonical tables as relations of one engine, and which canonical columns each really has."""

    engine: Engine
    tables: Mapping[str, ir.Table]
    columns: Mapping[str, tuple[str, ...]]

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether the source has the table (and the column)."""
        return table in self.tables and (column is None or column in self.columns[table])


@dataclass(frozen=True)
class Overall:
    """What is the same for all events, whoever's they are: kinds, days, and the accounts of all tables.

    `first_day`, `last_day`: the days with events. `seen`: per kind of event the first day on which it was known.
    `accounts`: aid/account_id.
    """

    accounts: ir.Table
    kinds: EventKinds
    calendar: Calendar
    first_day: int
    last_day: int
    has_known: bool
    amounts: tuple[str, ...]
    gap_us: int
    seen: np.ndarray

    def seen_before(self, cutoff: int) -> np.ndarray:
        """Which kinds of event were known to have occurred before a cutoff: flags in the order of `kinds.frame`."""
        return self.seen < cutoff


@dataclass(frozen=True)
class Rollups(Overall):
    """Events as whole numbers.

    days: uid, aid (null), day, ev, n, last_t [, X_sum, X_n, X_max for every X of `amounts`] [, known]
    pieces: uid, aid, sid (null if derived), day, first_t, last_t [, known]: runs of events that no gap can split
    atoms: uid, aid, day [, known] and a column per atom, once `powerml.snapshots.derived.prepare` made them
    sessions: what `session_days` gives per user, made by `prepare` too, where nothing becomes known late
    users: uid/user_id. `one_row`: atoms have one row per user and day.
    `single`: each row of days is one event. `most`: no user has more events on a day, once `prepare` counted them and
    where atoms have one row per user and day.
    `history`: what happened before a day some time ago, folded, where the cache holds it (`snapshots.cache.history`).
    `known` is the day on which a row written late became known; a snapshot reads rows with `known` before its cutoff.
    """

    days: ir.Table
    pieces: ir.Table
    users: ir.Table
    one_row: bool
    single: bool = False
    most: int | None = None
    atoms: ir.Table | None = None
    sessions: ir.Table | None = None
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    store: Any = field(default=None, compare=False, repr=False)  # the RollupStore that holds them, if any
    history: Any = field(default=None, compare=False, repr=False)  # a History, if one serves the cutoffs asked for

    def known_before(self, cutoff: int) -> Rollups:
        """The roll-ups as they were known at one cutoff (a day number)."""
        if not self.has_known:
            return self
        return replace(
            self,
            days=self.days.filter(_.known < cutoff),
            pieces=self.pieces.filter(_.known < cutoff),
            atoms=None if self.atoms is None else self.atoms.filter(_.known < cutoff),
            sessions=None,
            has_known=False,
            memo={},
            store=None,
        )


def roll_up(
    inputs: Inputs,
    project: ProjectSpec,
    *,
    extra: Iterable[str] = (),
    amounts: Iterable[str] = (),
    whole_of: Overall | None = None,
    users: ir.Table | None = None,
) -> Rollups:
    """Reads the events once and rolls them up.

    `extra` names further event columns that metrics tell kinds of event apart by, `amounts` those that they add up;
    `users` are the `numbered_users` of the inputs where somebody has numbered them.
    Where `inputs` are some users' part of all, `whole_of` is what is known of all: it may have no event at all.
    """
    engine = inputs.engine
    events = inputs.tables["events"]
    calendar = Calendar(project.timezone)
    asked = sorted({"event", *extra})
    span: Mapping[str, int]
    if whole_of is None:
        span = engine.rows(events.aggregate(low=epoch_us(_.time.min()), high=epoch_us(_.time.max())))[0]
        if span["low"] is None:
            raise no_events(project)
        kinds = event_kinds(distinct_kinds(engine, events, asked), project.meanings)
    else:
        span = {"low": calendar.midnight(whole_of.first_day), "high": calendar.midnight(whole_of.last_day + 1) - 1}
        kinds = whole_of.kinds
    told = kind_table(engine, kinds, asked)
    users = numbered_users(inputs) if users is None else users
    accounts = numbered(engine, inputs, "account_id", "aid", ACCOUNT_TABLES)
    numbers = amounts_of(inputs, amounts)
    slim = engine.keep(slim_events(inputs, users, accounts, told, asked, numbers, calendar, span), "slim")

    has_known = inputs.has("events", "known_at")
    gap = round(project.session_gap_minutes * 60_000_000)
    pieces = engine.keep(pieces_of(slim, gap), "pieces")
    as_they_are = hardly_fewer(engine, slim)
    days = days_of(slim, numbers, as_they_are)
    if not as_they_are:
        days = engine.keep(days, "days")
        engine.drop(slim)
    if whole_of is not None:
        first, last = whole_of.first_day, whole_of.last_day
    else:
        bounds = engine.rows(days.aggregate(low=_.day.min(), high=_.day.max()))[0]
        if bounds["low"] is None:
            raise all_ignored(project)
        first, last = bounds["low"], bounds["high"]
    return Rollups(
        days=whole(days),
        pieces=whole(pieces),
        users=users,
        accounts=accounts,
        kinds=kinds,
        calendar=calendar,
        first_day=first,
        last_day=last,
        has_known=has_known,
        amounts=numbers,
        gap_us=gap,
        seen=first_seen(engine, days, kinds, has_known) if whole_of is None else whole_of.seen,
        one_row=not has_known and "aid" not in days.columns,
        single=as_they_are,
    )


NEVER = 2**31 - 1


def first_seen(engine: Engine, days: ir.Table, kinds: EventKinds, has_known: bool) -> np.ndarray:
    """Per kind of event, the first day on which it was known; NEVER where it only occurs ignored."""
    found = engine.rows(days.group_by("ev").aggregate(day=(_.known if has_known else _.day).min()))
    seen = np.full(len(kinds.frame), NEVER)
    for row in found:
        seen[row["ev"]] = row["day"]
    return seen


def whole(table: ir.Table) -> ir.Table:
    """The columns that the source did not have, as nulls: they cost nothing in a key they never stood in."""
    absent = {"aid": ibis.null("int32")} if "aid" not in table.columns else {}
    if "first_t" in table.columns and "sid" not in table.columns:
        absent["sid"] = ibis.null("uint64")
    return table.mutate(**absent)


def no_events(project: ProjectSpec) -> DataError:
    """The error for a project without a single usable event."""
    return DataError(f"{project.file}: tables.events: no usable rows; check the file and the quarantine")


def all_ignored(project: ProjectSpec) -> DataError:
    """The error for a project none of whose events counts."""
    return DataError(f"{project.file}: vocabulary: every event has the role 'ignore'; let some event count")


def overall(inputs: Inputs, project: ProjectSpec, *, extra: Iterable[str], amounts: Iterable[str]) -> Overall:
    """What `roll_up` would find of all events together, by one look at names and times."""
    engine, events, calendar = inputs.engine, inputs.tables["events"], Calendar(project.timezone)
    asked = sorted({"event", *extra})
    rows = events.select(**{name: events[name].cast("string") for name in asked}, t=epoch_us(events.time))
    has_known = inputs.has("events", "known_at")
    if has_known:
        known = epoch_us(events.known_at)
        rows = events.select(
            **{name: events[name].cast("string") for name in asked},
            t=epoch_us(events.time),
            known=ibis.greatest(epoch_us(events.time), ibis.coalesce(known, epoch_us(events.time))),
        )
    first = rows.known.min() if has_known else rows.t.min()
    found = engine.rows(rows.group_by(asked).aggregate(low=rows.t.min(), high=rows.t.max(), first=first))
    if not found:
        raise no_events(project)
    kinds = event_kinds(pd.DataFrame(found, columns=asked, dtype=object), project.meanings)
    counted = kinds.frame[~kinds.frame["ignored"]]
    if counted.empty:
        raise all_ignored(project)
    of_kind = {tuple(row[name] for name in asked): row for row in found}
    seen = np.full(len(kinds.frame), NEVER)
    spans = []
    for ev, *key in counted[["ev", *asked]].itertuples(index=False):
        row = of_kind[tuple(None if pd.isna(value) else value for value in key)]
        seen[ev] = calendar.day_of(row["first"])
        spans += [calendar.day_of(row["low"]), calendar.day_of(row["high"])]
    return Overall(
        accounts=numbered(engine, inputs, "account_id", "aid", ACCOUNT_TABLES),
        kinds=kinds,
        calendar=calendar,
        first_day=min(spans),
        last_day=max(spans),
        has_known=has_known,
        amounts=amounts_of(inputs, amounts),
        gap_us=round(project.session_gap_minutes * 60_000_000),
        seen=seen,
    )


def distinct_kinds(engine: Engine, events: ir.Table, asked: list[str]) -> pd.DataFrame:
    """The distinct kinds of event: a row per name and values (as text) of the further columns asked about."""
    found = engine.frame(events.select(**{name: events[name].cast("string") for name in asked}).distinct())
    found = found.astype(object)
    return found.where(found.notna(), None)


def kind_table(engine: Engine, kinds: EventKinds, asked: list[str]) -> ir.Table:
    """(ev, what was asked about) of the kinds that are not ignored."""
    rows = kinds.frame.loc[~kinds.frame["ignored"], ["ev", *asked]].astype(dict.fromkeys(asked, "string"))
    return engine.bring(rows.rename(columns={name: f"k_{name}" for name in asked}), "kinds")


def pieces_of(slim: ir.Table, gap: int) -> ir.Table:
    """Runs of events of a user within a day: by given session, or within blocks of time shorter than the gap."""
    block = (_.t // gap).cast("int32") if gap >= 60_000_000 else _.t // gap
    if "sid" in slim.columns:  # given sessions need no blocks: one run a day
        block = ibis.ifelse(_.sid.isnull(), block, ibis.literal(0))
    keys = [name for name in ("uid", "aid", "sid", "day", "known") if name in slim.columns]
    runs = slim.mutate(block=block).group_by(*keys, "block")
    return runs.aggregate(first_t=_.t.min(), last_t=_.t.max()).drop("block")


def hardly_fewer(engine: Engine, slim: ir.Table) -> bool:
    """Whether counting per day and kind would hardly make the events fewer, by a sample of users."""
    keys = [name for name in ("uid", "aid", "day", "known", "ev") if name in slim.columns]
    sample = slim.filter(_.uid % SAMPLE_EVERY == 0)
    found = engine.rows(sample.group_by(*keys).aggregate(n=_.count()).aggregate(groups=_.count(), rows=_.n.sum()))[0]
    return bool(found["rows"]) and found["groups"] > HARDLY_FEWER * found["rows"]


def amounts_of(inputs: Inputs, asked: Iterable[str]) -> tuple[str, ...]:
    """The columns of events to add up: `value` where there is one, and those that metrics ask for.

    Raises DataError where a column asked for holds what is no number.
    """
    found = ["value"] if inputs.has("events", "value") else []
    for name in sorted(set(asked) - {"value"}):
        if inputs.has("events", name):
            check_number(inputs, "events", name)
            found.append(name)
    return tuple(found)


def check_number(inputs: Inputs, table: str, name: str) -> None:
    """Raises DataError unless a column holds numbers, or text that can all be read as numbers."""
    column = inputs.tables[table][name]
    wrong = None
    if column.type().is_string():
        bad = inputs.tables[table].filter(column.notnull() & column.try_cast("float64").isnull())
        rows = inputs.engine.rows(bad.select(bad[name]).limit(1))
        wrong = rows[0][name] if rows else None
    elif not column.type().is_numeric():
        wrong = str(column.type())
    if wrong is not None:
        raise DataError(
            f"{table}: column {as_written(name)!r} is no number ({wrong!r}); a metric adds it up: choose another column"
        )


def days_of(slim: ir.Table, amounts: Sequence[str], as_they_are: bool) -> ir.Table:
    """Events counted per day and kind, or left as they are, each counting 1."""
    keys = [name for name in ("uid", "aid", "day", "known", "ev") if name in slim.columns]
    if as_they_are:
        values: dict[str, ir.Value] = {}
        for x in amounts:
            v = slim[f"x_{x}"]
            values |= {f"{x}_sum": v, f"{x}_n": v.notnull().cast("int32"), f"{x}_max": v}
        return slim.select(*keys, n=ibis.literal(1, "int32"), last_t=_.t, **values)
    sums = {"n": _.count().cast("int32"), "last_t": _.t.max()}
    for x in amounts:
        v = slim[f"x_{x}"]
        sums |= {f"{x}_sum": v.sum(), f"{x}_n": v.count().cast("int32"), f"{x}_max": v.max()}
    return slim.group_by(*keys).aggregate(**sums)


def slim_events(
    inputs: Inputs,
    users: ir.Table,
    accounts: ir.Table,
    kinds: ir.Table,
    asked: list[str],
    amounts: Sequence[str],
    calendar: Calendar,
    span: Mapping[str, int],
) -> ir.Table:
    """Events that count, ids as numbers, times as microseconds and days."""
    events = inputs.tables["events"]
    wanted = {"user_id": events.user_id, "t": epoch_us(events.time)}
    wanted |= {f"k_{name}": events[name].cast("string") for name in asked}
    wanted |= {f"x_{name}": events[name].try_cast("float64") for name in amounts}
    if inputs.has("events", "account_id"):
        wanted["account_id"] = events.account_id
    if inputs.has("events", "session_id"):
        wanted["sid"] = ibis.ifelse(events.session_id.isnull(), ibis.null("uint64"), hash64(events.session_id))
    if inputs.has("events", "known_at"):
        wanted["known_t"] = epoch_us(events.known_at)
    rows = events.select(**wanted)
    told = [f"k_{name}" for name in asked]
    same = [rows[k].identical_to(kinds[k]) if k != "k_event" else rows.k_event == kinds.k_event for k in told]
    rows = rows.join(kinds, same, how="inner").select(
        *[rows[name] for name in rows.columns if name not in told], kinds.ev
    )
    rows = rows.join(users, "user_id").select(*[_[n] for n in rows.columns if n != "user_id"], users.uid)
    if "account_id" in rows.columns:
        rows = rows.left_join(accounts, "account_id").select(
            *[rows[n] for n in rows.columns if n != "account_id"], accounts.aid
        )
    day = calendar.day_expression(rows.t, span["low"], span["high"])
    rows = rows.mutate(day=day)
    if "known_t" in rows.columns:
        engine = inputs.engine
        seen = engine.rows(events.aggregate(low=epoch_us(_.known_at.min()), high=epoch_us(_.known_at.max())))[0]
        low = min(span["low"], seen["low"] if seen["low"] is not None else span["low"])
        high = max(span["high"], seen["high"] if seen["high"] is not None else span["high"])
        known = calendar.day_expression(rows.known_t, low, high)
        rows = rows.mutate(known=ibis.greatest(rows.day, ibis.coalesce(known, rows.day))).drop("known_t")
    return rows


def distinct_ids(inputs: Inputs, column: str, tables: Iterable[str]) -> ir.Table | None:
    """The distinct ids of a kind over the tables that have them; None where none has."""
    parts = [
        inputs.tables[name].select(column).filter(_[column].notnull()).distinct()
        for name in tables
        if inputs.has(name, column)
    ]
    if not parts:
        return None
    return ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0]


def numbered_users(inputs: Inputs) -> ir.Table:
    """(user_id, uid): every user of events and users."""
    return numbered(inputs.engine, inputs, "user_id", "uid", ("events", "users"))


def numbered(engine: Engine, inputs: Inputs, column: str, number: str, tables: Iterable[str]) -> ir.Table:
    """The distinct ids of a kind over all tables, numbered in their order."""
    ids = distinct_ids(inputs, column, tables)
    if ids is None:
        return engine.bring(pd.DataFrame({column: pd.Series(dtype="string"), number: pd.Series(dtype="int32")}), number)
    return engine.number(ids, column, number)
