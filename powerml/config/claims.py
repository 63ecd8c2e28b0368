"""A published scorecard's claims, as numbers that can be held against each other (shape: configs/README.md).

The form is fixed for band tables (document D) and extended in its spirit for segment tables and multiples (B), tiers
and a worked example (A) and concentration (C). Every block may carry its `source`; a lone number may be written as
`{value: 15000, source: {...}}`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from powerml.config.base import Source, Spec
from powerml.config.reading import load
from powerml.errors import did_you_mean

_Outcome = Literal["churn", "stay", "expand"]
KpiName = Literal[
    "share_reaching_power",
    "median_days_to_power",
    "power_user_retention",
    "revenue_share_of_power_accounts",
    "power_user_nps",
]
_Measure = Literal["revenue", "retention", "churn", "expand"]
Rate = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


def _figure(value: Any) -> Any:
    return value if isinstance(value, dict) else {"value": value}


def _span(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value, value)


def _rising(span: tuple[float, float]) -> tuple[float, float]:
    if span[1] < span[0]:
        raise ValueError(f"the range runs from {span[0]:g} down to {span[1]:g}; write the lower end first")
    return span


class Cited(Spec):
    """A block of numbers with the places they were read from."""

    source: Source | tuple[Source, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The places, none to many."""
        return (self.source,) if isinstance(self.source, Source) else self.source


class CountClaim(Cited):
    """A lone count; `15000` is short for `{value: 15000}`."""

    value: PositiveInt


class ShareClaim(Cited):
    """A lone rate between 0 and 1."""

    value: Rate


class Times(Cited):
    """A lone multiple, such as 11 for "11x"."""

    value: _Positive


CountFigure = Annotated[CountClaim, BeforeValidator(_figure)]
RateFigure = Annotated[ShareClaim, BeforeValidator(_figure)]
TimesFigure = Annotated[Times, BeforeValidator(_figure)]
# A printed range, [3, 5]; a lone number is itself at both ends.
RateSpan = Annotated[tuple[Rate, Rate], BeforeValidator(_span), Field(validate_default=True)]
TimesSpan = Annotated[tuple[_Positive, _Positive], BeforeValidator(_span)]


class OutcomeCounts(Cited):
    """Labelled entities by outcome."""

    churn: NonNegativeInt
    stay: NonNegativeInt
    expand: NonNegativeInt

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.total == 0:
            raise ValueError("all counts are 0; give the labelled entities by outcome")
        return self

    @property
    def total(self) -> int:
        """All labelled entities."""
        return self.churn + self.stay + self.expand


class RuleClaim(Cited):
    """Prediction from the score: churn below one edge, expand above another, stay between (both edges stay)."""

    churn_below: float
    expand_above: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.expand_above < self.churn_below:
            raise ValueError(f"'expand_above' ({self.expand_above:g}) lies below 'churn_below' ({self.churn_below:g})")
        return self


class BandClaim(Cited):
    """One row of a band table: its lower edge, how many were in it, what became of them."""

    name: str
    from_: Annotated[float, Field(alias="from")]
    n: PositiveInt
    share: Rate | None = None
    churn: Rate
    stay: Rate
    expand: Rate


