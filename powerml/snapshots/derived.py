"""What is computed once from the roll-ups and read by every plan: atoms per user and day, and users' sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ibis import _

from powerml.snapshots.aggregations import EVERY_EVENT, LAST, Atom, Cells, atom_table, first_uses
from powerml.snapshots.lanes import LANE
from powerml.snapshots.rollup import Rollups, whole
from powerml.snapshots.sessions import session_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

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
        memo["atoms"] = _atoms(engine, rollups, atoms, together=True)
        most = engine.rows(memo["atoms"].aggregate(n=_[EVERY_EVENT.name].max()))[0]["n"]
        memo["most"] = most
        if most is not None and most >= LANE:  # too many events of somebody on a day to be counted together
            if rollups.store is None:
                engine.drop(memo["atoms"])
            memo["atoms"] = _atoms(engine, rollups, atoms, together=False)
    if not rollups.has_known:
        for distinct in cells.distinct:
            if distinct.first_only or distinct.window is None:
                first_uses(engine, rollups, distinct)
    if not rollups.has_known and "sessions" not in memo and (sessions or rollups.store is not None):
        table, store = _of_users(rollups), rollups.store
        if store is None:
            memo["sessions"] = engine.keep(table, "sessions")
        else:
            memo["sessions"] = store.keep(table, "sessions", order="day")
    most = memo.get("most") if rollups.one_row else None
    return replace(rollups, atoms=whole(memo["atoms"]), sessions=memo.get("sessions"), most=most)


def _atoms(engine: Engine, rollups: Rollups, atoms: Sequence[Atom], *, together: bool) -> ir.Table:
    days = rollups.days if not rollups.one_row else rollups.days.drop("aid")
    table = atom_table(engine, days, rollups.kinds, atoms, single=rollups.single, together=together)
    if rollups.store is None:
        return engine.keep(table, "atoms")
    kept: ir.Table = rollups.store.keep(table, "atoms", order="day")
    rollups.store.remember_atoms(atoms)
    return kept


def _of_users(rollups: Rollups) -> ir.Table:
    return session_days(rollups.pieces.mutate(ent=_.uid), rollups.gap_us, apart=rollups.one_row)
