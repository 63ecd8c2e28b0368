"""Points tables: what each criterion gives, as ladders read from the top, and what is deducted for risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from powerml.config.base import ColumnName, Source, Spec
from powerml.config.card_lines import Line, cited, points_words, without_reading
from powerml.config.conditions import Comparisons, Metric
from powerml.config.moved_weights import apportioned, decimals, scaled
from powerml.config.weight_set import WeightSetSpec


class Step(Spec):
    """From this value on, these points; without `from`, for all values below."""

    from_: Annotated[float | None, Field(alias="from")] = None
    points: float
    quote: str | None = None
    reading: str | None = None
    source: Source | None = None


class LadderPart(Spec):
    """A points table over one metric: the first step whose edge the value reaches gives the points.

    `missing` (the points of a null) has no default, so where the document is silent the file decides.
    """

    metric: Metric
    missing: float
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    source: Source | None = None

    @model_validator(mode="after")
    def _edges_descend(self) -> Self:
        _check_ladder(self.steps)
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric it reads."""
        return (self.metric,)

    @property
    def points(self) -> tuple[float, ...]:
        """All points it may give."""
        return (*(step.points for step in self.steps), self.missing)


class LadderDeduction(LadderPart):
    """A ladder of negative points; a null deducts nothing unless the file says so."""

    missing: float = 0

    @model_validator(mode="after")
    def _deducts(self) -> Self:
        if max(self.points) > 0:
            raise ValueError("a deduction gives more than 0 points; write them negative, or make it a part")
        return self


class PerUnitDeduction(Spec):
    """Negative points for each unit of a metric; a null deducts nothing unless the file says so."""

    metric: Metric
    per_unit: Annotated[float, Field(lt=0)]
    missing: Annotated[float, Field(le=0)] = 0
    source: Source | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric it reads."""
        return (self.metric,)

    @property
    def points(self) -> tuple[float, ...]:
        """What one unit costs, and none."""
        return (self.per_unit, 0.0, self.missing)


class Rung(Spec):
    """These points where all comparisons of `when` hold; without `when`, for everybody else."""

    when: Comparisons = ()
    points: float
    quote: str | None = None
    reading: str | None = None
    source: Source | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in order."""
        return tuple(dict.fromkeys(metric for comparison in self.when for metric in comparison.metrics))


class MissingInputs(Spec):
    """The points where any input, or where all inputs, of a part are null."""

    when: Literal["any", "all"]
    points: float


