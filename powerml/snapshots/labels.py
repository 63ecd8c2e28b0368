"""What happened after a cutoff: churn, expand or stay, and when it is too early to say.

The window is `[as_of, as_of + horizon)` between local midnights; each row gets one label, decided in this order.
Contract outcomes (where there are subscriptions): `ineligible` = not paying at the cutoff; `immature` = the window and
`grace_days` are not over; `churn` = payment stops in the window and does not come back within `grace_days`; `expand` =
just before the window's end `mrr` is more than `min_rise` higher, or there are more seats, or a higher plan; `stay` =
the rest. Behavioural outcomes: `ineligible` = no event in the last 90 days; `immature` = the window is not over;
`churn` = no event in it; `expand` = enough events there, and enough times those of the 90 days before; `stay` = the
rest. These are proxies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots.aggregations import EVERY_EVENT, attribute
from powerml.snapshots.engine.words import epoch_us
from powerml.snapshots.entities import People, people, subscriptions_at
from powerml.snapshots.records import HOUR_US
from powerml.snapshots.rollup import Inputs, Overall, Rollups
from powerml.snapshots.versions import known_at_all, versions
from powerml.snapshots.windows import Cutoffs, microseconds

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Inputs, Overall, Rollups

EXPAND_EVENTS = 5  # behavioural expansion: at least this many events in the window,
EXPAND_RISE = 1.5  # and this many times those of the days before
QUIET_DAYS = 90  # behavioural: no event in these days makes a row ineligible


def observed_until(project: ProjectSpec, rollups: Overall) -> int:
    """The instant up to which outcomes were seen: declared, or the midnight after the last day with an event."""
    declared: datetime | None = project.observed_until
    if declared is None:
        return rollups.calendar.midnight(rollups.last_day + 1)
    if declared.tzinfo is None:
        from zoneinfo import ZoneInfo

        declared = declared.replace(tzinfo=ZoneInfo(project.timezone))
    return microseconds(declared)


def label_cutoffs(project: ProjectSpec, rollups: Overall, cutoffs: Cutoffs) -> pd.DataFrame:
    """Per cutoff: c, at, until (end of the window), mature (whether the whole window and grace were seen)."""
    horizon = project.outcome.horizon_days
    frame = cutoffs.frame()[["c", "at", "day"]]
    frame["until"] = [cutoffs.calendar.midnight(day + horizon) for day in cutoffs.days]
    extra = project.outcome.grace_days * 24 * HOUR_US if project.outcome_kind == "contract" else 0
    frame["mature"] = frame["until"] + extra <= observed_until(project, rollups)
    return frame


def contract_labels(
    engine: Engine, inputs: Inputs, rollups: Rollups, found: People, project: ProjectSpec, cutoffs: Cutoffs
) -> ir.Table:
    """(c, ent, label) from subscriptions: an account's outcome, which is its users' too."""
    windows = engine.bring(label_cutoffs(project, rollups, cutoffs), "label_windows")
    starts, ends = windows.select("c", "at"), windows.select("c", at=_.until)
    at_start = subscriptions_at(inputs, rollups, starts, plans=project.plans, seen="later")
    at_end = subscriptions_at(inputs, rollups, ends, plans=project.plans, seen="later")
    stops = engine.keep(payment_stops(inputs, rollups, project), "stops")
    churned = stops.cross_join(windows.select("c", "at", "until"))
    churned = churned.filter((_.stop >= _.at) & (_.stop < _.until)).select("c", "aid", churned=True).distinct()

    rows = found.entities.select("c", "ent", "aid").join(windows, "c")
    rows = rows.select(*[_[n] for n in ("c", "ent", "aid", "mature")])
    rows = rows.left_join(at_start, ["c", "aid"]).select(
        rows, mrr_0=at_start.mrr, seats_0=at_start.seats, plan_0=at_start.plan
    )
    rows = rows.left_join(at_end, ["c", "aid"]).select(rows, mrr_1=at_end.mrr, seats_1=at_end.seats, plan_1=at_end.plan)
    rows = rows.left_join(churned, ["c", "aid"]).select(rows, churned=churned.churned)
    rises = 1 + project.outcome.min_rise
    more = (
        (rows.mrr_1 > rows.mrr_0 * rises).fill_null(False)
        | (rows.seats_1.fill_null(0) > rows.seats_0.fill_null(0))
        | (rows.plan_1.fill_null(-1) > rows.plan_0.fill_null(-1))
    )
    label = ibis.cases(
        (~(rows.mrr_0 > 0).fill_null(False), "ineligible"),
        (~rows.mature, "immature"),
        (rows.churned.notnull(), "churn"),
        (more, "expand"),
        else_="stay",
    )
    return rows.select("c", "ent", label=label)


def payment_stops(inputs: Inputs, rollups: Overall, project: ProjectSpec) -> ir.Table:
    """(aid, stop): instants at which an account stops paying and does not pay again within the grace."""
    table = versions(inputs, "subscriptions")
    table = table.filter(known_at_all(table))
    never = ibis.literal(2**62)
    end = ibis.coalesce(epoch_us(table.end), never) if inputs.has("subscriptions", "end") else never
    rows = table.join(rollups.accounts, "account_id").select(
        rollups.accounts.aid, start=epoch_us(table.start), end=end,
        pays=(table.mrr > 0).fill_null(False) if inputs.has("subscriptions", "mrr") else ibis.literal(True),
    )  # fmt: skip
    rows = rows.filter(_.pays & (_.start < _.end))
    covered = _.end.max().over(group_by="aid", order_by=["start", "end"], rows=(None, 0))
    rows = rows.mutate(covered=covered)
    following = _.start.lead().over(group_by="aid", order_by=["start", "end"])
    grace = project.outcome.grace_days * 24 * HOUR_US
    rows = rows.mutate(following=following)
    ended = rows.following.isnull() | (rows.following > rows.covered + grace)
    return rows.filter(ended & (rows.covered < never)).select("aid", stop=_.covered)


def behavioural_labels(
    engine: Engine, inputs: Inputs, rollups: Rollups, found: People, project: ProjectSpec, cutoffs: Cutoffs
) -> ir.Table:
    """(c, ent, label) from events alone: proxies, and every report says so."""
    rows = window_counts(engine, inputs, rollups, found, project, cutoffs)
    label = ibis.cases(
        (rows.before == 0, "ineligible"),
        (~rows.mature, "immature"),
        (rows.after == 0, "churn"),
        ((rows.after >= EXPAND_EVENTS) & (rows.after >= EXPAND_RISE * rows.before), "expand"),
        else_="stay",
    )
    return rows.select("c", "ent", label=label)


def window_counts(
    engine: Engine,
    inputs: Inputs,
    rollups: Rollups,
    found: People,
    project: ProjectSpec,
    cutoffs: Cutoffs,
    *,
    counted_after: str = EVERY_EVENT.name,
) -> ir.Table:
    """(c, ent, mature, before, after): events in the 90 days before the cutoff, and in the window from it on.

    `counted_after` is the column of atoms that is added up after the cutoff. An event that names no account counts for
    its user's account as known at the cutoff, in the window for that known at the window's end: somebody who joined
    meanwhile keeps the account alive.
    """
    horizon = project.outcome.horizon_days
    assert rollups.atoms is not None
    windows = engine.bring(label_cutoffs(project, rollups, cutoffs), "label_windows")
    placed = engine.bring(
        cutoffs.placement(QUIET_DAYS, -horizon, rollups.first_day, rollups.last_day), "label_placement"
    )
    if project.entity == "user":
        counted = attribute(rollups.atoms, None).join(placed, "day")
    else:
        ends = Cutoffs(cutoffs.calendar, tuple(day + horizon for day in cutoffs.days))
        by_then = rollups.known_before(ends.days[-1])  # where rows are written late, a plan has one cutoff
        later = people(engine, inputs, by_then, project, ends)
        before = found.state.filter(_.aid.notnull()).select("c", "uid", home=_.aid)
        after = later.state.filter(_.aid.notnull()).select("c", "uid", home=_.aid)
        counted = rollups.atoms.join(placed, "day")
        counted = counted.left_join(before, ["c", "uid"]).select(counted, home_before=before.home)
        counted = counted.left_join(after, ["c", "uid"]).select(counted, home_after=after.home)
        home = ibis.ifelse(counted.age > 0, counted.home_before, counted.home_after)
        counted = counted.mutate(ent=ibis.coalesce(counted.aid, home)).filter(_.ent.notnull())
    counts = counted.group_by("c", "ent").aggregate(
        before=_[EVERY_EVENT.name].sum(where=_.age > 0).cast("int64"),
        after=_[counted_after].sum(where=_.age <= 0).cast("int64"),
    )
    rows = found.entities.select("c", "ent").join(windows, "c").select("c", "ent", "mature")
    return rows.left_join(counts, ["c", "ent"]).select(
        rows, before=counts.before.fill_null(0), after=counts.after.fill_null(0)
    )


def treated(
    engine: Engine, inputs: Inputs, rollups: Rollups, found: People, project: ProjectSpec, cutoffs: Cutoffs
) -> ir.Table | None:
    """(c, ent, treated): rows that a treatment touched inside the window; None without treatments."""
    if not inputs.has("treatments"):
        return None
    windows = engine.bring(label_cutoffs(project, rollups, cutoffs), "label_windows")
    table = inputs.tables["treatments"].mutate(t=epoch_us(_.time))
    if inputs.has("treatments", "arm"):  # the held out were not touched
        table = table.filter(_.arm.isnull() | (_.arm != "hold"))
    if project.entity == "user":
        ids = rollups.users.select(ent=_.uid, entity_id=_.user_id)
    else:
        ids = rollups.accounts.select(ent=_.aid, entity_id=_.account_id)
    touched = table.join(ids, "entity_id").select(ids.ent, table.t)
    touched = touched.join(found.entities.select("c", "ent"), "ent").join(windows, "c")
    return touched.filter((_.t >= _.at) & (_.t < _.until)).select("c", "ent", treated=True).distinct()
