"""Sessions from pieces: given ones by their id, the others by a gap; cut at the cutoff, placed where they start.

A session belongs to the window in which it starts; its length is its last event minus its first. Events without an id
are chained among themselves: a pause longer than the gap starts a new session. Ignored events open, extend, count
nothing.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots.engine.words import whole_number


def session_days(pieces: ir.Table, gap_us: int, *, apart: bool = False) -> ir.Table:
    """(ent, start_day, day, n, length_us, start_t): how many sessions start on a day, and how long they last by day.

    `pieces` has ent, uid, sid, day, first_t, last_t: runs of events that belong together whatever the gap. A row adds
    up the sessions of an entity that started on `start_day` and what they grew by on `day`, so that a session crossing
    a cutoff is as long as it was known to be there. `start_t` is the latest start among them. Pieces of one chain may
    overlap, where they are split by account and by when they became known; `apart` says that these do not, and that
    all of a user belong to one entity: a third less to sort and to look back at.
    """
    if apart:
        chain = {"group_by": ["uid", "sid"], "order_by": "first_t"}
        ended = pieces.mutate(before=_.last_t.lag().over(**chain))
    else:
        chain = {"group_by": ["ent", "uid", "sid"], "order_by": ["first_t", "last_t"]}
        ended = pieces.mutate(before=_.last_t.max().over(**chain, rows=(None, -1)))  # the end so far counts
    new = ended.before.isnull() | (ended.sid.isnull() & (ended.first_t - ended.before > gap_us))
    grown = ibis.ifelse(new, ended.last_t - ended.first_t, ibis.greatest(ended.last_t - ended.before, 0))
    marked = ended.mutate(
        new=new,
        grown=grown,
        start_t=ibis.ifelse(new, ended.first_t, ibis.null("int64")),
        start_on=ibis.ifelse(new, ended.day, ibis.null("int32")),
    )
    placed = marked.mutate(
        start_t=_.start_t.max().over(**chain, rows=(None, 0)), start_day=_.start_on.max().over(**chain, rows=(None, 0))
    )
    return placed.group_by("ent", "start_day", "day").aggregate(
        n=whole_number(placed.new.sum()), length_us=whole_number(placed.grown.sum()), start_t=placed.start_t.max()
    )
