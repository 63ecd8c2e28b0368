"""The brakes of a night: what must not be acted on before somebody has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from powerml.config.project import NightSpec

COMPARED_DAYS = 7
"""Two nights are compared by a brake where they lie a week apart at most: over a month many move, and rightly."""
OVERDUE_DAYS = 182
"""Two quarters: how long after its day a recalibration may be put off."""


@dataclass(frozen=True)
class KnownNight:
    """What the brakes read of a night: its snapshot (those who have left apart), and the age of its newest event."""

    as_of: date
    snapshot: pd.DataFrame
    newest_event_days: float | None = None

    @property
    def entities(self) -> int:
        """How many entities there are that have not left."""
        return len(self.snapshot)


def brakes(
    spec: NightSpec,
    now: KnownNight,
    before: KnownNight | None,
    moves: pd.DataFrame | None,
    *,
    due_by: date | None,
    today: date,
) -> tuple[str, ...]:
    """A sentence for each brake that holds: what is wrong, and what to look at. None where all is as ever.

    `before`: the night before, None where there is none or it is more than a week older. `moves`: both nights scored by
    one scorer (`steps`: bands moved). `due_by`: the day by which the champion was to be recalibrated.
    """
    comparable = before is not None and (now.as_of - before.as_of).days <= COMPARED_DAYS
    found = [_stale(spec, now)]
    if comparable and before is not None:
        found += [_fewer(spec, now, before), _moved(spec, before, moves), _emptied(now, before)]
    found.append(_overdue(due_by, today))
    return tuple(sentence for sentence in found if sentence)


def _stale(spec: NightSpec, now: KnownNight) -> str | None:
    if now.newest_event_days is not None and now.newest_event_days <= spec.stale_days:
        return None
    if now.newest_event_days is None:
        return f"No event before {now.as_of} is known: look at the source of events."
    return (
        f"The newest event is {now.newest_event_days:.1f} days old at {now.as_of} (stale_days: {spec.stale_days:g}): "
        "look at whether events still arrive."
    )


def _fewer(spec: NightSpec, now: KnownNight, before: KnownNight) -> str | None:
    gone = before.entities - now.entities
    if not before.entities or gone <= spec.fewer * before.entities:
        return None
    return (
        f"{now.entities:,} entities, {100 * gone / before.entities:.0f} % fewer than the {before.entities:,} of "
        f"{before.as_of} (fewer: {100 * spec.fewer:g} %): look at whether users or accounts are read to their end."
    )


def _moved(spec: NightSpec, before: KnownNight, moves: pd.DataFrame | None) -> str | None:
    if moves is None or moves.empty:
        return None
    crossed = int((moves["steps"] != 0).sum())
    if crossed <= spec.moved * len(moves):
        return None
    return (
        f"{100 * crossed / len(moves):.0f} % of {len(moves):,} changed band since {before.as_of} (moved: "
        f"{100 * spec.moved:g} %): look at which metric moved them, with 'powerml tree'."
    )


def _emptied(now: KnownNight, before: KnownNight) -> str | None:
    metrics = [str(name) for name in before.snapshot.select_dtypes("number") if name in now.snapshot]
    lost = [name for name in metrics if before.snapshot[name].notna().any() and now.snapshot[name].isna().all()]
    return f"{_named(lost)} had values on {before.as_of} and has none now: look at the source of it." if lost else None


def _named(metrics: Sequence[str]) -> str:
    shown = ", ".join(metrics[:4])
    return f"{shown} and {len(metrics) - 4} more metrics" if len(metrics) > 4 else shown


def _overdue(due_by: date | None, today: date) -> str | None:
    if due_by is None or (today - due_by).days <= OVERDUE_DAYS:
        return None
    return (
        f"The champion was to be recalibrated by {due_by}, {(today - due_by).days} days ago: run 'powerml recalibrate' "
        "or 'powerml train'."
    )
