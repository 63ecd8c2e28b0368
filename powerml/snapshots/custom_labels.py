"""A custom yes/no outcome after a cutoff: yes where enough events of a kind come in the window.

Who is eligible and when a label is ripe is as for behavioural outcomes, see `snapshots.labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots.aggregations import Atom, Cells, frozen
from powerml.snapshots.labels import window_counts

if TYPE_CHECKING:
    from powerml.config.outcome import EventOutcome
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.entities import People
    from powerml.snapshots.rollup import Inputs, Rollups
    from powerml.snapshots.windows import Cutoffs


def prepare_custom(cells: Cells, outcome: EventOutcome) -> None:
    """Asks for the day counts of the outcome's events beside those that metrics read."""
    atom = _counted(outcome)
    cells.atoms.setdefault(atom, atom.name)


def custom_labels(
    engine: Engine, inputs: Inputs, rollups: Rollups, found: People, project: ProjectSpec, cutoffs: Cutoffs
) -> ir.Table:
    """(c, ent, label) of the project's custom outcome: ineligible, immature, its name, or `not_` and its name.

    Ineligible: no event of any kind in the 90 days before. Immature: the window ends after what was observed, for
    everybody alike, so that an early yes does not come in before the others. Events are attributed to accounts as
    `window_counts` says. `rollups` must hold what `prepare` asked for.
    """
    outcome = project.custom_outcome
    assert outcome is not None
    rows = window_counts(engine, inputs, rollups, found, project, cutoffs, counted_after=_counted(outcome).name)
    label = ibis.cases(
        (_.before == 0, "ineligible"),
        (~_.mature, "immature"),
        (_.after >= outcome.at_least, outcome.name),
        else_=outcome.no,
    )
    return rows.select("c", "ent", label=label)


def _counted(outcome: EventOutcome) -> Atom:
    return Atom("count", frozen(outcome.events))
