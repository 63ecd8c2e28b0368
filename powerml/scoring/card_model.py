"""A fitted card as a file: two cards of points under `heads`, each with an intercept and a slope.

Written by `card_file`, read by anybody, edited by hand, scored again by `load_card_model` without any fit. Source:
6-files.md "A weight set".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from powerml.calibration.head import HeadCalibrator
from powerml.config.base import Spec
from powerml.config.points import Deduction, Limits, Part, PointsSpec
from powerml.config.reading import load
from powerml.config.weight_set import WeightSetSpec
from powerml.errors import UsageError
from powerml.scoring.heads.card import CardHead, CardPart
from powerml.scoring.heads.encoding import TableEncoder
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.side import Side
from powerml.scoring.nested import NestedSides
from powerml.scoring.outcome import BANDS, NestedOutcomeModel
from powerml.scoring.points import PointsScorer


class HeadCard(Spec):
    """One outcome's card: points, and `logit P = intercept + slope * points`.

    `base_rate` is the outcome's rate among the rows the head is about, `average` what each metric gave there on
    average, from which reasons start (0 where absent).
    """

    intercept: float
    slope: float
    base_rate: Annotated[float, Field(ge=0, le=1)]
    average: dict[str, float] = {}
    parts: Annotated[dict[str, Part], Field(min_length=1)]
    deductions: dict[str, Deduction] = {}
    limits: Limits = Limits()


class CardModelSpec(WeightSetSpec):
    """Cards of one or two heads, worst outcome first, and the value of staying."""

    kind: Literal["points"] = "points"
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


def card_file(model: NestedOutcomeModel, *, name: str | None = None) -> dict[str, Any]:
    """A model of cards, fitted weights in points or a points set standing in, as the data of its file.

    Raises UsageError where a head has no points or a metric holds text.
    """
    heads = {}
    for side in model.sides_.all:
        intercept, slope = side.line()
        head: dict[str, Any] = {"intercept": intercept, "slope": slope, "base_rate": side.base_rate}
        if isinstance(side.head, CardHead):
            if not side.head.parts_:
                raise UsageError(f"{side.outcome}: no metric earned points, so there is no card to write")
            names = [_numeric(model.encoder_, part, side.outcome) for part in side.head.parts_]
            head["average"] = {n: part.average for n, part in zip(names, side.head.parts_, strict=True)}
            head["parts"] = {n: _ladder(n, part) for n, part in zip(names, side.head.parts_, strict=True)}
        elif isinstance(side.scorer, PointsScorer):
            written = side.scorer.card.model_dump(mode="json", by_alias=True, exclude_none=True)
            head |= {key: written[key] for key in ("parts", "deductions", "limits")} | {"average": dict(side.average)}
        else:
            raise UsageError(f"{side.outcome}: its weight set is not of kind points, so no card file can hold it")
        heads[side.outcome] = head
    return {
        "name": name or model.name,
        "version": model.version,
        "kind": "points",
        "bands": {band.from_: band.name for band in (model.bands or BANDS).bands},
        "stay_value": model.stay_value,
        "outcomes": [str(outcome) for outcome in model.outcomes_],
        "heads": heads,
    }


def card_model(spec: CardModelSpec) -> NestedOutcomeModel:
    """The model of a card file, ready to score."""
    sides = []
    for outcome, head in spec.heads.items():
        link = PriorLinkHead.given(head.intercept, head.slope)
        scorer = PointsScorer(spec.card(outcome), origin="edited")
        side = Side(outcome, link, HeadCalibrator.identity(), head.base_rate, 0, 0, scorer=scorer, average=head.average)
        sides.append(side)
    model = NestedOutcomeModel(
        "card",
        outcomes=spec.outcomes,
        stay_value=spec.stay_value,
        bands=spec.bands,
        name=spec.name,
        version=spec.version,
    )
    return model.of_sides(
        NestedSides(sides[0], sides[1] if len(sides) > 1 else None, spec.stay_value), TableEncoder(())
    )


def load_card_model(path: Path | str) -> NestedOutcomeModel:
    """The model of a card file on disk; raises ConfigError with every problem of the file."""
    return card_model(load(CardModelSpec, Path(path)))


def _numeric(encoder: TableEncoder, part: CardPart, outcome: str) -> str:
    column = encoder.columns[part.column]
    if column.levels is not None:
        raise UsageError(f"{outcome}: column {column.name!r} holds text; a card file reads numbers only")
    return column.name


def _ladder(metric: str, part: CardPart) -> dict[str, Any]:
    """One metric's part in the form of a points table."""
    *points, missing = part.points
    steps: list[dict[str, Any]] = [
        {"from": edge, "points": given} for edge, given in zip(part.levels.edges[::-1], points[:0:-1], strict=True)
    ]
    return {"metric": metric, "missing": missing, "steps": [*steps, {"points": points[0]}]}
