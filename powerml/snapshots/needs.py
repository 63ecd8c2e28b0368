"""What is needed of the sources: which columns are asked about, added up, or tell kinds of event apart; until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from powerml.config.metrics import EVENT_WORDS, MetricPart, MetricSpec
from powerml.snapshots.windows import Cutoffs, microseconds
from powerml.tables import TABLES, own_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from powerml.config.project import ProjectSpec

AnyPart = TypeVar("AnyPart", bound=MetricPart)
MADE = {"tickets": ("resolution_hours", "positive")}  # columns that `records` makes of others


def needed_until(project: ProjectSpec, cutoffs: Iterable[date], *, outcomes: bool) -> datetime | None:
    """The UTC instant (naive) from which on no event changes the snapshots at some cutoffs; None where any may.

    Outcomes need what happened until they were observed; where the project does not say when that was, the last event
    does. There is no such instant at the other end: the first event of all makes a user, and some metrics count ever.
    """
    days = list(cutoffs)
    if not days:
        return None
    chosen = Cutoffs.of(project.timezone, days)
    last = chosen.calendar.midnight(chosen.days[-1])
    if outcomes:
        seen = project.observed_until
        if seen is None:
            return None
        last = max(last, microseconds(seen if seen.tzinfo else seen.replace(tzinfo=ZoneInfo(project.timezone))))
    return datetime(1970, 1, 1) + timedelta(microseconds=last)


def columns_asked(metrics: Iterable[MetricSpec]) -> dict[str, set[str]]:
    """Per table, the source columns that metrics ask about beyond the vocabulary's words."""
    asked: dict[str, set[str]] = {}
    for spec in metrics:
        for part in (spec, *_sides(spec)):
            if part.table in (None, "sessions"):
                continue
            columns = {*part.where, *({part.of} if part.of else ())}
            if part.table == "events":
                columns -= set(EVENT_WORDS)
            columns -= set(MADE.get(str(part.table), ()))
            if columns:
                asked.setdefault(str(part.table), set()).update(columns)
    return asked


def apart(metrics: Mapping[str, MetricSpec]) -> dict[str, MetricSpec]:
    """The metrics as plans read them: columns that are no canonical ones go by names that no plan makes."""
    return {name: _apart(spec) for name, spec in metrics.items()}


def _apart(part: AnyPart) -> AnyPart:
    named: dict[str, object] = {}
    if part.table not in (None, "sessions"):
        inner = {column: _inner(str(part.table), column) for column in _spoken(part)}
        named |= {key: inner[old] for key in ("of", "time") if (old := getattr(part, key)) and inner[old] != old}
        for key in ("where", "minus"):
            asked = getattr(part, key, None)
            if asked and any(inner[old] != old for old in asked):
                named[key] = {inner[old]: words for old, words in asked.items()}
    if isinstance(part, MetricSpec) and part.ratio:
        sides = {key: getattr(part.ratio, key) for key in ("of", "over")}
        sides = {key: _apart(side) for key, side in sides.items() if isinstance(side, MetricPart)}
        if sides:
            named["ratio"] = part.ratio.model_copy(update=sides)
    return part.model_copy(update=named) if named else part


def _spoken(part: MetricPart) -> set[str]:
    """The columns that a part names."""
    minus = part.minus if isinstance(part, MetricSpec) else None
    return {*part.where, *(minus or ()), *([part.of] if part.of else ()), *([part.time] if part.time else ())}


def _inner(table: str, column: str) -> str:
    words = EVENT_WORDS if table == "events" else ()
    return column if column in (*TABLES[table].names, *MADE.get(table, ()), *words) else own_column(column)


def _event_parts(metrics: Iterable[MetricSpec]) -> Iterable[MetricPart]:
    for spec in metrics:
        for part in (spec, *_sides(spec)):
            if part.table == "events":
                yield part


def added_up(metrics: Iterable[MetricSpec]) -> list[str]:
    """Event columns that metrics sum, average or take the largest of."""
    parts = [part for part in _event_parts(metrics) if part.measure in ("sum", "mean", "max")]
    return [part.of for part in parts if part.of and part.of not in EVENT_WORDS]


def sums_of_amounts(metrics: Mapping[str, MetricSpec]) -> list[str]:
    """The metrics that add amounts up, or divide by what does."""
    own = {name for name, spec in metrics.items() if any(_adds_up(part) for part in (spec, *_sides(spec)))}
    return [name for name, spec in metrics.items() if name in own or own.intersection(_names(spec))]


def _adds_up(part: MetricPart) -> bool:
    return part.measure in ("sum", "mean") or part.calculation == "mrr"


def _sides(spec: MetricSpec) -> list[MetricPart]:
    sides = (spec.ratio.of, spec.ratio.over) if spec.ratio else ()
    return [side for side in sides if isinstance(side, MetricPart)]


def _names(spec: MetricSpec) -> list[str]:
    sides = (spec.ratio.of, spec.ratio.over) if spec.ratio else ()
    return [side for side in sides if isinstance(side, str)]


def told_by(metrics: Iterable[MetricSpec]) -> set[str]:
    """Event columns that metrics tell kinds of event apart by."""
    told: set[str] = set()
    for part in _event_parts(metrics):
        told |= {*part.where, *({part.of} if part.of and part.measure in ("distinct", "new_distinct") else ())}
    return told


def of_events(metrics: Mapping[str, MetricSpec], have: Collection[str]) -> tuple[list[str], list[str]]:
    """The event columns, of those there are, that metrics tell kinds of event apart by, and those they add up."""
    inside = apart(metrics).values()
    amounts = sorted(set(added_up(inside)) & set(have))
    columns = [column for column in sorted(columns_asked(inside).get("events", ())) if column in have]
    return [column for column in columns if column not in amounts or column in told_by(inside)], amounts
