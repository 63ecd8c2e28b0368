"""What holds a night back from being acted on: its brakes, for the night itself and for a sync by hand."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from powerml.config.project import slug
from powerml.history.ledger import read_ledger
from powerml.history.movement import change_since_last
from powerml.monitoring.brakes import COMPARED_DAYS, KnownNight, brakes
from powerml.tracking import registry
from powerml.tracking.due import DUE, due_date
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from powerml.config.project import NightSpec, ProjectSpec
    from powerml.history.nights import Night
    from powerml.history.store import NightHistory


def held_by(spec: NightSpec, history: NightHistory, night: Night, *, due: date | None, today: date) -> tuple[str, ...]:
    """The sentences of the brakes that hold a night; `due`: the day by which its version is to be recalibrated."""
    said = history.last_before(night, as_said=True)
    near = said is not None and (night.as_of - said.as_of).days <= COMPARED_DAYS
    moves, earlier = change_since_last(history, night)
    return brakes(
        spec,
        _known(history, night),
        _known(history, said) if near and said is not None else None,
        moves if earlier is not None and said is not None and earlier.as_of == said.as_of else None,
        due_by=due,
        today=today,
    )


def held_as_night(project: ProjectSpec, history: NightHistory, night: Night, *, today: date) -> tuple[str, ...]:
    """What holds a sync by hand: what held the night's own step, or would have, had the night come to it.

    So it is, too, where no night was run (a history filled in, or kept by hand). Nothing where the night's step was
    run, and of a brake that somebody lifted.
    """
    with read_ledger(project.state) as ledger:
        run, step = ledger.run(night.as_of), ledger.steps(night.as_of).get("sync")
        lifted = ledger.lifted(night.as_of)
    if run is not None and run.forced:
        return ()
    if step is not None and step.state != "held":
        return ()
    told = [] if step is None else step.counts.get("brakes", [])
    told = told or held_by(project.night, history, night, due=due_of(project, night), today=today)
    return tuple(sentence for sentence in told if sentence not in lifted)


def due_by(version: registry.Version) -> date:
    """The day by which a registered version is to be recalibrated."""
    return date.fromisoformat(version.tags[DUE]) if DUE in version.tags else due_date(version.created)


def due_of(project: ProjectSpec, night: Night) -> date | None:
    """The same of the version that spoke at a night; None where a weight set did, or the version is gone."""
    store, model = store_of(project), slug(project.project)
    if night.model != model or not store.exists:
        return None
    versions = registry.registered_versions(store, model)
    found = next((version for version in versions if str(version.number) == night.model_version), None)
    return None if found is None else due_by(found)


def _known(history: NightHistory, night: Night) -> KnownNight:
    snapshot = history.snapshot(night)
    return KnownNight(night.as_of, snapshot[~snapshot["left"].astype(bool)], history.facts(night)["newest_event_days"])
