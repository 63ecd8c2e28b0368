"""Week blocks counted back from a cutoff: the share of active ones, and the streak of busy ones.

Blocks of two cutoffs coincide when the cutoffs fall on the same day of the week, so there are at most seven ways to
cut the days into weeks, whatever the number of cutoffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from powerml.snapshots import placing
from powerml.snapshots.aggregations import AtomKind, running
from powerml.snapshots.engine.words import bit_count, whole_number
from powerml.snapshots.lanes import lane_count, lane_place, lane_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.past import History
    from powerml.snapshots.rollup import Rollups
    from powerml.snapshots.windows import Cutoffs

WEEKS_BACK = 7000  # days added before dividing: no day of a calendar is negative then
BUSY_SESSIONS = 3  # "at least 3 sessions": document A, "Tenure and consistency"


def _residues(cutoffs: Cutoffs) -> list[int]:
    return sorted({day % 7 for day in cutoffs.days})


def openings(days: ir.Table, residues: Sequence[int], past: History | None = None) -> ir.Table:
    """(ent, day, r0...): 1 where a day of a (ent, day) table opens a new week block of a cutting, else 0.

    It does if the entity's day before lies in another block. Days before the base of `past` are in one row per entity,
    with their sum.
    """
    whole = days.select("ent", "day") if past is None else past.before(past.days.select("ent", "day"), days)
    before = whole.mutate(gap=_.day - _.day.lag().over(group_by="ent", order_by="day"))
    # the day before lies in an earlier block if more days ago than the block had begun
    opens = {
        f"r{r}": (before.gap.isnull() | ((before.day + (WEEKS_BACK - r)) % 7 < before.gap)).ifelse(1, 0)
        for r in residues
    }
    opened = before.select("ent", "day", **opens)
    return opened if past is None else past.before(past.days.select("ent", "day", *opens), opened)


def active_weeks(engine: Engine, days: ir.Table, cutoffs: Cutoffs, rollups: Rollups) -> ir.Table:
    """(c, ent, weeks): in how many week blocks the entity has an event; nobody has one from before their creation."""
    residues = _residues(cutoffs)
    if rollups.history is not None and len(cutoffs.days) == 1:
        return _weeks_since(rollups.history, days, cutoffs.days[0])
    opened = openings(days, residues, rollups.history)
    if len(residues) == 1:
        only: dict[str, tuple[str, AtomKind]] = {"weeks": (f"r{residues[0]}", "count")}
        return running(engine, opened, only, cutoffs, rollups)
    places = {r: lane_place(n) for n, r in enumerate(residues)}
    numbers = {
        name: sum(opened[f"r{r}"] * lane_unit(lane) for r, (of, lane) in places.items() if of == name)
        for name, _lane in places.values()
    }
    wanted: dict[str, tuple[str, AtomKind]] = {name: (name, "count") for name in numbers}
    totals = running(engine, opened.select("ent", "day", **numbers), wanted, cutoffs, rollups)
    at = cutoffs.frame()[["c", "day"]].rename(columns={"day": "cutoff"})
    totals = placing.beside(engine, totals, at)
    of_each = [(totals.cutoff % 7 == r, lane_count(totals[name], lane)) for r, (name, lane) in places.items()]
    return totals.select("c", "ent", weeks=ibis.cases(*of_each))


def _weeks_since(past: History, days: ir.Table, cutoff: int) -> ir.Table:
    """As `active_weeks`, for one night: the weeks that the fold counts, and those of the days since as bits."""
    r = cutoff % 7
    first = _week(past.day, r)  # the week block of the base day; the fold may have counted it
    bit, none = ibis.literal(1, dt.int64), ibis.literal(0, dt.int64)
    folded = past.days.select(
        "ent",
        weeks=past.days[f"r{r}"].cast(dt.int64),
        counted=ibis.ifelse(_week(_.day, r) == first, bit, none),
        bits=none,
    )
    since = days.filter((days.day >= past.day) & (days.day < cutoff))
    since = since.select(
        ent=since.ent.cast(folded.ent.type()), weeks=none, counted=none, bits=bit << (_week(since.day, r) - first)
    )
    both = folded.union(since, distinct=False).group_by("ent")
    found = both.aggregate(weeks=_.weeks.sum(), counted=_.counted.bit_or(), bits=_.bits.bit_or())
    fresh = bit_count(found.bits & ~found.counted).cast(dt.int64)
    return found.select("ent", weeks=whole_number(found.weeks) + fresh, c=ibis.literal(0, dt.int32))


def weeks_since_creation(engine: Engine, days: ir.Table, weeks: ir.Table, entities: ir.Table) -> ir.Table:
    """As `active_weeks` gave, but of entities with events from before their creation only blocks from that on count.

    Accounts can have them: a user who joins brings events from before.
    """
    earliest = days.group_by("ent").aggregate(earliest=_.day.min())
    early = entities.join(earliest, "ent").filter(_.earliest < _.born).select("c", "ent", "born", "day")
    early = engine.keep(early, "early")
    on = days.select("ent", on=_.day)
    blocks = early.join(on, "ent").filter(_.on < _.day)
    blocks = blocks.mutate(block=(_.day - 1 - _.on) // 7, oldest=(_.day - 1 - _.born) // 7).filter(_.block <= _.oldest)
    exact = blocks.select("c", "ent", "block").distinct().group_by("c", "ent").aggregate(exact=_.count())
    joined = weeks.left_join(early, ["c", "ent"]).select(weeks, special=early.born)
    joined = joined.left_join(exact, ["c", "ent"]).select(joined, exact.exact)
    return joined.select(
        "c", "ent", weeks=ibis.ifelse(joined.special.notnull(), joined.exact.fill_null(0), joined.weeks)
    )


def week_ends(cutoffs: Cutoffs) -> pd.DataFrame:
    """Per cutoff `c` its cutting `r` and the number of the `week` that ends at it."""
    rows = [(c, day % 7, _week(day, day % 7) - 1) for c, day in enumerate(cutoffs.days)]
    return pd.DataFrame(rows, columns=["c", "r", "week"]).astype("int32")


def streaks(engine: Engine, sessions: ir.Table, cutoffs: Cutoffs, past: History | None = None) -> ir.Table:
    """(ent, streak, c): consecutive week blocks from block 0 back with at least three sessions started in each."""
    parts = []
    numbers = week_ends(cutoffs)
    starts = sessions.select("ent", "start_day", "n")
    if past is not None:
        starts = starts.filter(_.start_day >= past.day - 7)
    now = engine.keep(_busy_now(engine, starts, cutoffs), "busy_now") if past is None else None
    for r in _residues(cutoffs):
        of = starts if now is None else starts.semi_join(now.filter(_.r == r), "ent")
        weeks = of.mutate(week=_week(_.start_day, r).cast("int32"))
        busy = weeks.group_by("ent", "week").aggregate(n=_.n.sum()).filter(_.n >= BUSY_SESSIONS)
        if past is not None:
            last = _week(past.day, r) - 1  # the last whole week before the base day
            busy = busy.filter(_.week > last)
        island = busy.mutate(island=_.week - ibis.row_number().over(group_by="ent", order_by="week"))
        length = ibis.row_number().over(group_by=["ent", "island"], order_by="week") + 1
        lengths = island.mutate(streak=length).select("ent", "week", "streak")
        if past is not None:
            until = past.streaks.filter((_.r == r) & (_.week == last)).select("ent", "week", "streak")
            lengths = lengths.left_join(until, "ent").select(
                lengths.ent,
                lengths.week,
                # a streak that begins in the first week since the base goes on from the one before
                streak=lengths.streak
                + ibis.ifelse(lengths.week - lengths.streak == last, until.streak.fill_null(0), 0),
            )
            lengths = lengths.union(until.select(*[until[n].cast(lengths[n].type()).name(n) for n in until.columns]))
        ends = numbers.loc[numbers["r"] == r, ["c", "week"]]
        if len(ends) == 1:
            at_end = lengths.filter(lengths.week == ends["week"].item())
            parts.append(at_end.select("ent", "streak", c=ibis.literal(ends["c"].item(), dt.int32)))
        else:
            wanted = engine.bring(ends, "week_ends")
            parts.append(lengths.join(wanted, "week").select(lengths.ent, lengths.streak, wanted.c))
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]


def _busy_now(engine: Engine, starts: ir.Table, cutoffs: Cutoffs) -> ir.Table:
    """(ent, r): who is busy in the block that ends at a cutoff, by its cutting; nobody else has a streak there."""
    at = cutoffs.placement(7, 0, cutoffs.days[0] - 7, cutoffs.days[-1])
    at = at.assign(r=np.asarray(cutoffs.days, dtype="int32")[at["c"]] % 7).rename(columns={"day": "start_day"})
    rows = starts.join(engine.bring(at[["start_day", "c", "r"]], "last_weeks"), "start_day")
    busy = rows.group_by("c", "ent", "r").aggregate(n=_.n.sum()).filter(_.n >= BUSY_SESSIONS)
    return busy.select("ent", "r").distinct()


def _week(day: Any, residue: int) -> Any:
    """The number of the week block that holds a day, in one of the seven cuttings."""
    return (day - residue + WEEKS_BACK) // 7