class Association(Cited):
    """How a metric differs between those with an outcome (`_in`) and the rest (`_out`), and a claimed correlation.

    `share_*` for a yes/no metric, `mean_*` for a number. `times_the_rate`: how many times as often those with the
    metric have the outcome as those without.
    """

    metric: str
    outcome: _Outcome
    share_in: Rate | None = None
    share_out: Rate | None = None
    mean_in: float | None = None
    mean_out: float | None = None
    correlation: Annotated[float, Field(ge=-1, le=1)]
    times_the_rate: TimesFigure | None = None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        for one, other in (("share_in", "share_out"), ("mean_in", "mean_out")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                there, absent = (other, one) if getattr(self, one) is None else (one, other)
                raise ValueError(f"{there!r} stands without {absent!r}; give both")
        if self.share_in is not None and self.mean_in is not None:
            raise ValueError("has shares and means; a metric is a yes/no or a number, keep one pair")
        if self.times_the_rate is not None and self.share_in is None:
            raise ValueError("'times_the_rate' needs 'share_in' and 'share_out'; add them")
        return self


class MetricCounts(Cited):
    """How many metrics were tested, kept and named."""

    tested: PositiveInt
    kept: PositiveInt
    named: NonNegativeInt


class Subgroup(Cited):
    """Outcome rates inside a subgroup and outside it; with the overall rate they imply its share."""

    name: str
    churn_in: Rate
    churn_out: Rate
    expand_in: Rate
    expand_out: Rate


class Discovery(Cited):
    """What a group is said to have gone with: a measure `inside` it, among the others, or how many `times` as much."""

    group: Literal["adopters", "team_growth", "single_user"]
    measure: Literal["expand", "retention", "churn", "usage", "nps"]
    inside: float | None = None
    outside: float | None = None
    times: _Positive | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.inside is None and self.times is None:
            raise ValueError("says nothing; give 'inside' or 'times'")
        return self


class Segment(Cited):
    """One row of a segment table; `revenue` per user and year."""

    name: str
    n: PositiveInt
    share: Rate | None = None
    revenue: _Positive
    expand: Rate
    churn: Rate


class Multiple(Cited):
    """`times` as much of a measure in segment `of` as in `over` (a segment, or `average` of all users)."""

    measure: _Measure
    of: str
    over: str = "average"
    times: TimesSpan
    unit: Literal["user", "account"] = "user"

    @field_validator("times")
    @classmethod
    def _lower_first(cls, span: tuple[float, float]) -> tuple[float, float]:
        return _rising(span)


class Gain(Cited):
    """Money said to come from moving a cohort of users from one segment to another."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    amount: _Positive


class Kpi(Cited):
    """Where a programme's KPI stood before, where it is meant to go, and where the document says it is."""

    baseline: float
    target: float
    current: float | None = None


class Concentration(Cited):
    """A share of something said to be made by a top share of users; `metric` names the column it can be seen in."""

    what: str
    top: RateSpan
    share: RateSpan
    metric: str | None = None
    segment: str | None = None

    @field_validator("top", "share")
    @classmethod
    def _inside(cls, span: tuple[float, float]) -> tuple[float, float]:
        if not 0 < span[0] <= span[1] < 1:
            raise ValueError(f"{list(span)} must rise and lie between 0 and 1, both ends excluded")
        return span


class TierClaim(Cited):
    """A tier of a score and the share of users it is expected to hold."""

    name: Annotated[str, Field(min_length=1)]
    from_: Annotated[float, Field(alias="from", ge=0, le=100)]
    share: Annotated[float, Field(gt=0, lt=1)] | None = None


class Example(Cited):
    """A printed worked example of a weighted sum of dimensions, each 0 to 100."""

    weights: dict[str, Rate]
    dimensions: dict[str, float]
    score: float
    percentile: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _same_dimensions(self) -> Self:
        if odd := sorted(set(self.weights) ^ set(self.dimensions)):
            raise ValueError(f"'weights' and 'dimensions' must name the same dimensions; only in one: {odd}")
        return self


class PowerSegment(Cited):
    """The share of users said to be power users, and a rule that puts them in the top `top` of one metric."""

    share: RateSpan
    rule: str | None = None
    top: Rate | None = None


class ClaimsSpec(Spec):
    """A claim file: what one document prints. `rates_printed_to` is the step of its printed rates (0.01 = whole %)."""

    document: str
    rates_printed_to: _Positive = 0.01
    scored: CountFigure | None = None
    outcomes: OutcomeCounts | None = None
    accuracy: RateFigure | None = None
    rule: RuleClaim | None = None
    bands: tuple[BandClaim, ...] = ()
    associations: tuple[Association, ...] = ()
    metrics: MetricCounts | None = None
    subgroups: tuple[Subgroup, ...] = ()
    discoveries: tuple[Discovery, ...] = ()
    segments: tuple[Segment, ...] = ()
    multiples: tuple[Multiple, ...] = ()
    gains: tuple[Gain, ...] = ()
    kpis: dict[KpiName, Kpi] = {}
    concentration: tuple[Concentration, ...] = ()
    tiers: tuple[TierClaim, ...] = ()
    example: Example | None = None
    power_segment: PowerSegment | None = None

    @field_validator("bands", "tiers")
    @classmethod
    def _one_edge_each(cls, steps: tuple[Any, ...]) -> tuple[Any, ...]:
        edges = [step.from_ for step in steps]
        if edges and sorted(set(edges)) != edges and sorted(set(edges), reverse=True) != edges:
            raise ValueError(f"'from' must rise (or fall) from entry to entry, got {[f'{e:g}' for e in edges]}")
        return tuple(sorted(steps, key=lambda step: step.from_))

    @model_validator(mode="after")
    def _something_to_audit(self) -> Self:
        names = [segment.name for segment in self.segments]
        asked = [name for m in self.multiples if m.unit == "user" for name in (m.of, m.over) if name != "average"]
        asked += [name for gain in self.gains for name in (gain.from_, gain.to)]
        asked += [c.segment for c in self.concentration if c.segment is not None]
        for name in asked:
            if name not in names:
                there = f"there are {', '.join(names)}" if names else "the file has no 'segments'"
                raise ValueError(f"no segment {name!r}{did_you_mean(name, names) or '; ' + there}")
        if not self.model_fields_set - {"document", "rates_printed_to"}:
            raise ValueError("has no claims; add what the document prints, such as 'outcomes', 'bands' or 'segments'")
        return self


def load_claims(path: Path | str) -> ClaimsSpec:
    """Reads a claim file; raises ConfigError with all its problems, DataError if there is no such file."""
    return load(ClaimsSpec, path)
