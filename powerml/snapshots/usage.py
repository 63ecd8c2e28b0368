"""What a snapshot cannot say and the page asks for: first key actions, people per feature, why accounts stopped paying.

Each as it was known at one cutoff; the night keeps them beside its scores (powerml.history.store).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from powerml.snapshots.engine.words import epoch_us
from powerml.snapshots.labels import payment_stops
from powerml.snapshots.versions import known_at, known_at_all, versions
from powerml.snapshots.windows import Cutoffs

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.rollup import Inputs, Rollups

KEY_ACTION = "key_action"
BEGAN_WITHIN_DAYS = 365  # of the cutoff: whose first days are looked at
ADOPTED_WITHIN_DAYS = 30
LEFT_WITHIN_DAYS = 365
FIRST_ACTION_COLUMNS = ("user_id", "created", "first_key_action", "days")
FEATURE_COLUMNS = ("segment", "feature", "people", "of")
LEAVING_COLUMNS = ("reason", "accounts")


@dataclass(frozen=True)
class Usage:
    """Sources at one cutoff, to be asked."""

    inputs: Inputs
    rollups: Rollups
    project: ProjectSpec
    cutoffs: Cutoffs

    @classmethod
    def at(cls, inputs: Inputs, rollups: Rollups, project: ProjectSpec, as_of: date) -> Usage:
        """What was known at the local midnight of a date."""
        cutoffs = Cutoffs.of(project.timezone, [as_of])
        return cls(inputs, replace(rollups.known_before(cutoffs.days[0]), history=None), project, cutoffs)

    @property
    def _day(self) -> int:
        return self.cutoffs.days[0]

    def first_actions(self) -> pd.DataFrame | None:
        """A row per person who began in the 365 days before: when, the day of their first key action, days between.

        Days are whole local ones from the day they began (0: on that day); null where there was none yet. None where
        no event has the role key_action.
        """
        flags = self.rollups.kinds.roles.get(KEY_ACTION)
        if flags is None or not flags.any():
            return None
        engine, chosen = self.inputs.engine, self.rollups.kinds.frame["ev"].to_numpy()[flags]
        with engine.scratch():
            days = self.rollups.days
            done = days.filter(days.ev.isin([int(ev) for ev in chosen]) & (days.day < self._day))
            first = done.group_by("uid").aggregate(first_day=_.day.min())
            rows = self._began()
            rows = rows.left_join(first, "uid").select(rows.user_id, rows.created, first.first_day)
            midnight = self.rollups.calendar.midnight
            since, until = midnight(self._day - BEGAN_WITHIN_DAYS), midnight(self._day)
            found = engine.frame(rows.filter((_.created >= since) & (_.created < until)), order=["user_id"])
        created = pd.to_datetime(found["created"], unit="us", utc=True).dt.tz_convert(self.project.timezone)
        began = created.dt.tz_localize(None).dt.normalize()
        first_day = pd.to_datetime(found["first_day"], unit="D")
        days_between = (first_day - began).dt.days.clip(lower=0)
        values = (found["user_id"].astype(str), began, first_day, days_between)
        return pd.DataFrame(dict(zip(FIRST_ACTION_COLUMNS, values, strict=True)))

    def _began(self) -> ir.Table:
        """(uid, user_id, created): the earlier of what the row of a user says and their first event."""
        pieces, users = self.rollups.pieces, self.rollups.users
        seen = pieces.filter(pieces.day < self._day).group_by("uid").aggregate(first_t=_.first_t.min())
        rows = users.left_join(seen, "uid").select(users.uid, users.user_id, seen.first_t)
        if not self.inputs.has("users", "created_at"):
            return rows.select("uid", "user_id", created=_.first_t)
        told = self._users().select("user_id", made=epoch_us(_.created_at))
        rows = rows.left_join(told, "user_id").select(rows.uid, rows.user_id, rows.first_t, told.made)
        return rows.select("uid", "user_id", created=ibis.least(rows.made, rows.first_t))

    def _users(self) -> ir.Table:
        """The rows of users as they were known."""
        rows = versions(self.inputs, "users")
        return rows.filter(known_at(rows, ibis.literal(self.rollups.calendar.midnight(self._day))))

    def people_per_feature(self, segments: pd.DataFrame) -> pd.DataFrame:
        """How many of each segment used each feature in 30 days: FEATURE_COLUMNS; `of`: who is in the segment.

        `segments`: the project's id column and `segment`.
        """
        engine, own = self.inputs.engine, self.project.id_column
        kinds = self.rollups.kinds.frame
        named = kinds.loc[kinds["mapped"] & ~kinds["ignored"], ["ev", "feature"]]
        sizes = segments.groupby("segment").size().rename("of")
        if named.empty or segments.empty:
            return pd.DataFrame(columns=list(FEATURE_COLUMNS))
        with engine.scratch():
            who = engine.bring(segments[[own, "segment"]].astype(str).astype("string"), "segments")
            what = engine.bring(named.astype({"ev": "int32", "feature": "string"}), "features")
            days = self.rollups.days
            seen = days.filter((days.day >= self._day - ADOPTED_WITHIN_DAYS) & (days.day < self._day))
            seen = seen.join(what, "ev").select("uid", "aid", what.feature).distinct()
            counted = self._placed(seen, who).group_by("segment", "feature").aggregate(people=_.ent.nunique())
            found = engine.frame(counted, order=["segment", "feature"])
        return found.merge(sizes, left_on="segment", right_index=True)[list(FEATURE_COLUMNS)]

    def _placed(self, seen: ir.Table, who: ir.Table) -> ir.Table:
        """(segment, feature, ent): a row of use under the segment of whoever it is of."""
        if self.project.entity == "user":
            users = self.rollups.users.join(who, "user_id").select("uid", who.segment)
            return seen.join(users, "uid").select(users.segment, seen.feature, ent=seen.uid)
        accounts, users = self.rollups.accounts, self.rollups.users
        rows = seen.select("feature", "aid")
        if self.inputs.has("users", "account_id"):  # an event that names no account is of its user's
            told = self._users().join(users, "user_id").select("uid", "account_id")
            homes = told.join(accounts, "account_id").select(told.uid, home=accounts.aid)
            rows = seen.left_join(homes, "uid").select(seen.feature, named=seen.aid, home=homes.home)
            rows = rows.mutate(aid=ibis.coalesce(rows.named, rows.home)).select("feature", "aid")
        placed = accounts.join(who, "account_id").select("aid", who.segment)
        return rows.join(placed, "aid").select(placed.segment, rows.feature, ent=rows.aid)

    def leaving(self) -> pd.DataFrame | None:
        """Why accounts stopped paying in the 365 days before: LEAVING_COLUMNS, the most frequent first.

        The reason of the subscription that ended last; a stop without one has a null reason. None where subscriptions
        have no column `reason`.
        """
        if not self.inputs.has("subscriptions", "reason") or not self.inputs.has("subscriptions", "end"):
            return None
        engine, midnight = self.inputs.engine, self.rollups.calendar.midnight
        until, since = midnight(self._day), midnight(self._day - LEFT_WITHIN_DAYS)
        with engine.scratch():
            stops = payment_stops(self.inputs, self.rollups, self.project)
            stops = stops.filter((stops.stop >= since) & (stops.stop < until))
            table = versions(self.inputs, "subscriptions")
            table = table.filter(known_at_all(table) & table.end.notnull())
            told = table.join(self.rollups.accounts, "account_id").select(
                "aid", table.reason, ended=epoch_us(table.end)
            )
            rows = stops.left_join(told, [stops.aid == told.aid, stops.stop == told.ended])
            rows = rows.select(aid=stops.aid, stop=stops.stop, reason=told.reason)
            once = rows.group_by("aid", "stop").aggregate(reason=_.reason.max())
            found = engine.frame(once.group_by("reason").aggregate(accounts=_.aid.nunique()))
        found["reason"] = found["reason"].astype(object).where(found["reason"].notna(), None)
        return found.sort_values(["accounts", "reason"], ascending=[False, True], ignore_index=True)[
            list(LEAVING_COLUMNS)
        ]
