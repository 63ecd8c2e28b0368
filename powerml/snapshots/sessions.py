"""Sessions from pieces: given ones by their id, the others by a gap; cut at the cutoff, placed where they start.

A session belongs to the window in which it starts; its length is its last event minus its first. Events without an id
are chained among themselves: a pause longer than the gap starts a new session. Ignored events open, extend, count
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots.engine.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping


def session_days(pieces: ir.Table, gap_us: int, *, apart: bool = False) -> ir.Table:
    """(ent, start_day, day, n, length_us, start_t): how many sessions start on a day, and how long they last by day.

    `pieces` has ent, uid, sid, day, first_t, last_t: runs of events that belong together whatever the gap. A row adds
    up the sessions of an entity that started on `start_day` and what they grew by on `day`, so that a session crossing
    a cutoff is as long as it was known to be there. `start_t` is the latest start among them. Pieces of one chain may
    overlap, where they are split by account and by when they became known; `apart` says that these do not, and that
    all of a user belong to one entity: a third less to sort and to look back at.
    """
    keys = [*(() if apart else ("ent",)), "uid", *(("sid",) if _given(pieces) else ())]
    if apart:
        chain: Mapping[str, Any] = {"group_by": keys, "order_by": "first_t"}
        ended = pieces.mutate(before=_.last_t.lag().over(**chain), after=_.first_t.lead().over(**chain))
    else:
        chain = {"group_by": keys, "order_by": ["first_t", "last_t"]}
        ended = pieces.mutate(before=_.last_t.max().over(**chain, rows=(None, -1)))  # the end so far counts
    derived = ended.sid.isnull() if "sid" in keys else ibis.literal(True)
    new = ended.before.isnull() | (derived & (ended.first_t - ended.before > gap_us))
    grown = ibis.ifelse(new, ended.last_t - ended.first_t, ibis.greatest(ended.last_t - ended.before, 0))
    needed = list(dict.fromkeys((*keys, "ent", "day", "first_t")))
    if not apart:
        return _by_day(_started(ended.select(*needed, "last_t", new=new, grown=grown), chain))
    # most sessions are of one piece, which tells itself when its session started
    ends = ended.after.isnull() | (derived & (ended.after - ended.last_t > gap_us))
    marked = ended.select(*needed, new=new, grown=grown, alone=new & ends)
    ones = marked.filter(marked.alone).mutate(start_t=_.first_t, start_day=_.day)
    others = _started(marked.filter(~marked.alone), chain)
    columns = ("ent", "start_day", "day", "new", "grown", "start_t")
    return _by_day(ibis.union(ones.select(columns), others.select(columns)))


def _given(pieces: ir.Table) -> bool:
    """Whether there are ids of sessions; a column that the source did not have is one null, which no key needs."""
    value = pieces.sid.op()
    while isinstance(value, ops.Field) and isinstance(value.rel, ops.Project):
        value = value.rel.values[value.name]
    return not isinstance(value, ops.Literal)


def _started(marked: ir.Table, chain: Mapping[str, Any]) -> ir.Table:
    """Pieces with when and on which day the session started that they belong to."""
    starts = marked.mutate(
        start_t=ibis.ifelse(_.new, _.first_t, ibis.null("int64")),
        start_on=ibis.ifelse(_.new, _.day, ibis.null("int32")),
    )
    return starts.mutate(
        start_t=_.start_t.max().over(**chain, rows=(None, 0)), start_day=_.start_on.max().over(**chain, rows=(None, 0))
    )


def _by_day(placed: ir.Table) -> ir.Table:
    return placed.group_by("ent", "start_day", "day").aggregate(
        n=whole_number(placed.new.sum()), length_us=whole_number(placed.grown.sum()), start_t=placed.start_t.max()
    )
