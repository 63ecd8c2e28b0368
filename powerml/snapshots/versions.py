"""Tables of versions: of each key the row known last before an instant counts, for outcomes the one known last at all.

A row without `known_at` was known from the beginning;
of versions known at the same instant the later row counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from powerml.snapshots.engine.words import epoch_us
from powerml.tables import KNOWN_AT, TABLES

if TYPE_CHECKING:
    from powerml.snapshots.rollup import Inputs

ALWAYS, NEVER = -(2**62), 2**62
_SINCE, _UNTIL = "_known_since", "_known_until"
COLUMNS = (_SINCE, _UNTIL)


def versions(inputs: Inputs, name: str) -> ir.Table:
    """The rows of a table with the instants (microseconds) since and until which each is what is known of its key.

    A table without `known_at` has one row per key, known always.
    """
    table = inputs.tables[name]
    if not inputs.has(name, KNOWN_AT):
        return table.mutate(**{_SINCE: ibis.literal(ALWAYS), _UNTIL: ibis.literal(NEVER)})
    known = table.mutate(**{_SINCE: ibis.coalesce(epoch_us(table[KNOWN_AT]), ALWAYS)})
    key = TABLES[name].key
    if not key:
        return known.mutate(**{_UNTIL: ibis.literal(NEVER)})
    following = known[_SINCE].lead().over(group_by=key, order_by=[_SINCE, "_row"])
    return known.mutate(**{_UNTIL: ibis.coalesce(following, NEVER)})


def known_at(rows: ir.Table, instant: ir.IntegerValue) -> ir.BooleanValue:
    """Whether a version is what was known just before an instant (microseconds)."""
    return (rows[_SINCE] < instant) & (rows[_UNTIL] >= instant)


def known_at_all(rows: ir.Table) -> ir.BooleanValue:
    """Whether a version is the one known last."""
    return rows[_UNTIL] == NEVER
