"""From metric declarations to a few wide aggregates: what is kept per day, and how days add up in a window.

A measure over events becomes *atoms*, columns of a table with one row per (entity, day); an atom over a window becomes
a *cell*, a column with one row per (entity, cutoff). Each day is placed on the few cutoffs whose windows hold it by an
equality join, and everything is one aggregate. "Ever" is a running total over the periods between cutoffs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
from ibis import _

from powerml.snapshots import placing
from powerml.snapshots.engine.words import MAX_WORDS, WORD, bit_count, whole_number
from powerml.snapshots.lanes import LANE, Lanes, counted_together, row_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from powerml.config.metrics import Where, Window
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Rollups
    from powerml.snapshots.vocabulary import EventKinds
    from powerml.snapshots.windows import Cutoffs

AtomKind = Literal["count", "sum", "values", "high", "any", "last", "mask", "level"]
_COMBINE: dict[AtomKind, Callable[[ir.Column, ir.BooleanValue | None], ir.Scalar]] = {
    "count": lambda column, where: column.sum(where=where),
    "sum": lambda column, where: column.sum(where=where),
    "values": lambda column, where: column.sum(where=where),
    "any": lambda column, where: column.sum(where=where),
    "high": lambda column, where: column.max(where=where),
    "level": lambda column, where: column.max(where=where),
    "last": lambda column, where: column.max(where=where),
    "mask": lambda column, where: column.bit_or(where=where),
}
_RUNNING: dict[AtomKind, Callable[[ir.Column], ir.Scalar]] = {
    kind: (lambda column: column.bit_or())
    if kind == "mask"
    else (lambda column: column.max())
    if kind in ("high", "level", "last")
    else (lambda column: column.sum())
    for kind in _COMBINE
}


FEW_VALUES = 16  # of so many it is told from masks when each was first used
SHORT_DAYS = 30  # most metrics look back this far


def frozen(where: Where) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A `where` as a key."""
    return tuple(sorted((key, tuple(sorted(values))) for key, values in where.items()))


@dataclass(frozen=True)
class Atom:
    """One column of the day table: how events of a kind are summed up within a day."""

    kind: AtomKind
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    of: str | None = None
    word: int = 0

    @property
    def name(self) -> str:
        """The column's name, the same in every run that asks for the same."""
        return f"a_{hashlib.sha1(repr(self).encode(), usedforsecurity=False).hexdigest()[:12]}"


EVERY_EVENT = Atom("count")  # every run needs these two
LAST = Atom("last")


@dataclass(frozen=True)
class Distinct:
    """A count of distinct values that goes through a group-by: too many values for masks, or `new_distinct`."""

    of: str
    where: tuple[tuple[str, tuple[str, ...]], ...]
    window: Window | None
    first_only: bool = False


@dataclass
class Cells:
    """The atoms, cells and distinct counts that the metrics of a run need, each once, with the names of columns."""

    atoms: dict[Atom, str] = field(default_factory=dict)
    windowed: dict[tuple[str, Window], str] = field(default_factory=dict)
    ever: dict[str, str] = field(default_factory=dict)
    distinct: dict[Distinct, str] = field(default_factory=dict)
    sessions: dict[tuple[str, Window | None], str] = field(default_factory=dict)

    @property
    def longest_window(self) -> int:
        """The days that the longest finite window looks back."""
        return max((window[0] for _name, window in self.windowed), default=0)

    def cell(self, atom: Atom, window: Window | None) -> str:
        """The column of an atom over a window (None: ever)."""
        column = self.atoms.setdefault(atom, atom.name)
        if window is None:
            return self.ever.setdefault(column, f"e{len(self.ever)}")
        return self.windowed.setdefault((column, window), f"w{len(self.windowed)}")

    def distinct_cell(self, distinct: Distinct) -> str:
        """The column of a distinct count."""
        return self.distinct.setdefault(distinct, f"d{len(self.distinct)}")

    def session_cell(self, what: Literal["n", "length_us", "start_t"], window: Window | None) -> str:
        """The column of a session count, length or latest start over a window (None: ever)."""
        return self.sessions.setdefault((what, window), f"s{len(self.sessions)}")


