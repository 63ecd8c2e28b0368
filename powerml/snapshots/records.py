"""Tables other than events, brought to (cutoff, entity): tickets, surveys, limits, subscriptions, and so on.

A record stands on its entity: on its user or account; for `entity: user`, records that name only an account stand on
each of its users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.config.metrics import booleans_among
from powerml.errors import ConfigError, Problem
from powerml.snapshots.engine.words import epoch_us
from powerml.snapshots.entities import People, subscriptions_at
from powerml.snapshots.rollup import Inputs, Rollups, check_number
from powerml.snapshots.versions import known_at, versions
from powerml.snapshots.windows import DAY_US, Cutoffs
from powerml.tables import KNOWN_AT, TABLES, as_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.metrics import MetricPart
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine

HOUR_US = 3_600_000_000
NEW_TEAM_US = 7 * 24 * HOUR_US  # founders: created within 7 x 24 h of the account's first user
LIMIT_DAYS = 45  # a reading of a limit older than this says nothing
DERIVED = {"tickets": ("resolution_hours", "positive")}
ENDS = {
    "users": ("deactivated_at",),
    "subscriptions": ("end", "reason"),
    "tickets": ("resolved_at", "resolution_hours"),
}
"""The column that says when a row ended, and those that tell nothing before it has."""


@dataclass(frozen=True)
class Records:
    """What the metrics over other tables are computed from."""

    engine: Engine
    inputs: Inputs
    rollups: Rollups
    people: People
    project: ProjectSpec
    cutoffs: Cutoffs

    def of(self, name: str, time: str) -> ir.Table:
        """Rows of a table known at each cutoff: c, ent, t (instant), day, and the table's columns.

        `time` is the column that says when the row happened; rows at the cutoff or later are left out, and so is what
        an end from then on says of a row.
        """
        table = _derived(self.inputs, name)
        table = table.filter(table[time].notnull()).mutate(t=epoch_us(table[time]))
        rows = self._on_entities(name, table)
        rows = _without_later_ends(rows.filter(_.t < _.at), name)
        return rows.filter(known_at(rows, rows["at"])) if self.inputs.has(name, KNOWN_AT) else rows

    def _on_entities(self, name: str, table: ir.Table) -> ir.Table:
        """Rows times cutoffs with `ent` and the cutoff's columns (prefixed `at`, `cut`)."""
        grid = self.people.cutoffs.select("c", "at", cut=_.day)
        have = self.inputs.columns[name]
        users, accounts, state = self.rollups.users, self.rollups.accounts, self.people.state
        owner = "entity_id" if name == "treatments" else None
        if owner:
            ids = users if self.project.entity == "user" else accounts
            number, text = ("uid", "user_id") if self.project.entity == "user" else ("aid", "account_id")
            rows = table.join(ids, table.entity_id == ids[text]).select(table, ent=ids[number])
            return rows.cross_join(grid)
        placed = []
        if "user_id" in have and name != "accounts":
            named = table.join(users, "user_id").select(table, uid=users.uid)
        else:
            named = None
        with_account = None
        if "account_id" in have and name != "users":
            with_account = table.join(accounts, "account_id").select(table, aid=accounts.aid)
        if self.project.entity == "user":
            if named is not None:
                placed.append(named.mutate(ent=_.uid).drop("uid").cross_join(grid))
            if with_account is not None:
                only = with_account.filter(_.user_id.isnull()) if named is not None else with_account
                members = state.filter(_.aid.notnull()).select("c", "uid", "aid")
                rows = only.join(members, "aid").select(only, c=members.c, ent=members.uid).drop("aid")
                placed.append(rows.join(grid, "c").select(rows, grid.at, grid.cut))
        else:
            if with_account is not None:
                placed.append(with_account.mutate(ent=_.aid).drop("aid").cross_join(grid))
            if named is not None:
                only = named.filter(_.account_id.isnull()) if with_account is not None else named
                homes = state.filter(_.aid.notnull()).select("c", "uid", "aid")
                rows = only.join(homes, "uid").select(only, c=homes.c, ent=homes.aid).drop("uid")
                placed.append(rows.join(grid, "c").select(rows, grid.at, grid.cut))
        if not placed:  # the table is there, but says of nobody whose its rows are
            placed.append(table.cross_join(grid).mutate(ent=ibis.null("int32")).filter(ibis.literal(False)))
        columns = [*table.columns, "ent", "c", "at", "cut"]
        parts = [part.select(*columns) for part in placed]
        return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]

    def measured(self, part: MetricPart, cell: str) -> ir.Table:
        """(c, ent, cell): a generic measure over a table's rows in a window."""
        name = str(part.table)
        time = part.time or str(TABLES[name].time)
        rows = self.of(name, time)
        if part.window_days:
            older, newer = part.window_days
            rows = self._within(rows, older, newer)
        for key, values in part.where.items():
            column = rows[key]
            if column.type().is_numeric():
                rows = rows.filter(column.isin([float(v) for v in values if _is_number(v)]))
            else:
                text = column.cast("string")
                rows = rows.filter(text.isin(list(values)) | text.lower().isin(booleans_among(values)))
        keys = ["c", "ent"]
        if part.measure == "count":
            return rows.group_by(keys).aggregate(**{cell: _.count()})
        if part.measure == "days":
            rows = rows.mutate(on=self.rollups.calendar.day_expression(rows.t, *self._span(rows)))
            return rows.select("c", "ent", "on").distinct().group_by(keys).aggregate(**{cell: _.count()})
        if part.measure == "days_since_last":
            rows = rows.mutate(since=(rows["at"] - rows.t) / DAY_US)
            return rows.group_by(keys).aggregate(**{cell: _.since.min()})
        column = str(part.of)
        if part.measure == "distinct":
            return (
                rows.filter(rows[column].notnull())
                .select("c", "ent", column)
                .distinct()
                .group_by(keys)
                .aggregate(**{cell: _.count()})
            )
        if part.measure == "latest":
            return self._latest(rows, name, column, cell)
        if column not in DERIVED.get(name, ()):
            check_number(self.inputs, name, column)
        value = _[column].try_cast("float64")
        measure = {"sum": value.sum(), "mean": value.mean(), "max": value.max()}[str(part.measure)]
        return rows.group_by(keys).aggregate(**{cell: measure})

    def _span(self, rows: ir.Table) -> tuple[int, int]:
        found = self.engine.rows(rows.aggregate(low=_.t.min(), high=_.t.max()))[0]
        return found["low"] or 0, found["high"] or 0

    def _within(self, rows: ir.Table, older: int, newer: int) -> ir.Table:
        """Rows whose time lies in the window of whole local days before their cutoff."""
        columns = ["c", f"back_{older}", f"back_{newer}"]
        edges = self.engine.bring(self.cutoffs.frame(back=(older, newer))[columns], "edges")
        joined = rows.join(edges, "c").select(rows, edges[f"back_{older}"], edges[f"back_{newer}"])
        inside = (joined.t >= joined[f"back_{older}"]) & (joined.t < joined[f"back_{newer}"])
        return joined.filter(inside).drop(f"back_{older}", f"back_{newer}")

    def _latest(self, rows: ir.Table, name: str, column: str, cell: str) -> ir.Table:
        """The latest value; for accounts the mean of their users' latest ones. Of two at once the later row counts."""
        who = "user_id" if "user_id" in self.inputs.columns[name] else "account_id"
        rows = rows.filter(rows[column].notnull())
        newest = ibis.row_number().over(group_by=["c", "ent", who], order_by=[ibis.desc("t"), ibis.desc("_row")])
        rows = rows.mutate(newest=newest).filter(_.newest == 0)
        return rows.group_by("c", "ent").aggregate(**{cell: _[column].try_cast("float64").mean()})

    def unresolved(self, cell: str) -> ir.Table:
        """(c, ent, cell): tickets opened and not resolved before the cutoff."""
        rows = self.of("tickets", "opened_at")
        if self.inputs.has("tickets", "resolved_at"):
            rows = rows.filter(_.resolved_at.isnull())
        return rows.group_by("c", "ent").aggregate(**{cell: _.count()})

    def limits(self) -> ir.Table:
        """(c, aid, value): the largest used / limit over resources, each at its latest reading."""
        table = versions(self.inputs, "usage_limits").mutate(t=epoch_us(_.time))
        accounts, grid = self.rollups.accounts, self.people.cutoffs.select("c", "at")
        rows = table.join(accounts, "account_id").select(table, accounts.aid).cross_join(grid).filter(_.t < _.at)
        if self.inputs.has("usage_limits", KNOWN_AT):
            rows = rows.filter(known_at(rows, rows["at"]))
        rows = self._within(rows, LIMIT_DAYS, 0)
        newest = ibis.row_number().over(group_by=["c", "aid", "resource"], order_by=[ibis.desc("t"), ibis.desc("_row")])
        rows = rows.mutate(newest=newest).filter(_.newest == 0)
        if not self.inputs.has("usage_limits", "limit"):
            return rows.filter(False).select("c", "aid", value=ibis.null("float64"))
        share = ibis.cases((_["limit"] > 0, _.used / _["limit"]), (_.used > 0, 1.0), else_=0.0)
        rows = rows.filter(_["limit"].notnull()).mutate(share=share)
        return rows.group_by("c", "aid").aggregate(value=_.share.max())

    def team(self, active: ir.Table) -> ir.Table:
        """(c, aid, team_size, active_team_members, team_members_added, team_members_deactivated).

        `active`: (c, uid) of users with an event in the last 30 days. Only people with a users row count.
        """
        members = self.people.state.filter(_.has_row & _.aid.notnull() & _.created.notnull())
        edges = self.engine.bring(self.cutoffs.frame(back=(90,))[["c", "back_90"]], "edges")
        rows = members.join(edges, "c").select(members, edges.back_90)
        rows = rows.left_join(active.mutate(is_active=True), ["c", "uid"]).select(rows, active=_.is_active)
        founded = rows.group_by("c", "aid").aggregate(founded=_.created.min())
        rows = rows.join(founded, ["c", "aid"]).select(rows, founded.founded)
        here = rows.gone.isnull()
        added = (rows.created >= rows.back_90) & (rows.created - rows.founded > NEW_TEAM_US)
        return rows.group_by("c", "aid").aggregate(
            team_size=here.sum().cast("int64"),
            active_team_members=(here & rows.active.fill_null(False)).sum().cast("int64"),
            team_members_added=added.sum().cast("int64"),
            team_members_deactivated=(rows.gone >= rows.back_90).fill_null(False).sum().cast("int64"),
        )

    def subscribed(self) -> ir.Table:
        """(c, aid, mrr, seats, plan): the subscription just before each cutoff."""
        self.check_plans()
        grid = self.people.cutoffs.select("c", "at")
        return subscriptions_at(self.inputs, self.rollups, grid, plans=self.project.plans)

    def check_plans(self) -> None:
        """Raises ConfigError where the data has a plan that the declared order lacks."""
        if not self.inputs.has("subscriptions", "plan"):
            return
        table = self.inputs.tables["subscriptions"]
        plans = [row["plan"] for row in self.engine.rows(table.select("plan").filter(_.plan.notnull()).distinct())]
        if unknown := sorted(set(plans) - set(self.project.plans)):
            what = f"the data has the plan {unknown[0]!r}, which the order {list(self.project.plans)} lacks; add it"
            raise ConfigError([Problem(self.project.file, 1, "plans", what)])


