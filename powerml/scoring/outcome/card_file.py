"""A fitted card as a file: two cards of points under `heads`, each with an intercept, a slope, perhaps a curve.

Written by `weight_files`, read by anybody, edited by hand, scored again by `load_weights` without any fit. The shape is
shown in configs/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from powerml.calibration.head import HeadCalibrator
from powerml.calibration.maps import Isotonic
from powerml.errors import UsageError
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.heads.card import CardHead, CardPart
from powerml.scoring.heads.encoding import TableEncoder
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.side import Side
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.outcome.nested import NestedSides
from powerml.statistics.logistic import logit, sigmoid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.card_model import CardModelSpec, HeadCard
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.scorer import Scorer


def card_file(model: NestedOutcomeModel, *, name: str | None = None) -> dict[str, Any]:
    """A model of cards, fitted weights in points or a points set standing in, as the data of its file.

    Raises UsageError where a head has no points or a metric holds text.
    """
    heads = {}
    for side in model.sides_.all:
        link = side.link()
        head: dict[str, Any] = {"intercept": link.line.intercept, "slope": link.line.slope}
        if link.curve:
            head["curve"] = [{"logit": at, "probability": float(sigmoid(z))} for at, z in link.curve]
        head["base_rate"] = side.base_rate
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
        **({"trained_until": model.trained_until_} if model.trained_until_ else {}),
        "bands": {_whole(band.from_): band.name for band in model.ladder.bands},
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
        side = Side(outcome, link, _calibrator(head), head.base_rate, 0, 0, scorer=scorer, average=head.average)
        sides.append(side)
    model = NestedOutcomeModel(
        "card",
        outcomes=spec.outcomes,
        stay_value=spec.stay_value,
        bands=spec.bands,
        name=spec.name,
        version=spec.version,
    )
    model.trained_until_ = spec.trained_until
    return model.of_sides(
        NestedSides(sides[0], sides[1] if len(sides) > 1 else None, spec.stay_value), TableEncoder(())
    )


def _calibrator(head: HeadCard) -> HeadCalibrator:
    """The map along the head's curve; the identity without one."""
    if not head.curve:
        return HeadCalibrator.identity()
    logits = logit([point.probability for point in head.curve])
    return HeadCalibrator.of(Isotonic(tuple(point.logit for point in head.curve), tuple(map(float, logits))))


def weight_files(scorer: Scorer) -> dict[str, str]:
    """The weight sets in a scorer, each as the text of a file that can be read, edited and scored again, by its name.

    A documented set is one file, a model of two cards too; of other models every set whose weights were fitted is one.
    Models that hold no weight set (trees, logistic heads) have no file.
    """
    if scorer.document is not None:
        return {scorer.name: _text(_declared(scorer.document))}
    if not isinstance(scorer, NestedOutcomeModel):
        return {}
    try:
        return {scorer.name: _text(card_file(scorer))}
    except UsageError:  # not of cards in both heads
        sets = [side.scorer for side in scorer.sides_.all if side.scorer is not None and not side.stands_in]
        return {each.name: _text(_declared(each)) for each in sets}


def _declared(scorer: DocumentedScorer[Any]) -> dict[str, Any]:
    declared: dict[str, Any] = scorer.card.model_dump(mode="json", by_alias=True, exclude_none=True)
    return declared


def _text(written: Mapping[str, Any]) -> str:
    """YAML with one step or term a line."""
    return yaml.safe_dump(dict(written), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def _numeric(encoder: TableEncoder, part: CardPart, outcome: str) -> str:
    column = encoder.columns[part.column]
    if column.levels is not None:
        raise UsageError(f"{outcome}: column {column.name!r} holds text; a card file reads numbers only")
    return column.name


def _ladder(metric: str, part: CardPart) -> dict[str, Any]:
    """One metric's part in the form of a points table; neighbouring levels of equal points are one step."""
    *points, missing = part.points
    steps = [
        {"from": _whole(edge), "points": above}
        for edge, above, below in zip(part.levels.edges, points[1:], points[:-1], strict=True)
        if above != below
    ]
    return {"metric": metric, "missing": missing, "steps": [*steps[::-1], {"points": points[0]}]}


def _whole(number: float) -> float:
    """A whole number as one, so that the file reads well."""
    return int(number) if float(number).is_integer() else number
