"""What is computed once from the roll-ups and read by every plan: atoms per user and day, and users' sessions."""

from __future__ import annotations

from dataclasses import replace

from ibis import _

from powerml.snapshots.aggregations import EVENTS, LAST, Cells, atom_table, first_uses
from powerml.snapshots.engine import Engine
from powerml.snapshots.rollup import Rollups
from powerml.snapshots.sessions import session_days


def prepare(engine: Engine, rollups: Rollups, cells: Cells) -> Rollups:
    """The roll-ups with `atoms` for these cells, and `sessions` where they serve every cutoff alike.

    What was made for one call is found again by the next that needs no more.
    """
    atoms = list(dict.fromkeys([EVENTS, LAST, *cells.atoms]))
    memo = rollups.memo
    have = memo.get("atoms")
    if have is None or not {atom.name for atom in atoms} <= set(have.columns):
        memo["atoms"] = engine.keep(atom_table(engine, rollups.days, rollups.kinds, atoms), "atoms")
    if not rollups.has_known:
        for distinct in cells.distinct:
            if distinct.first_only or distinct.window is None:
                first_uses(engine, rollups, distinct)
    if not rollups.has_known and "sessions" not in memo:
        pieces = rollups.pieces.mutate(ent=_.uid)
        memo["sessions"] = engine.keep(session_days(pieces, rollups.gap_us), "sessions")
    return replace(rollups, atoms=memo["atoms"], sessions=memo.get("sessions"))
