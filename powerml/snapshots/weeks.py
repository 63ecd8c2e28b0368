"""Week blocks counted back from a cutoff: the share of active ones, and the streak of busy ones.

Blocks of two cutoffs coincide when the cutoffs fall on the same day of the week, so there are at most seven ways to
cut the days into weeks, whatever the number of cutoffs. Source: 2-metrics.md, 13 and 14.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from powerml.snapshots.aggregations import AtomKind, running
from powerml.snapshots.engine import Engine
from powerml.snapshots.rollup import Rollups
from powerml.snapshots.windows import Cutoffs

BUSY_SESSIONS = 3  # "at least 3 sessions": 000_8aeca6b8c7c88714, "Tenure and consistency"


def _residues(cutoffs: Cutoffs) -> list[int]:
    return sorted({day % 7 for day in cutoffs.days})


def active_weeks(engine: Engine, days: ir.Table, cutoffs: Cutoffs, rollups: Rollups, entities: ir.Table) -> ir.Table:
    """(c, ent, weeks): in how many week blocks, from that of creation on, the entity has an event."""
    earliest = days.group_by("ent").aggregate(earliest=_.day.min())
    early = entities.join(earliest, "ent").filter(_.earliest < _.born).select("c", "ent", "born", "day")
    early = engine.keep(early, "early")
    # a day opens a new block of a cutting if its predecessor lies in another block
    before = days.select("ent", "day").mutate(before=_.day.lag().over(group_by="ent", order_by="day"))
    opens = {
        f"r{r}": (
            before.before.isnull() | ((before.day - r + 7000).cast("int32") // 7 != (before.before - r + 7000) // 7)
        ).ifelse(1, 0)
        for r in _residues(cutoffs)
    }
    wanted: dict[str, tuple[str, AtomKind]] = {name: (name, "count") for name in opens}
    totals = running(engine, before.mutate(**opens), wanted, cutoffs, rollups, entities)
    days_of = engine.bring(cutoffs.frame()[["c", "day"]].rename(columns={"day": "cutoff"}), "numbers")
    totals = totals.join(days_of, "c")
    weeks = ibis.cases(*[(totals.cutoff % 7 == r, totals[f"r{r}"]) for r in _residues(cutoffs)])
    totals = totals.select("c", "ent", weeks=weeks.cast("int64"))
    # entities with events from before their creation (accounts can have them): counted block by block
    on = days.select("ent", on=_.day)
    blocks = early.join(on, "ent").filter(_.on < _.day)
    blocks = blocks.mutate(block=(_.day - 1 - _.on) // 7, oldest=(_.day - 1 - _.born) // 7).filter(_.block <= _.oldest)
    exact = blocks.select("c", "ent", "block").distinct().group_by("c", "ent").aggregate(exact=_.count())
    joined = totals.left_join(early, ["c", "ent"]).select(totals, special=early.born)
    joined = joined.left_join(exact, ["c", "ent"]).select(joined, exact.exact)
    return joined.select(
        "c", "ent", weeks=ibis.ifelse(joined.special.notnull(), joined.exact.fill_null(0), joined.weeks)
    )


def streaks(engine: Engine, sessions: ir.Table, cutoffs: Cutoffs) -> ir.Table:
    """(c, ent, streak): consecutive week blocks from block 0 back with at least three sessions started in each."""
    starts = sessions.group_by("ent", "start_day").aggregate(n=_.n.sum().cast("int64")).filter(_.n > 0)
    starts = engine.keep(starts, "starts")
    parts = []
    for r in _residues(cutoffs):
        weeks = starts.mutate(week=((_.start_day - r + 7000) // 7).cast("int32"))
        busy = weeks.group_by("ent", "week").aggregate(n=_.n.sum()).filter(_.n >= BUSY_SESSIONS)
        island = busy.mutate(island=_.week - ibis.row_number().over(group_by="ent", order_by="week"))
        length = ibis.row_number().over(group_by=["ent", "island"], order_by="week") + 1
        ends = pd.DataFrame(
            [(c, (day - r + 7000) // 7 - 1) for c, day in enumerate(cutoffs.days) if day % 7 == r],
            columns=["c", "week"],
        ).astype("int32")
        lengths = island.mutate(streak=length)
        wanted = engine.bring(ends, "week_ends")
        parts.append(lengths.join(wanted, "week").select(wanted.c, lengths.ent, lengths.streak))
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
