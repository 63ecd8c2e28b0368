"""Who is in a snapshot: users and accounts as they were known at each cutoff.

A user was created at the earlier of `created_at` and the first event that counts, an account at the earliest of its own
`created_at` and its users' creation. In a snapshot is who was created before the cutoff and not deactivated before it;
an account, too, that has a subscription then. A user's account is that of its `users` row, else that of its latest
event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots import placing
from powerml.snapshots.aggregations import LAST
from powerml.snapshots.engine.words import epoch_us
from powerml.snapshots.versions import COLUMNS, known_at, known_at_all, versions
from powerml.tables import KNOWN_AT

if TYPE_CHECKING:
    import pandas as pd

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Inputs, Overall, Rollups
    from powerml.snapshots.windows import Cutoffs


@dataclass(frozen=True)
class People:
    """Users as known at each cutoff.

    state: one row per (c, uid) for users created before the cutoff, or not yet (created null): created, gone (when they
    were deactivated, null unless before the cutoff), has_row (a users row known then), aid (their account then).
    entities: one row per (c, ent) in the snapshot: created, aid (the entity's account), day and at of the cutoff.
    """

    state: ir.Table
    entities: ir.Table
    cutoffs: ir.Table


def people(engine: Engine, inputs: Inputs, rollups: Rollups, project: ProjectSpec, cutoffs: Cutoffs) -> People:
    """Users and entities at every cutoff; `rollups` are those known there."""
    numbers = cutoffs.frame(back=back_days(project))
    grid = engine.bring(numbers, "cutoffs")
    past = rollups.history
    pieces = rollups.pieces if past is None else past.before(past.first, rollups.pieces)
    seen = pieces.group_by("uid").aggregate(first_t=_.first_t.min())
    if inputs.has("users"):
        everyone = rollups.users.left_join(seen, "uid").select(rollups.users.uid, rollups.users.user_id, seen.first_t)
        state = _with_rows(engine, inputs, everyone, numbers[["c", "at"]])
        state = state.mutate(created=ibis.least(_.row_created, _.first_t))
        state = state.mutate(gone=ibis.ifelse(_.row_gone < _.at, _.row_gone, ibis.null("int64")))
    else:  # a user is who has events
        state = placing.on_each(engine, seen, numbers[["c", "at"]])
        state = state.mutate(created=_.first_t, gone=ibis.null("int64"), has_row=False)
    state = state.mutate(created=ibis.ifelse(_.created < _.at, _.created, ibis.null("int64")))
    # somebody with a row but no date and no event yet is not there, but a ticket or answer of theirs has an account
    state = state.filter(_.created.notnull() | _.has_row)
    state = _with_accounts(inputs, rollups, state, cutoffs, engine)
    state = engine.keep(state, "state")
    if project.entity == "user":
        entities = state.filter(_.created.notnull() & _.gone.isnull()).select("c", "created", "aid", ent=_.uid)
    else:
        entities = _accounts(inputs, rollups, state, grid)
    entities = placing.beside(engine, entities, numbers)
    if project.entity != "user" or len(cutoffs.days) > 1:  # else they are the state but for a filter
        entities = engine.keep(entities, "entities")
    return People(state, entities, grid)


def _with_accounts(inputs: Inputs, rollups: Rollups, state: ir.Table, cutoffs: Cutoffs, engine: Engine) -> ir.Table:
    """The state with `aid`: the account of the users row, or else the one that the latest event names."""
    columns, accounts, aid = ["c", "uid", "created", "gone", "has_row", "at"], rollups.accounts, ibis.null("int32")
    if inputs.has("users", "account_id"):
        state = state.left_join(accounts, state.row_account == accounts.account_id).select(
            *[state[n] for n in columns], row_aid=accounts.aid
        )
        aid = state.row_aid
    if inputs.has("events", "account_id"):
        named = _named_accounts(rollups, cutoffs, engine)
        state = state.left_join(named, ["c", "uid"]).select(
            *[state[n] for n in columns], aid=ibis.coalesce(aid, named.aid)
        )
        return state
    return state.select(*columns, aid=aid)


def back_days(project: ProjectSpec) -> tuple[int, ...]:
    """Ages in days of which a cutoff carries the midnight: for `enough_history` and for young entities."""
    return tuple(sorted({project.min_history_days, 0}))


def _with_rows(engine: Engine, inputs: Inputs, everyone: ir.Table, numbers: pd.DataFrame) -> ir.Table:
    """Every user at every cutoff, with what their users row said then; a row of somebody not yet there says nothing."""
    table = versions(inputs, "users")
    empty_time, empty_text = ibis.null("timestamp"), ibis.null("string")
    rows = table.select(
        "user_id",
        *COLUMNS,
        account=table.account_id if inputs.has("users", "account_id") else empty_text,
        made=epoch_us(table.created_at if inputs.has("users", "created_at") else empty_time),
        left=epoch_us(table.deactivated_at if inputs.has("users", "deactivated_at") else empty_time),
        present=True,
    )
    said = ("account", "made", "left", "present")
    if inputs.has("users", KNOWN_AT):
        grid = placing.on_each(engine, everyone, numbers)
        joined = grid.left_join(rows, [grid.user_id == rows.user_id, known_at(rows, grid["at"])])
        joined = joined.select(*[grid[n] for n in ("uid", "first_t", "c", "at")], *[rows[n] for n in said])
    else:
        joined = everyone.left_join(rows, "user_id")
        joined = joined.select(everyone.uid, everyone.first_t, *[rows[n] for n in said])
        joined = placing.on_each(engine, joined, numbers)
    there = joined.present.notnull() & (joined.made.isnull() | (joined.made < joined["at"]))
    nothing = ibis.null("int64")
    return joined.select(
        "uid", "first_t", "c", "at",
        has_row=there,
        row_account=ibis.ifelse(there, joined.account, ibis.null("string")),
        row_created=ibis.ifelse(there, joined.made, nothing),
        row_gone=ibis.ifelse(there, joined.left, nothing),
    )  # fmt: skip


def _named_accounts(rollups: Rollups, cutoffs: Cutoffs, engine: Engine) -> ir.Table:
    """(c, uid, aid): the account that a user's latest event before the cutoff names."""
    assert rollups.atoms is not None
    named = rollups.atoms.filter(_.aid.notnull()).mutate(last_t=_[LAST.name])
    if (past := rollups.history) is not None:
        named = past.before(past.named, named)
    named = placing.in_period(engine, named, cutoffs, rollups)
    named = named.group_by("uid", "p", "aid").aggregate(last_t=_.last_t.max())
    last = ibis.row_number().over(group_by=["uid", "p"], order_by=[ibis.desc("last_t"), ibis.desc("aid")])
    named = named.mutate(place=last).filter(_.place == 0)
    if len(cutoffs.days) == 1:
        return named.select(_.uid, _.aid, c=_.p)
    until = _.p.lead().over(group_by="uid", order_by="p")
    named = named.mutate(until=ibis.coalesce(until, len(cutoffs.days)))
    numbers = engine.bring(cutoffs.frame()[["c"]], "numbers")
    return named.join(numbers, [named.p <= numbers.c, numbers.c < named.until]).select(numbers.c, named.uid, named.aid)


def _accounts(inputs: Inputs, rollups: Rollups, state: ir.Table, grid: ir.Table) -> ir.Table:
    """(c, ent, created, aid) of accounts: created with their first user or by their own row, and not left by all."""
    users = state.filter(_.created.notnull() & _.aid.notnull()).select("c", "aid", "created", alive=_.gone.isnull())
    paying = subscriptions_at(inputs, rollups, grid).select("c", "aid", created=ibis.null("int64"), alive=True)
    both = (
        ibis.union(users, paying, distinct=False)
        .group_by("c", "aid")
        .aggregate(users_created=_.created.min(), alive=_.alive.any())
    )
    if inputs.has("accounts", "created_at"):
        table = versions(inputs, "accounts")
        own = table.join(rollups.accounts, "account_id")
        own = own.select(rollups.accounts.aid, *[table[n] for n in COLUMNS], made=epoch_us(table.created_at))
        joined = both.join(grid.select("c", "at"), "c")
        then = [joined.aid == own.aid, known_at(own, joined["at"])] if inputs.has("accounts", KNOWN_AT) else "aid"
        joined = joined.left_join(own, then).select(joined, own.made)
        both = joined.mutate(created=ibis.least(joined.made, joined.users_created))
    else:
        both = both.join(grid.select("c", "at"), "c").mutate(created=_.users_created)
    return both.filter(_.alive & (_.created < _.at)).select("c", "created", "aid", ent=_.aid)


def subscriptions_at(
    inputs: Inputs,
    rollups: Overall,
    grid: ir.Table,
    *,
    plans: tuple[str, ...] = (),
    seen: Literal["then", "later"] = "then",
) -> ir.Table:
    """(c, aid, mrr, seats, plan): what an account was subscribed to just before each instant `at` of `grid`.

    A row counts if it starts before the instant and is open or ends at it or later; overlapping rows add up and the
    highest plan (a position in `plans`) counts. Without an `mrr` column every subscription counts as paying. A snapshot
    sees what was known `then`; an outcome is what is known `later`, however late it was written.
    """
    if not inputs.has("subscriptions"):
        return (
            rollups.accounts.cross_join(grid.select("c"))
            .filter(False)
            .select("c", "aid", mrr=ibis.null("float64"), seats=ibis.null("float64"), plan=ibis.null("int64"))
        )
    table = versions(inputs, "subscriptions")
    number = ibis.null("float64")
    rows = table.join(rollups.accounts, "account_id").select(
        rollups.accounts.aid,
        from_t=epoch_us(table.start),
        until_t=epoch_us(table.end) if inputs.has("subscriptions", "end") else ibis.null("int64"),
        **{name: table[name] for name in COLUMNS},
        mrr=table.mrr.fill_null(0) if inputs.has("subscriptions", "mrr") else ibis.literal(1.0),
        seats=table.seats if inputs.has("subscriptions", "seats") else number,
        plan=plan_position(table.plan, plans) if plans and inputs.has("subscriptions", "plan") else ibis.null("int64"),
    )
    rows = rows.cross_join(grid.select("c", "at"))
    rows = rows.filter((rows.from_t < rows.at) & (rows.until_t.isnull() | (rows.until_t >= rows.at)))
    if inputs.has("subscriptions", KNOWN_AT):
        rows = rows.filter(known_at(rows, rows["at"]) if seen == "then" else known_at_all(rows))
    return rows.group_by("c", "aid").aggregate(mrr=_.mrr.sum(), seats=_.seats.sum(), plan=_.plan.max())


def left_accounts(inputs: Inputs, rollups: Overall, grid: ir.Table) -> ir.Table:
    """(c, account_id): accounts that paid before an instant of `grid` (c, at) and pay nothing at it.

    As it was known then; `inputs` must have subscriptions.
    """
    table = inputs.tables["subscriptions"]
    rows = table.select(
        "account_id",
        from_t=epoch_us(table.start),
        known_t=epoch_us(table.known_at) if inputs.has("subscriptions", "known_at") else ibis.null("int64"),
        mrr=table.mrr.fill_null(0) if inputs.has("subscriptions", "mrr") else ibis.literal(1.0),
    ).cross_join(grid.select("c", "at"))
    once = rows.filter((_.from_t < _["at"]) & (_.known_t.isnull() | (_.known_t < _["at"])) & (_.mrr > 0))
    paying = subscriptions_at(inputs, rollups, grid).filter(_.mrr > 0).join(rollups.accounts, "aid")
    return once.select("c", "account_id").distinct().anti_join(paying.select("c", "account_id"), ["c", "account_id"])


def plan_position(plan: ir.StringValue, plans: tuple[str, ...]) -> ir.IntegerValue:
    """The position of a plan in the declared order, null for none; unknown plans are refused before this is run."""
    return ibis.cases(*[(plan == name, i) for i, name in enumerate(plans)], else_=ibis.null("int64"))