def distinct_count(cells: Cells, rollups: Rollups, of: str, where: Where, window: Window | None) -> ir.IntegerValue:
    """The number of distinct values of `of` (feature, category, event, ...) over a window, as an expression."""
    _codes, many = rollups.kinds.codes(of)
    words = -(-many // WORD)
    if words > MAX_WORDS:
        return _[cells.distinct_cell(Distinct(of, frozen(where), window))].fill_null(0)
    masks = [_[cells.cell(Atom("mask", frozen(where), of, word), window)].fill_null(0) for word in range(words)]
    total = bit_count(masks[0]).cast("int64")
    for mask in masks[1:]:
        total = total + bit_count(mask).cast("int64")
    return total


def attribute(table: ir.Table, attribution: ir.Table | None) -> ir.Table:
    """Rows of a roll-up with `ent`: the user, or the account it belongs to (`attribution`: uid to default aid)."""
    if attribution is None:
        return table.mutate(ent=_.uid)
    joined = table.left_join(attribution, "uid").select(table, default=attribution.aid)
    return joined.mutate(ent=ibis.coalesce(joined.aid, joined.default)).filter(_.ent.notnull()).drop("default")


def atom_table(
    engine: Engine, days: ir.Table, kinds: EventKinds, atoms: Iterable[Atom], *, single: bool, together: bool = False
) -> ir.Table:
    """(uid, aid, day [, known], atoms...): events of a user, account and day summed up.

    `days` is the roll-up; `single` says that each of its rows is one event: counting rows costs a third of adding up.
    With `together` counts of some events are added up three in one number, which halves the cost of all; they are right
    where no row counts `LANE` events or more.
    """
    atoms = list(atoms)
    in_lanes = [atom for atom in atoms if together and atom.kind in ("count", "any") and atom.where]
    lanes = Lanes.of(atom.where for atom in in_lanes)
    attributes = kinds.frame[["ev"]].copy()
    flags: dict[object, str] = {}
    columns: dict[str, ir.Scalar] = {}

    def flag(where: tuple[tuple[str, tuple[str, ...]], ...]) -> ir.BooleanValue | None:
        if not where:
            return None
        if where not in flags:
            flags[where] = f"f{len(flags)}"
            attributes[flags[where]] = kinds.flags(dict(where))
        return _[flags[where]]

    for atom in atoms:
        if atom in in_lanes:
            continue
        which, name = flag(atom.where), atom.name
        if atom.kind == "mask":
            codes, _many = kinds.codes(str(atom.of))
            inside = (codes // WORD == atom.word) & kinds.flags(dict(atom.where))
            attributes[f"m_{name}"] = np.where(inside, np.left_shift(np.int64(1), codes % WORD), 0)
            columns[name] = _[f"m_{name}"].bit_or()
        elif atom.kind == "level":
            attributes["level"] = kinds.frame["depth"].astype("int32")
            columns[name] = _.level.max(where=which)
        elif atom.kind == "any":
            one = ibis.literal(1, "int32")
            columns[name] = one if which is None else (_.count(where=which) > 0).ifelse(1, 0).cast("int32")
        elif atom.kind == "count" and single:
            columns[name] = _.count(where=which).cast("int32")
        else:
            of = atom.of
            source = {"count": "n", "sum": f"{of}_sum", "values": f"{of}_n", "high": f"{of}_max", "last": "last_t"}
            column = _[source[atom.kind]]
            total = column.max(where=which) if atom.kind in ("high", "last") else column.sum(where=which)
            columns[name] = total.cast("int32") if atom.kind in ("count", "values") else total
    plain = {name: value for name, value in columns.items() if not _is_literal(value)}
    for name, values in lanes.attributes(kinds).items():
        attributes[name] = values
        plain[name] = (_[name] if single else _[name] * _.n).sum()
    rows = days
    if attributes.shape[1] > 1:
        told = engine.bring(attributes, "attributes")
        rows = days.join(told, "ev").select(days, *[told[n] for n in attributes.columns if n != "ev"])
    keys = [name for name in ("uid", "aid", "day", "known") if name in days.columns]
    table = rows.group_by(*keys).aggregate(**plain)
    for atom in in_lanes:
        count = lanes.count(atom.where)
        columns[atom.name] = count if atom.kind == "count" else (count > 0).ifelse(1, 0).cast("int32")
    kept = [name for name in plain if name in columns]
    return table.select(*keys, *kept, **{n: v for n, v in columns.items() if n not in plain})


def combined(kind: AtomKind, name: str) -> ir.Scalar:
    """How a column of atoms adds up over days."""
    return _COMBINE[kind](_[name], None)


def day_table(rollups: Rollups, attribution: ir.Table | None, cells: Cells, *, since: int | None = None) -> ir.Table:
    """(ent, day, atoms...): one row per entity and day with an event, from the day `since` on."""
    assert rollups.atoms is not None
    rows = attribute(rollups.atoms, attribution)
    rows = rows if since is None else rows.filter(_.day >= since)
    names = {atom.name: atom.kind for atom in cells.atoms}
    if attribution is None and rollups.one_row:
        return rows.select("ent", "day", *names)
    # a day with an event of some kind is one day, however many users or accounts share it
    sums = {n: _[n].max() if kind == "any" else _COMBINE[kind](_[n], None) for n, kind in names.items()}
    return rows.group_by("ent", "day").aggregate(**plain_integers(sums, rows))


def _is_literal(value: object) -> bool:
    return isinstance(value, ir.Scalar) and isinstance(value.op(), ops.Literal)


def windowed(engine: Engine, days: ir.Table, cells: Cells, cutoffs: Cutoffs, rollups: Rollups) -> Iterable[ir.Table]:
    """(c, ent, cells...): every cell over a finite window; short windows apart from long ones, which hold more rows."""
    kinds = {name: atom.kind for atom, name in cells.atoms.items()}
    for short in (True, False):
        chosen = {key: cell for key, cell in cells.windowed.items() if (key[1][0] <= SHORT_DAYS) == short}
        if not chosen:
            continue
        longest = max(window[0] for _name, window in chosen)
        used = sorted({name for name, _window in chosen})
        rows = placing.in_window(engine, days.select("ent", "day", *used), cutoffs, rollups, (longest, 0))
        few = rollups.most is not None and rollups.most * longest < LANE and len(cutoffs.days) > 1
        counts = {key: cell for key, cell in chosen.items() if few and kinds[key[0]] in ("count", "any")}
        columns = {
            cell: _COMBINE[kinds[name]](_[name], _in(window, longest))
            for (name, window), cell in chosen.items()
            if (name, window) not in counts
        }
        sums, back = counted_together(counts, {window: _in(window, longest) for _name, window in counts})
        table = rows.group_by("c", "ent").aggregate(**plain_integers(columns, rows), **sums)
        yield table.select("c", "ent", *columns, **back) if back else table


def _in(window: Window, longest: int) -> ir.BooleanValue | None:
    older, newer = window
    tests = [_.age <= older] if older < longest else []
    tests += [_.age > newer] if newer else []
    return None if not tests else tests[0] if len(tests) == 1 else tests[0] & tests[1]


def plain_integers(columns: dict[str, ir.Scalar], rows: ir.Table) -> dict[str, ir.Scalar]:
    """Aggregates of the rows, sums of integers as 64-bit numbers."""
    resolved = {name: value.resolve(rows) for name, value in columns.items()}
    return {n: whole_number(value) if value.type().is_integer() else value for n, value in resolved.items()}


def ever(engine: Engine, days: ir.Table, cells: Cells, cutoffs: Cutoffs, rollups: Rollups) -> ir.Table | None:
    """(c, ent, cells...): every cell over all days before the cutoff."""
    if not cells.ever:
        return None
    kinds = {name: atom.kind for atom, name in cells.atoms.items()}
    wanted = {cell: (name, kinds[name]) for name, cell in cells.ever.items()}
    if rollups.history is not None:
        days = rollups.history.before(rollups.history.days, days)
    span = rollups.last_day - rollups.first_day + 1
    few = rollups.most is not None and rollups.most * span < LANE and len(cutoffs.days) > 1
    counts = {cell: name for cell, (name, kind) in wanted.items() if few and kind in ("count", "any")}
    if len(counts) < 2:
        return running(engine, days, wanted, cutoffs, rollups)
    several, back = row_lanes(counts)
    plain = {cell: of for cell, of in wanted.items() if cell not in counts}
    added: dict[str, tuple[str, AtomKind]] = {name: (name, "sum") for name in several}
    names = dict.fromkeys(name for name, _kind in plain.values())
    table = running(engine, days.select("ent", "day", *names, **several), plain | added, cutoffs, rollups)
    return table.select("ent", "c", *plain, **back)


def running(
    engine: Engine,
    days: ir.Table,
    wanted: dict[str, tuple[str, AtomKind]],
    cutoffs: Cutoffs,
    rollups: Rollups,
) -> ir.Table:
    """(c, ent, columns...): running totals at each cutoff of the columns of a (ent, day) table.

    `wanted`: result column -> (column of `days`, how it adds up).
    """
    rows = placing.in_period(engine, days, cutoffs, rollups)
    sums = {cell: _COMBINE[kind](_[name], None) for cell, (name, kind) in wanted.items()}
    parts = rows.group_by("ent", "p").aggregate(**plain_integers(sums, rows))
    if len(cutoffs.days) == 1:
        return parts.rename(c="p")
    # every entity at every cutoff from its first period on, so that totals run on over quiet periods
    people = parts.group_by("ent").aggregate(since=_.p.min())
    grid = placing.from_first_on(engine, cutoffs, people, "since")
    full = grid.left_join(parts, [grid.ent == parts.ent, grid.c == parts.p]).select(
        grid.ent, grid.c, *[parts[cell] for cell in wanted]
    )
    over = {"group_by": "ent", "order_by": "c", "rows": (None, 0)}
    totals = {cell: _RUNNING[kind](_[cell]).over(**over) for cell, (_name, kind) in wanted.items()}
    return full.select("ent", "c", **totals)


def distincts(
    engine: Engine, rollups: Rollups, attribution: ir.Table | None, cells: Cells, cutoffs: Cutoffs
) -> Iterable[ir.Table]:
    """(c, ent, cell) for every distinct count that masks cannot hold, and for values used for the first time."""
    for distinct, cell in cells.distinct.items():
        if first := distinct.first_only or distinct.window is None:
            rows = attribute(first_uses(engine, rollups, distinct), attribution)
            if attribution is not None or not rollups.one_row:  # else a user has one row per value
                rows = rows.group_by("ent", "code").aggregate(day=_.day.min())
        else:
            oldest = cutoffs.days[0] - distinct.window[0]
            told = codes_told(engine, rollups.kinds, distinct.of, distinct.where)
            rows = attribute(rollups.days.filter(_.day >= oldest), attribution)
            rows = rows.join(told, "ev").select(rows.ent, rows.day, told.code)
        if distinct.window is None:
            placed = placing.in_period(engine, rows, cutoffs, rollups)
            placed = placing.from_first_on(engine, cutoffs, placed, "p")
        else:
            placed = placing.in_window(engine, rows, cutoffs, rollups, distinct.window)
        placed = placed.select("ent", "code", "c")
        placed = placed if first else placed.distinct()
        yield placed.group_by("c", "ent").aggregate(**{cell: _.count()})


def codes_told(engine: Engine, kinds: EventKinds, of: str, where: tuple[tuple[str, tuple[str, ...]], ...]) -> ir.Table:
    """(ev, code): the kinds of event that count, numbered by their value of `of`."""
    codes, _many = kinds.codes(of)
    keep = kinds.flags(dict(where)) & (codes >= 0)  # a kind without a value is no value
    return engine.bring(kinds.frame[["ev"]].assign(code=codes.astype("int32"))[keep], "codes")


def first_uses(engine: Engine, rollups: Rollups, distinct: Distinct) -> ir.Table:
    """(uid, aid, code, day): the first day on which a user used each value."""
    key = f"first_{distinct.of}_{hashlib.sha1(repr(distinct.where).encode(), usedforsecurity=False).hexdigest()[:12]}"
    if key not in rollups.memo:
        rows = _first_of_masks(engine, rollups, distinct)
        if rows is None:
            told, days = codes_told(engine, rollups.kinds, distinct.of, distinct.where), rollups.days
            rows = days.join(told, "ev").select(days.uid, days.aid, days.day, told.code)
            rows = rows.group_by("uid", "aid", "code").aggregate(day=_.day.min())
        if rollups.store is None:
            rollups.memo[key] = engine.keep(rows, key)
        else:
            rollups.memo[key] = rollups.store.keep(rows, key)
            rollups.store.put(key, {"of": distinct.of, "where": distinct.where})
    return rollups.memo[key]


def _first_of_masks(engine: Engine, rollups: Rollups, distinct: Distinct) -> ir.Table | None:
    """What `first_uses` gives, from the masks of users' days, which are fewer than their events and kinds.

    None where no mask tells it, the values are many, or users may stand in several accounts.
    """
    atoms, mask = rollups.memo.get("atoms"), Atom("mask", distinct.where, distinct.of).name
    _codes, many = rollups.kinds.codes(distinct.of)
    if not rollups.one_row or not 0 < many <= FEW_VALUES or atoms is None or mask not in atoms.columns:
        return None
    days = {f"d{code}": _.day.min(where=(_[mask] & (1 << code)) != 0) for code in range(many)}
    firsts = engine.keep(atoms.group_by("uid").aggregate(**days), "firsts")
    each = [
        firsts.select("uid", aid=ibis.null("int32"), code=ibis.literal(code, "int32"), day=firsts[name])
        for code, name in enumerate(days)
    ]
    return ibis.union(*each).filter(_.day.notnull()) if many > 1 else each[0].filter(_.day.notnull())


def session_cells(
    engine: Engine, sessions: ir.Table, cells: Cells, cutoffs: Cutoffs, rollups: Rollups
) -> Iterable[ir.Table]:
    """(c, ent, cells...) over windows of the day that sessions start on, and ever: counts, lengths, latest starts."""
    windows = {what: cell for what, cell in cells.sessions.items() if what[1] is not None}
    if windows:
        longest = max(window[0] for _what, window in windows if window)
        started = sessions.select("ent", "n", "length_us", "start_t", day="start_day", on="day")
        rows = placing.in_window(engine, started, cutoffs, rollups, (longest, 0))
        numbers = cutoffs.frame()[["c", "day"]].rename(columns={"day": "cutoff"})
        rows = placing.beside(engine, rows, numbers).filter(_.on < _.cutoff)
        sums = {cell: _session_sum(what, _in(window, longest)) for (what, window), cell in windows.items() if window}
        yield rows.group_by("c", "ent").aggregate(**plain_integers(sums, rows))
    always = {cell: what for (what, window), cell in cells.sessions.items() if window is None}
    if always:
        past = rollups.history
        by_day = sessions if past is None else past.before(past.sessions, sessions)
        wanted: dict[str, tuple[str, AtomKind]] = {
            cell: (what, "high" if what == "start_t" else "sum") for cell, what in always.items()
        }
        yield running(engine, by_day.select("ent", "day", *sorted(set(always.values()))), wanted, cutoffs, rollups)


def _session_sum(what: str, where: ir.BooleanValue | None) -> ir.Scalar:
    return _[what].max(where=where) if what == "start_t" else _[what].sum(where=where)
