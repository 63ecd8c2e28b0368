"""What happened before a base day, folded to a row per user: what the plans add to the days since."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
from ibis import _


@dataclass(frozen=True)
class History:
    """What happened before `day`, per user.

    days: ent, day (their last one), the atoms that "ever" reads, and r0 to r6 (weeks opened, a column per cutting).
    sessions: ent, day, n, length_us, start_t. streaks: ent, r, week, streak, of the last whole week of each cutting.
    first: uid, first_t. named: uid, aid, day, last_t: the account that the latest event names.
    """

    day: int
    days: ir.Table
    sessions: ir.Table
    streaks: ir.Table
    first: ir.Table
    named: ir.Table

    def before(self, table: ir.Table, rows: ir.Table) -> ir.Table:
        """The rows of a roll-up from the base day on, and behind them those of one of the tables above."""
        columns = [name for name in table.columns if name in rows.columns]
        since = rows.filter(_.day >= self.day)
        since = since.select(**{name: since[name].cast(table[name].type()) for name in columns})
        return table.select(*columns).union(since, distinct=False)