def _without_later_ends(rows: ir.Table, name: str) -> ir.Table:
    """Rows as they stood at their cutoff `at`, which knows of no end from then on."""
    columns = ENDS.get(name, ())
    if not columns or columns[0] not in rows.columns:
        return rows
    later = epoch_us(rows[columns[0]]) >= rows["at"]
    here = [column for column in columns if column in rows.columns]
    return rows.mutate(**{column: later.ifelse(ibis.null(rows[column].type()), rows[column]) for column in here})


def _derived(inputs: Inputs, name: str) -> ir.Table:
    """The table with the columns that follow from others: resolution time and whether a ticket went well."""
    table = versions(inputs, name)
    if name != "tickets":
        return table
    columns: dict[str, ir.Value] = {}
    if inputs.has(name, "resolved_at"):
        hours = (epoch_us(table.resolved_at) - epoch_us(table.opened_at)) / HOUR_US
        columns["resolution_hours"] = hours
    else:
        columns |= {"resolution_hours": ibis.null("float64"), "resolved_at": ibis.null("timestamp")}
    known: list[tuple[ir.BooleanValue, ir.Value]] = []  # the written sentiment first, else what csat says
    if inputs.has(name, "sentiment"):
        known.append((table.sentiment.notnull(), (table.sentiment == "positive").ifelse(1.0, 0.0)))
    if inputs.has(name, "csat"):
        known.append((table.csat.notnull(), (table.csat >= 4).ifelse(1.0, 0.0)))
    columns["positive"] = ibis.cases(*known, else_=ibis.null("float64")) if known else ibis.null("float64")
    if not inputs.has(name, "csat"):
        columns["csat"] = ibis.null("float64")
    return table.mutate(**columns)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def needs(part: MetricPart, inputs: Inputs) -> str | None:
    """Why a metric over another table is not available, or None."""
    name = str(part.table)
    if not inputs.has(name):
        return f"no table {name!r}"
    columns: Mapping[str, tuple[str, ...]] = inputs.columns
    asked = [*part.where, *([part.of] if part.of else []), *([part.time] if part.time else [])]
    sources = {"resolution_hours": ("resolved_at",), "positive": ("sentiment", "csat")}
    for column in asked:
        told_by = sources.get(column, (column,))
        if not any(source in columns[name] for source in told_by):
            either = told_by if len(told_by) > 1 else (column,)
            return f"no column {' or '.join(repr(as_written(one)) for one in either)} in {name}"
    if not part.time and TABLES[name].time not in columns[name]:
        return f"no column {TABLES[name].time!r} in {name}"
    return None
