"""Roll-ups kept between runs, so that a night touches only the days whose events changed.

The cache is one DuckDB file: the roll-ups, what `prepare` makes of them, and which files they are of. When files come,
change or go, the days they span are rolled up anew from the events and the rest is left; a changed declaration (event
columns, vocabulary, timezone, session gap) starts afresh. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from powerml.config.project import ProjectSpec
from powerml.errors import DataError
from powerml.snapshots import rollup
from powerml.snapshots.aggregations import Atom, atom_table, codes_told
from powerml.snapshots.engine import Engine, epoch_us
from powerml.snapshots.history import forget
from powerml.snapshots.rollup import Inputs, Rollups
from powerml.snapshots.sessions import session_days
from powerml.snapshots.vocabulary import EventKinds, event_kinds
from powerml.snapshots.windows import DAY_US, Calendar

VERSION = 2
DATABASE = "rollups"
LOOK_BACK_DAYS = 14  # a user without a day off in so many is cut into sessions from the first day on
ALWAYS = -(2**31)


@dataclass(frozen=True)
class EventFile:
    """A file of events as the cache knows it: a digest of its content, and the instants its events lie between."""

    digest: str
    low: int
    high: int


@dataclass
class RollupStore:
    """The open cache: keeps what is made of the roll-ups under a name, and finds it again."""

    engine: Engine
    path: Path
    _known: dict[str, ir.Table] = field(default_factory=dict)  # asking for columns costs more than many a plan

    @classmethod
    def open(cls, engine: Engine, folder: Path) -> RollupStore | None:
        """The cache in a folder; None where another run holds it (this run then goes without)."""
        path = folder / "rollups.duckdb"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            engine.run(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {DATABASE}")
        except OSError as error:
            raise DataError.in_file(folder, f"cannot be used ({error.strerror})", "check space and rights") from None
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                return None
            raise DataError.in_file(path, "is damaged", "delete it; it is made anew") from None
        store = cls(engine, path)
        store.run(f"create table if not exists {DATABASE}.meta (name varchar primary key, value varchar)")
        return store

    def run(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL on the connection."""
        return self.engine.run(sql, parameters)

    def get(self, name: str) -> Any:
        """A remembered value, or None."""
        rows = self.run(f"select value from {DATABASE}.meta where name = ?", [name])
        return json.loads(rows[0][0]) if rows else None

    def put(self, name: str, value: object) -> None:
        """Remembers a value."""
        self.run(f"insert or replace into {DATABASE}.meta values (?, ?)", [name, json.dumps(value)])

    def tables(self) -> set[str]:
        """Names of the tables kept."""
        rows = self.run(f"select table_name from duckdb_tables() where database_name = '{DATABASE}'")
        return {row[0] for row in rows} - {"meta"}

    def table(self, name: str) -> ir.Table:
        """A kept table."""
        if name not in self._known:
            self.engine.wait()
            self._known[name] = self.engine.backend.table(name, database=(DATABASE, "main"))
        return self._known[name]

    def keep(self, expression: ir.Table, name: str, *, order: str | None = None) -> ir.Table:
        """Replaces a kept table by the rows of an expression."""
        sql = self.engine.backend.compile(expression)
        ordered = f" order by {order}" if order else ""
        self.engine.later(f'create or replace table {DATABASE}."{name}" as select * from ({sql}){ordered}')
        self._known[name] = self.engine.made(name, expression.schema(), database=DATABASE)
        return self._known[name]

    def add(self, expression: ir.Table, name: str) -> None:
        """Adds the rows of an expression to a kept table."""
        self.engine.later(f'insert into {DATABASE}."{name}" by name {self.engine.backend.compile(expression)}')

    def drop(self, name: str) -> None:
        """Drops a kept table, if it is there."""
        self._known.pop(name, None)
        self.run(f'drop table if exists {DATABASE}."{name}"')

    def remember_atoms(self, atoms: Sequence[Atom]) -> None:
        """Remembers what the columns of the kept atoms are."""
        self.put("atoms", [asdict(atom) for atom in atoms])

    def atoms(self) -> list[Atom]:
        """What the columns of the kept atoms are."""
        return [
            Atom(a["kind"], tuple((k, tuple(v)) for k, v in a["where"]), a["of"], a["word"])
            for a in self.get("atoms") or []
        ]


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
                declaration,
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
        for name in store.tables():
            store.drop(name)
        store.run(f"delete from {DATABASE}.meta")
    update = _Update(inputs, project, store, sorted({"event", *extra}), amounts)
    before = {EventFile(*row) for row in store.get("files") or []}
    changed = before ^ set(files)
    if store.get("repeats") != repeats and before:
        changed = before | set(files)  # which copy of an event counts may have moved to another day
    if changed:
        store.run("begin transaction")
        try:
            update.days(changed, first=not before)
            store.put("files", [(f.digest, f.low, f.high) for f in files])
            store.put("repeats", repeats)
            store.put("signature", signature)
            store.run("commit")
        except BaseException:
            inputs.engine.give_up()
            store.run("rollback")
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
        """Rolls the days that changed files span up anew, and what was made of them."""
        engine, store = self.inputs.engine, self.store
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

        kinds, new_kinds = self._kinds(events)
        users = self._numbered(inputs, "user_id", "uid", ("events", "users"))
        accounts = self._numbered(inputs, "account_id", "aid", rollup.ACCOUNT_TABLES)
        told = rollup.kind_table(engine, kinds, self.asked)
        numbers = rollup.amounts_of(inputs, self.amounts)
        slim = rollup.slim_events(inputs, users, accounts, told, self.asked, numbers, calendar, span)
        slim = engine.keep(slim, "slim")
        gap = round(self.project.session_gap_minutes * 60_000_000)
        if first:
            store.keep(rollup.pieces_of(slim, gap), "pieces", order="day")
            store.keep(rollup.days_of(engine, slim, numbers, self._as_they_are(slim)), "days")
        else:
            forget(store, changed_from=low)
            touched = self._touched(slim, low, high)
            empty_before = not store.run(f"select 1 from {DATABASE}.days where day between {low} and {high} limit 1")
            for table in ("pieces", "days"):
                store.run(f"delete from {DATABASE}.{table} where day between {low} and {high}")
            store.add(rollup.pieces_of(slim, gap), "pieces")
            store.add(rollup.days_of(engine, slim, numbers, bool(store.get("as_they_are"))), "days")
            self._derived(kinds, low, high, touched, only_added=empty_before, afresh=new_kinds)
        engine.drop(slim)
        self._bounds(kinds, (low, high) if not first and empty_before else None)

    def _bounds(self, kinds: EventKinds, only: tuple[int, int] | None) -> None:
        """Remembers the first and the last day, and when each kind of event was first known; `only` days were added."""
        engine, store, days = self.inputs.engine, self.store, self.store.table("days")
        added = days if only is None else days.filter(_.day.between(*only))
        found = engine.rows(added.aggregate(low=_.day.min(), high=_.day.max()))[0]
        seen = rollup.first_seen(engine, added, kinds, "known" in days.columns)
        if only is not None:
            before = store.get("seen")
            seen[: len(before)] = np.minimum(seen[: len(before)], before)
            known = [day for day in (*store.get("days"), found["low"], found["high"]) if day is not None]
            found = {"low": min(known, default=None), "high": max(known, default=None)}
        store.put("days", [found["low"], found["high"]])
        store.put("seen", seen.tolist())

    def _as_they_are(self, slim: ir.Table) -> bool:
        answer = rollup.hardly_fewer(self.inputs.engine, slim)
        self.store.put("as_they_are", answer)
        return answer

    def _kinds(self, events: ir.Table) -> tuple[EventKinds, bool]:
        """The kinds of event: those known, in their order, and any new ones behind them."""
        found = rollup.distinct_kinds(self.inputs.engine, events, self.asked)
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
        engine, store = inputs.engine, self.store
        if number not in store.tables():
            return store.keep(rollup.numbered(engine, inputs, column, number, tables), number)
        seen = rollup.distinct_ids(inputs, column, tables)
        if seen is not None:
            known = store.table(number)
            new = engine.keep(seen.anti_join(known, column), "new_ids")
            top = store.run(f"select coalesce(max({number}), -1) + 1 from {DATABASE}.{number}")[0][0]
            store.run(
                f"insert into {DATABASE}.{number} select {column},"
                f' (row_number() over (order by {column}) - 1 + {top})::int from "{new.get_name()}"'
            )
            engine.drop(new)
        return store.table(number)

    def _touched(self, slim: ir.Table, low: int, high: int) -> ir.Table:
        """Users with an event in the days that change, before or after."""
        before = self.store.table("pieces").filter(_.day.between(low, high)).select("uid")
        return self.inputs.engine.keep(before.union(slim.select("uid")).distinct(), "touched")

    def _derived(
        self, kinds: EventKinds, low: int, high: int, touched: ir.Table, *, only_added: bool, afresh: bool
    ) -> None:
        """Brings atoms, first uses and sessions up to date, or drops them where new kinds change their meaning."""
        engine, store = self.inputs.engine, self.store
        kept = store.tables()
        first_tables = {name for name in kept if name.startswith("first_")}
        if afresh:
            for name in first_tables | {"atoms"}:
                store.drop(name)
            forget(store)
        elif "atoms" in kept:
            store.run(f"delete from {DATABASE}.atoms where day between {low} and {high}")
            changed = rollup.whole(store.table("days")).filter(_.day.between(low, high))
            changed = changed if "aid" in store.table("days").columns else changed.drop("aid")
            single = bool(store.get("as_they_are"))
            store.add(atom_table(engine, changed, kinds, store.atoms(), single=single), "atoms")
        if not afresh:
            for name in first_tables:
                self._first_uses(kinds, name, low, high, only_added=only_added)
        if "sessions" in kept:
            self._sessions(touched, low)
        engine.drop(touched)

    def _sessions(self, touched: ir.Table, low: int) -> None:
        """Sessions anew of the users touched, each from a day on that no earlier session reaches."""
        engine, store = self.inputs.engine, self.store
        pieces = rollup.whole(store.table("pieces")).mutate(ent=_.uid)
        gap = round(self.project.session_gap_minutes * 60_000_000)
        if "sid" in store.table("pieces").columns or gap > DAY_US // 2:  # a session may last for ever
            begins = touched.mutate(since=ibis.literal(ALWAYS, "int32"))
        else:  # none reaches over a day without an event
            recent = store.table("pieces").filter(_.day.between(low - LOOK_BACK_DAYS, low - 1))
            recent = recent.select("uid", "day").distinct().semi_join(touched, "uid")
            back = ibis.row_number().over(group_by="uid", order_by=ibis.desc("day"))
            runs = recent.mutate(back=back).filter(_.day == low - 1 - _.back)
            runs = runs.group_by("uid").aggregate(run=_.count())
            begins = touched.left_join(runs, "uid").select(touched.uid, run=runs.run.fill_null(0))
            since = ibis.ifelse(_.run < LOOK_BACK_DAYS, low - _.run, ALWAYS).cast("int32")
            begins = begins.select("uid", since=since)
        begins = engine.keep(begins, "begins")
        old = store.table("sessions").join(begins, _.ent == begins.uid).filter(_.start_day >= _.since)
        gone = engine.keep(old.select("ent", "start_day").distinct(), "gone")
        store.run(
            f'delete from {DATABASE}.sessions s using "{gone.get_name()}" g'
            " where s.ent = g.ent and s.start_day = g.start_day"
        )
        for always in (False, True):
            some = begins.filter((_.since == ALWAYS) == always)
            rows = pieces if always else pieces.filter(_.day >= low - LOOK_BACK_DAYS)
            rows = rows.join(some, "uid").filter(_.day >= _.since).drop("since")
            store.add(session_days(rows, gap), "sessions")
        engine.drop(begins, gone)

    def _first_uses(self, kinds: EventKinds, name: str, low: int, high: int, *, only_added: bool) -> None:
        engine, store = self.inputs.engine, self.store
        if not only_added:
            store.drop(name)
            return
        distinct = store.get(name)
        where = tuple((k, tuple(v)) for k, v in distinct["where"])
        told = codes_told(engine, kinds, distinct["of"], where)
        new = rollup.whole(store.table("days")).filter(_.day.between(low, high))
        new = new.join(told, "ev").select(new.uid, new.aid, new.day, told.code)
        old, key = store.table(name).select("uid", "aid", "day", "code"), ["uid", "aid", "code"]
        if low > store.get("days")[1]:  # nothing earlier than what is known
            new = engine.keep(new.group_by(key).aggregate(day=_.day.min()), "new_uses")
            same = [new.uid == old.uid, new.aid.identical_to(old.aid), new.code == old.code]
            store.add(new.anti_join(old, same), name)
            engine.drop(new)
        else:
            store.keep(old.union(new).group_by(key).aggregate(day=_.day.min()), name)

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
        return Inputs(self.inputs.engine, tables, self.inputs.columns)
