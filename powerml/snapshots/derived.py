"""What is computed once from the roll-ups and read by every plan: atoms per user and day, and users' sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ibis import _

from powerml.snapshots.aggregations import EVERY_EVENT, LAST, Cells, atom_table, first_uses
from powerml.snapshots.rollup import Rollups, whole
from powerml.snapshots.sessions import session_days

if TYPE_CHECKING:
    from powerml.snapshots.engine.base import Engine


def prepare(engine: Engine, rollups: Rollups, cells: Cells, *, sessions: bool = True) -> Rollups:
    """The roll-ups with `atoms` for these cells, and `sessions` where they serve every cutoff alike.

    What was made for one call is found again by the next that needs no more. Without `sessions` none are made, but a
    cache holds them in any case.
    """
    atoms = list(dict.fromkeys([EVERY_EVENT, LAST, *cells.atoms]))
    memo = rollups.memo
    have = memo.get("atoms")
    if have is None or not {atom.name for atom in atoms} <= set(have.columns):
        days = rollups.days if not rollups.one_row else rollups.days.drop("aid")
        table = atom_table(engine, days, rollups.kinds, atoms, single=rollups.single)
        if rollups.store is None:
            memo["atoms"] = engine.keep(table, "atoms")
        else:
            memo["atoms"] = rollups.store.keep(table, "atoms", order="day")
            rollups.store.remember_atoms(atoms)
    if not rollups.has_known:
        for distinct in cells.distinct:
            if distinct.first_only or distinct.window is None:
                first_uses(engine, rollups, distinct)
    if not rollups.has_known and "sessions" not in memo and (sessions or rollups.store is not None):
        table, store = session_days(rollups.pieces.mutate(ent=_.uid), rollups.gap_us), rollups.store
        if store is None:
            memo["sessions"] = engine.keep(table, "sessions")
        else:
            memo["sessions"] = store.keep(table, "sessions", order="day")
    return replace(rollups, atoms=whole(memo["atoms"]), sessions=memo.get("sessions"))
