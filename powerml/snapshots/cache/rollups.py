"""Roll-ups kept between runs, so that a night touches only the days whose events changed.

The cache is one DuckDB file: the roll-ups, what `prepare` makes of them, and which files they are of. When files come,
change or go, the days they span are rolled up anew from the events and the rest is left; a changed declaration (event
columns, vocabulary, timezone, session gap) starts afresh. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from powerml.errors import DataError
from powerml.snapshots import rollup
from powerml.snapshots.aggregations import atom_table, codes_told
from powerml.snapshots.cache.history import forget_fold
from powerml.snapshots.cache.store import DATABASE, RollupStore
from powerml.snapshots.engine.words import epoch_us
from powerml.snapshots.rollup import Inputs, Rollups
from powerml.snapshots.sessions import session_days
from powerml.snapshots.vocabulary import EventKinds, event_kinds
from powerml.snapshots.windows import DAY_US, Calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.duckdb import RowsFor

VERSION = 5
DAY_OFF_WITHIN_DAYS = 14  # a user without a day off in so many is cut into sessions from the first day on
ALWAYS = -(2**31)


@dataclass(frozen=True)
class EventFile:
    """A file of events as the cache knows it: a digest of its content, and the instants its events lie between."""

    digest: str
    low: int
    high: int


def cached_roll_up(
    inputs: Inputs,
    project: ProjectSpec,
    store: RollupStore,
    files: Sequence[EventFile],
    *,
    repeats: str,
    declaration: str,
    extra: Sequence[str] = (),
    amounts: Sequence[str] = (),
) -> Rollups:
    """As `roll_up`, but only the days that changed are read; `repeats` stands for the repeated event ids left out."""
    signature = hashlib.sha256(
        json.dumps(
            [
                VERSION,
                duckdb.__version__,  # its hash() stands for sessions
                declaration,
                project.ids,
                project.timezone,
                project.session_gap_minutes,
                [(name, meaning.model_dump()) for name, meaning in project.meanings.items()],
                sorted(extra),
                sorted(amounts),
                inputs.columns["events"],
            ],
            default=str,
        ).encode()
    ).hexdigest()
    if store.get("signature") != signature:
        store.forget_all()
    update = _Update(inputs, project, store, sorted({"event", *extra}), amounts)
    before = {EventFile(*row) for row in store.get("files") or []}
    changed = before ^ set(files)
    if store.get("repeats") != repeats and before:
        changed = before | set(files)  # which copy of an event counts may have moved to another day
    if changed:
        store.engine.run("begin transaction")
        try:
            update.days(changed, first=not before)
            store.put("files", [(f.digest, f.low, f.high) for f in files])
            store.put("repeats", repeats)
            store.put("signature", signature)
            store.engine.finish()
        except BaseException:
            store.engine.give_up()
            store.engine.run("rollback")
            raise
    return update.rollups()


@dataclass
class _Update:
    inputs: Inputs
    project: ProjectSpec
    store: RollupStore
    asked: list[str]
    amounts: Sequence[str]

    def days(self, changed: set[EventFile], *, first: bool) -> None:
        """Rolls the days that changed files span up anew, and what was made of them.

        But for a few rows asked for, all of it is left to the engine's worker.
        """
        engine, store = self.store.engine, self.store
        calendar = Calendar(self.project.timezone)
        low = calendar.day_of(min(f.low for f in changed))
        high = calendar.day_of(max(f.high for f in changed))
        span = {"low": calendar.midnight(low), "high": calendar.midnight(high + 1) - 1}
        time = epoch_us(_.time)
        events = self.inputs.tables["events"]
        if not first:
            bounds = [pd.Timestamp(span[side], unit="us") for side in ("low", "high")]
            events = events.filter((_.time >= bounds[0].to_pydatetime()) & (_.time <= bounds[1].to_pydatetime()))
        else:
            found = engine.rows(events.aggregate(low=time.min(), high=time.max()))[0]
            if found["low"] is None:
                raise DataError(
                    f"{self.project.file}: tables.events: no usable rows; check the file and the quarantine"
                )
            span = {"low": found["low"], "high": found["high"]}
        inputs = Inputs(engine, {**self.inputs.tables, "events": events}, self.inputs.columns)

        within = f"where day between {low} and {high}"
        held = None if first else engine.ask(f"select 1 from {DATABASE}.days {within} limit 1")
        kinds, new_kinds = self._kinds(events)
        users = self._numbered(inputs, "user_id", "uid", ("events", "users"))
        accounts = self._numbered(inputs, "account_id", "aid", rollup.ACCOUNT_TABLES)
        told = rollup.kind_table(engine, kinds, self.asked)
        numbers = rollup.amounts_of(inputs, self.amounts)
        slim = rollup.slim_events(inputs, users, accounts, told, self.asked, numbers, calendar, span)
        slim = engine.keep(slim, "slim")
        gap = round(self.project.session_gap_minutes * 60_000_000)
        if held is None:
            store.keep(rollup.pieces_of(slim, gap), "pieces", order="day")
            store.keep(rollup.days_of(slim, numbers, self._as_they_are(slim)), "days")
            self._remember_bounds(self._bounds(f"{DATABASE}.days"), kinds)
        else:
            only_added, of_added = not held(), self._bounds(slim.get_name())
            forget_fold(store, changed_from=low)
            touched = self._touched(slim, within)
            store.later(*(f"delete from {DATABASE}.{table} {within}" for table in ("pieces", "days")))
            store.add(rollup.pieces_of(slim, gap), "pieces")
            store.add(rollup.days_of(slim, numbers, bool(store.get("as_they_are"))), "days")
            self._derived(kinds, low, high, touched, only_added=only_added, afresh=new_kinds)
            if only_added:
                self._remember_bounds(of_added, kinds, behind=True)
            else:
                self._remember_bounds(self._bounds(f"{DATABASE}.days"), kinds)
        engine.drop(slim)

    def _bounds(self, rows: str) -> RowsFor:
        """Asks for (ev, first day it was known on, first day, last day) of each kind of event among some rows."""
        known = "known" if "known" in self.store.table("pieces").columns else "day"
        return self.store.engine.ask(f"select ev, min({known}), min(day), max(day) from {rows} group by ev")

    def _remember_bounds(self, asked: RowsFor, kinds: EventKinds, *, behind: bool = False) -> None:
        """Remembers the first and the last day, and when each kind of event was first known.

        With `behind`, the rows asked about come to those that were there.
        """
        store, found = self.store, asked()
        seen, known = np.full(len(kinds.frame), rollup.NEVER), [day for row in found for day in row[2:]]
        for ev, day, _low, _high in found:
            seen[ev] = day
        if behind:
            before = store.get("seen")
            seen[: len(before)] = np.minimum(seen[: len(before)], before)
            known += [day for day in store.get("days") if day is not None]
        store.put("days", [min(known, default=None), max(known, default=None)])
        store.put("seen", seen.tolist())

    def _as_they_are(self, slim: ir.Table) -> bool:
        answer = rollup.hardly_fewer(self.store.engine, slim)
        self.store.put("as_they_are", answer)
        return answer

    def _kinds(self, events: ir.Table) -> tuple[EventKinds, bool]:
        """The kinds of event: those known, in their order, and any new ones behind them."""
        found = rollup.distinct_kinds(self.store.engine, events, self.asked)
        known = self.store.get("kinds")
        if known is None:
            kinds = found.sort_values(self.asked, ignore_index=True)
        else:
            old = pd.DataFrame(known, columns=self.asked, dtype=object)
            both = pd.concat([old, found[self.asked]], ignore_index=True)
            kinds = both.drop_duplicates(ignore_index=True)
        fresh = known is None or len(kinds) > len(known)
        if fresh:
            self.store.put("kinds", kinds[self.asked].to_numpy().tolist())
        return event_kinds(kinds[self.asked], self.project.meanings, sort=False), fresh

    def _numbered(self, inputs: Inputs, column: str, number: str, tables: Sequence[str]) -> ir.Table:
        """The numbers of ids: those known, and new ones behind them."""
        engine, store = self.store.engine, self.store
        if number not in store.tables():
            return store.keep(rollup.numbered(engine, inputs, column, number, tables), number)
        seen = rollup.distinct_ids(inputs, column, tables)
        if seen is not None:
            kept = f"{DATABASE}.{number}"
            store.later(
                f"insert into {kept} select {column}, (row_number() over (order by {column}) - 1"
                f" + (select coalesce(max({number}), -1) + 1 from {kept}))::int"
                f" from ({engine.backend.compile(seen)}) seen anti join {kept} using ({column})"
            )
        return store.table(number)

    def _touched(self, slim: ir.Table, within: str) -> ir.Table:
        """The table of users with an event in the days that change, before or after."""
        sql = f"select uid from {slim.get_name()} union select uid from {DATABASE}.pieces {within}"
        return self.store.engine.keep_sql(sql, ibis.schema({"uid": dt.int32}), "touched")

    def _derived(
        self, kinds: EventKinds, low: int, high: int, touched: ir.Table, *, only_added: bool, afresh: bool
    ) -> None:
        """Brings atoms, first uses and sessions up to date, or drops them where new kinds change their meaning."""
        engine, store = self.store.engine, self.store
        kept = store.tables()
        first_tables = {name for name in kept if name.startswith("first_")}
        if "sessions" in kept:
            self._sessions(touched.get_name(), low)
        engine.drop(touched)
        if afresh:
            for name in first_tables | {"atoms"}:
                store.drop(name)
            forget_fold(store)
        else:
            for name in first_tables:
                self._first_uses(kinds, name, low, high, only_added=only_added)
        if "atoms" in kept and not afresh:
            store.later(f"delete from {DATABASE}.atoms where day between {low} and {high}")
            changed = rollup.whole(store.table("days")).filter(_.day.between(low, high))
            changed = changed if "aid" in store.table("days").columns else changed.drop("aid")
            single = bool(store.get("as_they_are"))
            store.add(atom_table(engine, changed, kinds, store.atoms(), single=single), "atoms")

    def _sessions(self, touched: str, low: int) -> None:
        """Sessions anew of the users touched, each from a day on that no earlier session reaches."""
        engine, store = self.store.engine, self.store
        pieces, sessions, earliest = f"{DATABASE}.pieces", f"{DATABASE}.sessions", low - DAY_OFF_WITHIN_DAYS
        gap = round(self.project.session_gap_minutes * 60_000_000)
        if "sid" in store.table("pieces").columns or gap > DAY_US // 2:  # a session may last for ever
            begins = f"select uid, {ALWAYS} as since from {touched}"
        else:  # none reaches over a day without an event: as many days back as bits are set up to the first gap
            begins = (
                f"select uid, case when run < {DAY_OFF_WITHIN_DAYS} then {low} - run else {ALWAYS} end as since from"
                f" (select t.uid, bit_count(xor(coalesce(d.days, 0), coalesce(d.days, 0) + 1)) - 1 as run"
                f" from {touched} t left join (select uid, bit_or(1::bigint << ({low} - 1 - day)) as days from {pieces}"
                f" where day between {earliest} and {low} - 1 and uid in (from {touched}) group by uid) d using (uid))"
            )
        since = engine.keep_sql(begins, ibis.schema({"uid": dt.int32, "since": dt.int32}), "begins")
        begins = since.get_name()
        rows = store.table("pieces")
        again = engine.keep_sql(
            f"select p.* from {pieces} p join {begins} b using (uid)"
            f" where p.day >= b.since and p.day >= (select min(since) from {begins})",
            rows.schema(),
            "again",
        )
        store.later(f"delete from {sessions} s using {begins} b where s.ent = b.uid and s.start_day >= b.since")
        pieces = rollup.whole(again).mutate(ent=_.uid)
        store.add(session_days(pieces, gap, apart="aid" not in again.columns), "sessions")
        engine.drop(since, again)

    def _first_uses(self, kinds: EventKinds, name: str, low: int, high: int, *, only_added: bool) -> None:
        """First uses of the days added beside those known."""
        engine, store = self.store.engine, self.store
        if not only_added:
            store.drop(name)
            return
        distinct = store.get(name)
        where = tuple((k, tuple(v)) for k, v in distinct["where"])
        told = codes_told(engine, kinds, distinct["of"], where)
        kept, aid = f"{DATABASE}.{name}", "d.aid" if "aid" in store.table("days").columns else "null::int"
        new = (
            f"select d.uid, {aid} as aid, t.code, min(d.day) as day from {DATABASE}.days d"
            f" join {told.get_name()} t using (ev) where d.day between {low} and {high} group by all"
        )
        key = {"uid": dt.int32, "aid": dt.int32, "code": dt.int32, "day": dt.int32}
        added = engine.keep_sql(new, ibis.schema(key), "new_uses")  # a table, so that the engine knows how few they are
        if low > store.get("days")[1]:  # nothing earlier than what is known
            same = "n.uid = o.uid and n.code = o.code and n.aid is not distinct from o.aid"
            rows = f"select * from {added.get_name()} n anti join {kept} o on {same}"
            store.later(f"insert into {kept} by name {rows}")
        else:
            every = f"from {kept} union all by name from {added.get_name()}"
            rows = f"select uid, aid, code, min(day) as day from ({every}) group by all"
            store.later(f"create or replace table {kept} as {rows}")
        engine.drop(told, added)

    def rollups(self) -> Rollups:
        """The roll-ups as the cache holds them now."""
        store = self.store
        days, pieces = store.table("days"), store.table("pieces")
        kinds = event_kinds(
            pd.DataFrame(store.get("kinds"), columns=self.asked, dtype=object), self.project.meanings, sort=False
        )
        bounds = {"low": store.get("days")[0], "high": store.get("days")[1]}
        if bounds["low"] is None:
            raise DataError(f"{self.project.file}: vocabulary: every event has the role 'ignore'; let some event count")
        has_known = "known" in days.columns
        memo = {name: store.table(name) for name in store.tables() - {"days", "pieces", "uid", "aid"}}
        # ids that other tables brought since: users without an event, accounts of new subscriptions
        users = self._numbered(self._without_events(), "user_id", "uid", ("users",))
        accounts = self._numbered(self._without_events(), "account_id", "aid", rollup.ACCOUNT_TABLES[1:])
        return Rollups(
            days=rollup.whole(days),
            pieces=rollup.whole(pieces),
            users=users,
            accounts=accounts,
            kinds=kinds,
            calendar=Calendar(self.project.timezone),
            first_day=bounds["low"],
            last_day=bounds["high"],
            has_known=has_known,
            amounts=rollup.amounts_of(self.inputs, self.amounts),
            gap_us=round(self.project.session_gap_minutes * 60_000_000),
            seen=np.array(store.get("seen"), dtype=int),
            one_row=not has_known and "aid" not in days.columns,
            single=bool(store.get("as_they_are")),
            memo=memo,
            store=store,
        )

    def _without_events(self) -> Inputs:
        tables = {name: table for name, table in self.inputs.tables.items() if name != "events"}
        return Inputs(self.store.engine, tables, self.inputs.columns)