class RungPart(Spec):
    """A points table over several metrics: the first rung all of whose comparisons hold gives the points.

    With `missing: {when: all}` a null input alone is a rung not reached.
    """

    missing: MissingInputs
    rungs: Annotated[tuple[Rung, ...], Field(min_length=2)]
    source: Source | None = None

    @model_validator(mode="after")
    def _ends_open(self) -> Self:
        *inner, last = self.rungs
        if last.when or not all(rung.when for rung in inner):
            raise ValueError("every rung but the last needs 'when', and the last must have none, so that all score")
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in order."""
        return tuple(dict.fromkeys(metric for rung in self.rungs for metric in rung.metrics))

    @property
    def points(self) -> tuple[float, ...]:
        """All points it may give."""
        return (*(rung.points for rung in self.rungs), self.missing.points)


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return "RungPart" if "rungs" in value else "LadderPart"
    return type(value).__name__


def _deduction_form(value: Any) -> str:
    if isinstance(value, Mapping):
        return "PerUnitDeduction" if "per_unit" in value else "LadderDeduction"
    return type(value).__name__


DEDUCTIONS = "deductions"

PointsPart = Annotated[
    Annotated[LadderPart, Tag("LadderPart")] | Annotated[RungPart, Tag("RungPart")], Discriminator(_form)
]
Deduction = Annotated[
    Annotated[LadderDeduction, Tag("LadderDeduction")] | Annotated[PerUnitDeduction, Tag("PerUnitDeduction")],
    Discriminator(_deduction_form),
]


class Limits(Spec):
    """The score is clipped to them; `raw_score` is clipped above only."""

    max: Annotated[float, Field(gt=0, le=100)] = 100
    min: Annotated[float, Field(ge=0, lt=100)] = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        return self


class Prediction(Spec):
    """The outcome that a score foretells: below one edge churn, above the other expand, else stay."""

    churn_below: Annotated[float, Field(ge=0, le=100)]
    expand_above: Annotated[float, Field(ge=0, le=100)]
    source: Source | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.churn_below > self.expand_above:
            raise ValueError(f"churn_below {self.churn_below:g} lies above expand_above {self.expand_above:g}")
        return self


class PointsSpec(WeightSetSpec):
    """A weight set that adds up points: parts, deductions, limits."""

    scored_by = "powerml.scoring.documented.points:PointsScorer"

    kind: Literal["points"] = "points"
    parts: Annotated[dict[ColumnName, PointsPart], Field(min_length=1)]
    deductions: dict[ColumnName, Deduction] = {}
    limits: Limits = Limits()
    predicted: Prediction | None = None
    sections: dict[ColumnName, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if twice := sorted(set(self.parts) & set(self.deductions)):
            raise ValueError(f"{twice[0]!r} is both a part and a deduction; rename one")
        for section, names in self.sections.items():
            if unknown := [name for name in names if name not in self.parts]:
                raise ValueError(f"section {section!r} names {unknown[0]!r}, which is no part")
        return self

    @property
    def criteria(self) -> dict[str, LadderPart | RungPart | LadderDeduction | PerUnitDeduction]:
        """Parts and deductions in the order of the file."""
        return {**self.parts, **self.deductions}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        return tuple(dict.fromkeys(metric for part in self.criteria.values() for metric in part.metrics))

    def lines(self) -> Iterator[Line]:
        """Its lines, from the top; see `card_lines`."""
        for name, criterion in self.criteria.items():
            source = criterion.source or Source()
            if isinstance(criterion, PerUnitDeduction):
                yield name, f"each of {criterion.metric}", points_words(criterion.per_unit), source
                continue
            lines: list[tuple[str, Any]]
            if isinstance(criterion, RungPart):
                lines = [(" and ".join(map(str, rung.when)) or "else", rung) for rung in criterion.rungs]
                null = f"{criterion.missing.when} input null"
                missing = criterion.missing.points
            else:
                edges = [
                    f"{criterion.metric} from {s.from_:g}" if s.from_ is not None else "else" for s in criterion.steps
                ]
                lines = list(zip(edges, criterion.steps, strict=True))
                null, missing = f"{criterion.metric} null", criterion.missing
            for position, (when, line) in enumerate(lines):
                said = cited(line, source)
                yield (
                    name,
                    when,
                    points_words(line.points),
                    said if position == 0 else without_reading(said, line.reading),
                )
            yield name, null, points_words(missing), Source()
        limits = f"from {self.limits.min:g} to {self.limits.max:g}"
        yield "score", "the sum, clipped", limits, Source()
        if self.predicted is not None:
            source = self.predicted.source or Source()
            yield "predicted", f"score below {self.predicted.churn_below:g}", "churn", source
            yield "predicted", f"score above {self.predicted.expand_above:g}", "expand", without_reading(source, None)
            yield "predicted", "else", "stay", Source()

    def reviewed(self) -> dict[str, tuple[str, ...]]:
        """The parts of a points set that are reviewed together: its sections, what stands alone, all deductions.

        Without sections every part and every deduction is reviewed by itself.
        """
        if not self.sections:
            return {name: (name,) for name in self.criteria}
        grouped = {name for names in self.sections.values() for name in names}
        together = {section: tuple(names) for section, names in self.sections.items()}
        together |= {name: (name,) for name in self.parts if name not in grouped}
        return together | ({DEDUCTIONS: tuple(self.deductions)} if self.deductions else {})

    def moved(self, factors: Mapping[str, float]) -> Self:
        """Parts: the points they give at most are shared out anew and every step with them; deductions are scaled."""
        data = self.model_dump(by_alias=True)
        each = {name: factors.get(part, 1.0) for part, names in self.reviewed().items() for name in names}
        most = {name: max(0.0, *part.points) for name, part in self.parts.items()}
        shared = apportioned(most, each, floor=True) if sum(most.values()) else most
        digits = decimals([p for part in self.criteria.values() for p in part.points], at_least=0)
        parts, deductions = {}, {}
        for name, part in data["parts"].items():
            by = shared[name] / most[name] if most[name] else 1.0
            parts[name] = scaled(part, by, digits)
        for name, deduction in data["deductions"].items():
            deductions[name] = scaled(deduction, each.get(name, 1.0), digits)
        return type(self).model_validate({**data, "parts": parts, "deductions": deductions})


def _check_ladder(steps: tuple[Step, ...]) -> None:
    *inner, last = (step.from_ for step in steps)
    if last is not None:
        raise ValueError(f"the last step must have no 'from', so that values below {last:g} score too")
    if None in inner:
        raise ValueError("only the last step goes without 'from'; give the others their edge")
    edges = [edge for edge in inner if edge is not None]
    if sorted(set(edges), reverse=True) != edges:
        raise ValueError(f"'from' must fall from step to step, got {[f'{edge:g}' for edge in edges]}")
