"""Week blocks counted back from a cutoff: the share of active ones, and the streak of busy ones.

Blocks of two cutoffs coincide when the cutoffs fall on the same day of the week, so there are at most seven ways to
cut the days into weeks, whatever the number of cutoffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from powerml.snapshots import placing
from powerml.snapshots.aggregations import AtomKind, running
from powerml.snapshots.engine.words import bit_count, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.past import History
    from powerml.snapshots.rollup import Rollups
    from powerml.snapshots.windows import Cutoffs

BUSY_SESSIONS = 3  # "at least 3 sessions": document A, "Tenure and consistency"


def _residues(cutoffs: Cutoffs) -> list[int]:
    return sorted({day % 7 for day in cutoffs.days})


def openings(days: ir.Table, residues: Sequence[int], past: History | None = None) -> ir.Table:
    """(ent, day, r0...): 1 where a day of a (ent, day) table opens a new week block of a cutting, else 0.

    It does if the entity's day before lies in another block. Days before the base of `past` are in one row per entity,
    with their sum.
    """
    whole = days.select("ent", "day") if past is None else past.before(past.days.select("ent", "day"), days)
    before = whole.mutate(before=_.day.lag().over(group_by="ent", order_by="day"))
    opens = {
        f"r{r}": (before.before.isnull() | (_week(before.day, r).cast("int32") != _week(before.before, r))).ifelse(1, 0)
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
    wanted: dict[str, tuple[str, AtomKind]] = {f"r{r}": (f"r{r}", "count") for r in residues}
    totals = running(engine, opened, wanted, cutoffs, rollups)
    if len(residues) == 1:
        return totals.rename(weeks=f"r{residues[0]}")
    numbers = cutoffs.frame()[["c", "day"]].rename(columns={"day": "cutoff"})
    totals = placing.beside(engine, totals, numbers)
    weeks = ibis.cases(*[(totals.cutoff % 7 == r, totals[f"r{r}"]) for r in residues])
    return totals.select("c", "ent", weeks=weeks)


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
    if past is not None:
        sessions = sessions.filter(_.start_day >= past.day - 7)
    starts = sessions.group_by("ent", "start_day").aggregate(n=whole_number(sessions.n.sum())).filter(_.n > 0)
    if len(_residues(cutoffs)) > 1:
        starts = engine.keep(starts, "starts")
    parts = []
    numbers = week_ends(cutoffs)
    for r in _residues(cutoffs):
        weeks = starts.mutate(week=_week(_.start_day, r).cast("int32"))
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


def _week(day: Any, residue: int) -> Any:
    """The number of the week block that holds a day, in one of the seven cuttings."""
    return (day - residue + 7000) // 7
