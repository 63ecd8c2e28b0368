"""A fitted card as a file: cards of points under `heads`, each with intercept, slope, perhaps a curve."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from powerml.config.base import Source, Spec
from powerml.config.card_lines import Line
from powerml.config.points import Deduction, Limits, PointsPart, PointsSpec
from powerml.config.weight_set import WeightSetSpec


class CurvePoint(Spec):
    """The outcome's probability where the line gives that logit."""

    logit: float
    probability: Annotated[float, Field(gt=0, lt=1)]


class HeadCard(Spec):
    """One outcome's card: points, and `logit P = intercept + slope * points`.

    Where the outcome does not follow the line a `curve` says the probability at some of its logits: straight in the
    logit between them, flat beyond the first and the last.

    `base_rate` is the outcome's rate among the rows the head is about, `average` what each metric gave there on
    average, from which reasons start (0 where absent).
    """

    intercept: float
    slope: float
    curve: tuple[CurvePoint, ...] = ()
    base_rate: Annotated[float, Field(ge=0, le=1)]
    average: dict[str, float] = {}
    parts: Annotated[dict[str, PointsPart], Field(min_length=1)]
    deductions: dict[str, Deduction] = {}
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _curve_rises(self) -> Self:
        for one, other in pairwise(self.curve):
            if other.logit <= one.logit:
                raise ValueError(f"'curve' must have rising logits, got {other.logit:g} after {one.logit:g}")
            if other.probability < one.probability:
                raise ValueError(
                    f"'curve' must not fall, got probability {other.probability:g} after {one.probability:g}"
                )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if twice := sorted(set(self.parts) & set(self.deductions)):
            raise ValueError(f"{twice[0]!r} is both a part and a deduction; rename one")
        return self


class CardModelSpec(WeightSetSpec):
    """Cards of one or two heads, worst outcome first, and the value of staying.

    `trained_until` is the last cutoff it was fitted on: what it says of snapshots up to then flatters it.
    """

    learnt = True
    scored_by = "powerml.scoring.outcome.card_scorer:CardScorer"

    kind: Literal["points"] = "points"
    trained_until: str | None = None
    heads: Annotated[dict[str, HeadCard], Field(min_length=1, max_length=2)]
    stay_value: Annotated[float, Field(ge=0, le=1)] = 0.6
    outcomes: tuple[str, ...] = ("churn", "stay", "expand")

    @model_validator(mode="after")
    def _heads_are_outcomes(self) -> Self:
        wanted = [self.outcomes[0], *self.outcomes[2:]]
        if list(self.heads) != wanted:
            raise ValueError(f"'heads' must be {', '.join(wanted)}, got {', '.join(self.heads)}")
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that any head reads."""
        return tuple(dict.fromkeys(m for name in self.heads for m in self.card(name).metrics))

    def card(self, outcome: str) -> PointsSpec:
        """One head's card as a weight set of its own."""
        head = self.heads[outcome]
        return PointsSpec(
            name=f"{self.name}_{outcome}",
            version=self.version,
            parts=head.parts,
            deductions=head.deductions,
            limits=head.limits,
        )

    def lines(self) -> Iterator[Line]:
        """Its lines, from the top; see `card_lines`."""
        for outcome, head in self.heads.items():
            for part, when, gives, source in self.card(outcome).lines():
                yield f"{outcome}.{part}", when, gives, source
            given = " given not " + next(iter(self.heads)) if outcome != next(iter(self.heads)) else ""
            line = "logit" if head.curve else "logit of its probability"
            yield outcome, line + given, f"{head.intercept:.4g} {head.slope:+.4g} x points", Source()
            for bend in head.curve:
                at = f" ({(bend.logit - head.intercept) / head.slope:.3g} points)" if head.slope else ""
                yield outcome, f"logit {bend.logit:.3g}{at}", f"{100 * bend.probability:.3g} %", Source()
        worth = f"{100 * self.stay_value:g} x P(stay) + 100 x P({self.outcomes[-1]})"
        yield "score", "from the probabilities", worth if len(self.outcomes) > 2 else "100 x P(stay)", Source()
