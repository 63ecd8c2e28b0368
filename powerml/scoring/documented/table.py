"""A weight set as a table to read beside its document: one row per line of the card, with the document's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.activity import ActivitySpec
from powerml.config.base import Source
from powerml.config.card_model import CardModelSpec
from powerml.config.composite import CompositeSpec, Term
from powerml.config.points import PerUnitDeduction, PointsSpec, RungPart
from powerml.config.signals import CriteriaSpec, RuleSpec, SignalsSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from powerml.config.weight_set import WeightSetSpec

CARD_COLUMNS = ("part", "when", "gives", "quote", "reading", "document", "section")

Line = tuple[str, str, str, Source]


def card_table(spec: WeightSetSpec) -> pd.DataFrame:
    """One row per line of the card: `part`, `when`, `gives`, `quote`, `reading`, `document`, `section`.

    `when` reads from the top: the first line of a part that holds gives its points. Texts are empty where silent.

    >>> from powerml.config.weights import read_weights
    >>> card_table(read_weights("engagement")).loc[0, ["part", "when", "gives"]].tolist()
    ['frequency', 'active_days_per_week_28d from 5', '15 points']
    """
    if isinstance(spec, PointsSpec):
        lines = list(_points(spec))
    elif isinstance(spec, CardModelSpec):
        lines = list(_card_model(spec))
    elif isinstance(spec, CompositeSpec):
        lines = list(_composite(spec))
    elif isinstance(spec, ActivitySpec):
        lines = list(_activity(spec))
    elif isinstance(spec, CriteriaSpec):
        lines = list(_criteria(spec))
    else:
        raise TypeError(f"no table for weight sets of kind {spec.kind!r}")
    lines = [*_noted(lines, getattr(spec, "notes", {})), *_common(spec)]
    rows = [(part, when, gives, s.quote, s.reading, s.document, s.section) for part, when, gives, s in lines]
    return pd.DataFrame(rows, columns=list(CARD_COLUMNS)).fillna("").astype(str)


def _points(spec: PointsSpec) -> Iterator[Line]:
    for name, criterion in spec.criteria.items():
        source = criterion.source or Source()
        if isinstance(criterion, PerUnitDeduction):
            yield name, f"each of {criterion.metric}", _count(criterion.per_unit), source
            continue
        lines: list[tuple[str, Any]]
        if isinstance(criterion, RungPart):
            lines = [(" and ".join(map(str, rung.when)) or "else", rung) for rung in criterion.rungs]
            null = f"{criterion.missing.when} input null"
            missing = criterion.missing.points
        else:
            edges = [f"{criterion.metric} from {s.from_:g}" if s.from_ is not None else "else" for s in criterion.steps]
            lines = list(zip(edges, criterion.steps, strict=True))
            null, missing = f"{criterion.metric} null", criterion.missing
        for position, (when, line) in enumerate(lines):
            said = _own(line, source)
            yield name, when, _count(line.points), said if position == 0 else _without_reading(said, line.reading)
        yield name, null, _count(missing), Source()
    limits = f"from {spec.limits.min:g} to {spec.limits.max:g}"
    yield "score", "the sum, clipped", limits, Source()
    if spec.predicted is not None:
        source = spec.predicted.source or Source()
        yield "predicted", f"score below {spec.predicted.churn_below:g}", "churn", source
        yield "predicted", f"score above {spec.predicted.expand_above:g}", "expand", _without_reading(source, None)
        yield "predicted", "else", "stay", Source()


def _card_model(spec: CardModelSpec) -> Iterator[Line]:
    for outcome, head in spec.heads.items():
        for part, when, gives, source in _points(spec.card(outcome)):
            yield f"{outcome}.{part}", when, gives, source
        given = " given not " + next(iter(spec.heads)) if outcome != next(iter(spec.heads)) else ""
        line = "logit" if head.curve else "logit of its probability"
        yield outcome, line + given, f"{head.intercept:.4g} {head.slope:+.4g} x points", Source()
        for bend in head.curve:
            at = f" ({(bend.logit - head.intercept) / head.slope:.3g} points)" if head.slope else ""
            yield outcome, f"logit {bend.logit:.3g}{at}", f"{100 * bend.probability:.3g} %", Source()
    worth = f"{100 * spec.stay_value:g} x P(stay) + 100 x P({spec.outcomes[-1]})"
    yield "score", "from the probabilities", worth if len(spec.outcomes) > 2 else "100 x P(stay)", Source()


def _composite(spec: CompositeSpec) -> Iterator[Line]:
    for name, value in spec.params.items():
        yield "params", name, "counted from the vocabulary" if value == "vocabulary" else f"{value:g}", Source()
    for name, dimension in spec.dimensions.items():
        source = dimension.source or Source()
        yield name, "dimension", f"{100 * dimension.weight:g} % of the score", source
        for term in dimension.terms:
            null = {"renormalise": "weight spread", "zero": "0"}.get(str(term.missing), str(term.missing))
            yield name, _fills(term), f"{100 * term.weight:g} % of {name}; null: {null}", _own(term, source)


def _fills(term: Term) -> str:
    if term.at_least is not None:
        return f"{term.metric} at least {term.at_least:g}"
    if isinstance(term.full_at, str):
        return f"{term.metric} / {term.full_at}, 0 to 1"
    return f"{term.metric}, 0 to 1" if term.full_at == 1 else f"{term.metric} / {term.full_at:g}, 0 to 1"


def _activity(spec: ActivitySpec) -> Iterator[Line]:
    for name, action in spec.actions.items():
        group = f" ({action.group})" if action.group else ""
        around = Source(document=spec.source.document, section=spec.source.section) if spec.source else Source()
        yield name, f"each{group}", f"{action.weight:g} raw", _own(action, around)
    yield "window_days", "", f"{spec.window_days}", Source()
    yield "full_scale", "raw that scores 100", f"{spec.full_scale}", Source()
    if spec.half_life_days is not None:
        yield "half_life_days", "an action of that age counts half", f"{spec.half_life_days:g}", Source()
    for name, group_spec in spec.groups.items():
        yield (
            "groups",
            name,
            f"{group_spec.owner}; alert below -{group_spec.alert_below:g}",
            group_spec.source or Source(),
        )


def _criteria(spec: CriteriaSpec) -> Iterator[Line]:
    for name, criterion in spec.criteria.items():
        yield name, str(criterion), f"1 of {len(spec.criteria)}", criterion.source or Source()
    yield "power_user", f"at least {spec.least} of {len(spec.criteria)}", "true", Source()
    if isinstance(spec, RuleSpec):
        yield "top_share", "the other definition: the top by a score", f"{100 * spec.top_share:g} %", Source()
    if isinstance(spec, SignalsSpec) and spec.joint_rule is not None:
        joint = spec.joint_rule
        yield "joint_rule", " and ".join(map(str, joint.all_of)), "true", joint.source or Source()


def _noted(lines: list[Line], notes: Mapping[str, Source]) -> Iterator[Line]:
    """The lines with the set's notes beside the numbers they are about, or in lines of their own."""
    open_ = dict(notes)
    for part, when, gives, source in lines:
        yield part, when, gives, open_.pop(part) if part in open_ and source == Source() else source
    for part, source in open_.items():
        yield part, "", "", source


def _common(spec: WeightSetSpec) -> Iterator[Line]:
    for metric, source in spec.exceptions.items():
        yield "exception", f"more of {metric}", "may score less", source
    if spec.bands is not None:
        around = spec.bands.source or Source()
        for band in spec.bands.bands:
            yield "band", f"from {band.from_:g}", band.name, _own(band, around)
            around = around.model_copy(update={"reading": None})


def _own(line: Any, around: Source) -> Source:
    """The line's own words, within the document and section of what it stands in."""
    own = getattr(line, "source", None) or Source()
    return Source(
        document=own.document or around.document,
        section=own.section or around.section,
        quote=line.quote or own.quote or around.quote,
        reading=line.reading or own.reading or around.reading,
    )


def _without_reading(said: Source, own: str | None) -> Source:
    """The reading of a whole part is told once, on its first line; a line keeps its own."""
    return said.model_copy(update={"reading": own})


def _count(points: float) -> str:
    return f"{points:g} point{'' if abs(points) == 1 else 's'}"
