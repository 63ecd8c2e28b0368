"""What metrics need of the sources: which columns are asked about, added up, or tell kinds of event apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.config.metrics import EVENT_WORDS, MetricPart, MetricSpec

if TYPE_CHECKING:
    from collections.abc import Iterable


def columns_asked(metrics: Iterable[MetricSpec]) -> dict[str, set[str]]:
    """Per table, the source columns that metrics ask about beyond the vocabulary's words."""
    asked: dict[str, set[str]] = {}
    for spec in metrics:
        sides = [spec.ratio.of, spec.ratio.over] if spec.ratio else []
        for part in [spec, *[side for side in sides if isinstance(side, MetricPart)]]:
            if part.table in (None, "sessions"):
                continue
            columns = {*part.where, *({part.of} if part.of else ())}
            if part.table == "events":
                columns -= set(EVENT_WORDS)
            columns -= {"resolution_hours", "positive"}
            if columns:
                asked.setdefault(str(part.table), set()).update(columns)
    return asked


def _event_parts(metrics: Iterable[MetricSpec]) -> Iterable[MetricPart]:
    for spec in metrics:
        for part in (spec, *((spec.ratio.of, spec.ratio.over) if spec.ratio else ())):
            if isinstance(part, MetricPart) and part.table == "events":
                yield part


def added_up(metrics: Iterable[MetricSpec]) -> list[str]:
    """Event columns that metrics sum, average or take the largest of."""
    parts = [part for part in _event_parts(metrics) if part.measure in ("sum", "mean", "max")]
    return [part.of for part in parts if part.of and part.of not in EVENT_WORDS]


def told_by(metrics: Iterable[MetricSpec]) -> set[str]:
    """Event columns that metrics tell kinds of event apart by."""
    told: set[str] = set()
    for part in _event_parts(metrics):
        told |= {*part.where, *({part.of} if part.of and part.measure in ("distinct", "new_distinct") else ())}
    return told
