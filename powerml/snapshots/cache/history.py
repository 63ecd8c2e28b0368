"""All days before a base day folded to a row per user and kept in the cache, so that a night reads only the days since.

What a snapshot says about "ever" (totals, latest uses, active weeks, the streak of busy weeks, the first event, the
account last named) adds up over days. The fold serves every cutoff from the base day on, until a day before it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
from ibis import _

from powerml.snapshots import aggregations, weeks
from powerml.snapshots.aggregations import LAST, AtomKind, Cells
from powerml.snapshots.past import History
from powerml.snapshots.windows import Cutoffs

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Rollups

TAIL_DAYS = 14  # rows that come late by no more than this leave the fold as it is
RENEW_AFTER_DAYS = 28  # a tail as long as this is folded in, but for the last `TAIL_DAYS`
HISTORY_TABLES = ("history_days", "history_sessions", "history_streaks", "history_first", "history_named")
_META = "history"
_WEEK = tuple(range(7))


def recall(engine: Engine, rollups: Rollups, cells: Cells, cutoffs: Cutoffs, project: ProjectSpec) -> History | None:
    """The fold that serves these cutoffs, made if they are one night; None where each day has to be read.

    Folding is per user: an account's events move with its users, and rows that become known late have no one past.
    """
    store = rollups.store
    if store is None or rollups.has_known or project.entity != "user":
        return None
    first, last = cutoffs.days[0], cutoffs.days[-1]
    wanted = sorted(cells.ever)
    kept = store.get(_META)
    past = None
    if kept is not None and set(wanted) <= set(kept["atoms"]):
        if first < kept["day"]:
            return None
        past = History(kept["day"], *(store.table(name) for name in HISTORY_TABLES))
    base = first - TAIL_DAYS
    if (past is None and first == last and base > rollups.first_day) or (past and first - past.day > RENEW_AFTER_DAYS):
        past = _make(engine, rollups, cells, base, past)
    return past


def forget_fold(store: Any, changed_from: int | None = None) -> None:
    """Drops the fold that a RollupStore keeps, if a day before its base changed; without a day, in any case."""
    kept = store.get(_META)
    if kept is None or (changed_from is not None and changed_from >= kept["day"]):
        return
    store.put(_META, None)
    for name in HISTORY_TABLES:
        store.drop(name)


def _make(engine: Engine, rollups: Rollups, cells: Cells, base: int, past: History | None) -> History:
    """Folds the days before `base`, from an earlier fold on if there is one, and keeps it."""
    store = rollups.store
    kinds: dict[str, AtomKind] = {name: atom.kind for atom, name in cells.atoms.items()}
    atoms = {name: aggregations.combined(kinds[name], name) for name in cells.ever}
    whole = aggregations.day_table(rollups, None, cells, since=None if past is None else past.day)
    whole = whole.select("ent", "day", *atoms).filter(_.day < base)
    opened = weeks.openings(whole, _WEEK, past)
    assert rollups.sessions is not None
    assert rollups.atoms is not None
    sessions, pieces = rollups.sessions.filter(_.day < base), rollups.pieces.filter(_.day < base)
    named = rollups.atoms.filter(_.aid.notnull() & (_.day < base)).mutate(last_t=_[LAST.name])
    named = named.select("uid", "aid", "day", "last_t")
    # the last whole week of each of the seven ways to cut the days ends on one of the seven days up to the base
    ends = Cutoffs(rollups.calendar, tuple(range(base - 6, base + 1)))
    numbers = engine.bring(weeks.week_ends(ends), "week_ends")
    streaks = weeks.streaks(engine, sessions, ends, past)
    streaks = streaks.join(numbers, "c").select(streaks.ent, numbers.r, numbers.week, streaks.streak)
    if past is not None:
        whole, sessions = past.before(past.days, whole), past.before(past.sessions, sessions)
        pieces, named = past.before(past.first, pieces), past.before(past.named, named)
    marks = {f"r{r}": _[f"r{r}"].sum() for r in _WEEK}
    weeks_opened = opened.group_by("ent").aggregate(**aggregations.plain_integers(marks, opened))
    totals = whole.group_by("ent").aggregate(day=_.day.max(), **aggregations.plain_integers(atoms, whole))
    sums = {"n": _.n.sum(), "length_us": _.length_us.sum(), "start_t": _.start_t.max()}
    latest = ibis.row_number().over(group_by="uid", order_by=[ibis.desc("last_t"), ibis.desc("aid")])
    made = (
        totals.join(weeks_opened, "ent").select(totals, *[weeks_opened[name] for name in marks]),
        sessions.group_by("ent").aggregate(day=_.day.max(), **aggregations.plain_integers(sums, sessions)),
        streaks,
        pieces.group_by("uid").aggregate(first_t=_.first_t.min(), day=_.day.min()),
        named.mutate(place=latest).filter(_.place == 0).drop("place"),
    )
    tables = [engine.keep(table, name) for table, name in zip(made, HISTORY_TABLES, strict=True)]
    forget_fold(store)
    for table, name in zip(tables, HISTORY_TABLES, strict=True):
        store.keep(table, name)
    engine.drop(*tables)
    store.put(_META, {"day": base, "atoms": sorted(cells.ever)})
    return History(base, *(store.table(name) for name in HISTORY_TABLES))
