"""The search behind a recipe: exact over ladders, greedy over ratios; both ask the scorer itself what a move gives."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.bands.ladder import DIGITS
from powerml.scoring.explain.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from powerml.scoring.documented.base import DocumentedScorer

MOST_COMBINATIONS = 20_000
HALVINGS = 50
ROUND_UP = 10_000  # real targets are rounded up to four decimals

Chosen = tuple[tuple[str, Target], ...]
Cost = tuple[int, float]


@dataclass(frozen=True)
class Move:
    """One metric to be moved: from where, to where, and the edge it must reach or stay below."""

    metric: str
    value: float
    target: float
    bound: str
    edge: float

    def __str__(self) -> str:
        return f"{self.metric} {self.bound} {self.edge:.6g} (now {self.value:.6g})"


def fewest_steps(
    scorer: DocumentedScorer[Any],
    row: Mapping[str, float],
    targets: Mapping[str, Sequence[Target]],
    *,
    edge: float,
    active: bool,
) -> tuple[tuple[Move, ...], float]:
    """The cheapest moves whose sum reaches `edge`, and the score after them (without moves: the most there is).

    Parts that share metrics are looked at together, over all combinations of their targets; over the groups the
    cheapest way to each gain is kept. Exact as long as a group has no more than 20,000 combinations.
    """
    now = _parts(scorer, row, [()], active)[0]
    ways: list[tuple[Cost, float, Chosen]] = [((0, 0.0), 0.0, ())]
    for metrics, columns in _groups(scorer, targets):
        choices = list(_combinations(metrics, targets))
        gains = _parts(scorer, row, choices, active)[:, columns].sum(axis=1) - now[columns].sum()
        options = _undominated([(_cost(c), float(gain), c) for c, gain in zip(choices, gains, strict=True)])
        ways = _undominated(
            [
                ((a[0][0] + b[0][0], a[0][1] + b[0][1]), a[1] + b[1], a[2] + b[2])
                for a, b in itertools.product(ways, options)
            ]
        )
    total = float(now.sum())
    for _, gain, choice in sorted(ways, key=lambda way: way[0]):
        if round(total + gain, DIGITS) >= round(edge, DIGITS) and _score(scorer, row, choice, active) >= edge - 1e-9:
            return _moves(row, choice), _score(scorer, row, choice, active)
    return (), max(_score(scorer, row, choice, active) for _, _, choice in ways)


def fewest_full(
    scorer: DocumentedScorer[Any],
    row: Mapping[str, float],
    targets: Mapping[str, Sequence[Target]],
    *,
    edge: float,
    active: bool,
) -> tuple[tuple[Move, ...], float]:
    """The fewest metrics that reach `edge`, and the score after them: those that give most, the last only as needed."""
    single = {metric: options[-1] for metric, options in targets.items()}
    gain = {metric: _score(scorer, row, ((metric, target),), active) for metric, target in single.items()}
    alone = [((metric, target),) for metric, target in single.items() if _reaches(gain[metric], edge)]
    if alone:
        least = min((_shortened(scorer, row, choice, edge, active) for choice in alone), key=_cost)
        return _moves(row, least), _score(scorer, row, least, active)
    taken: Chosen = ()
    for metric in sorted(single, key=lambda m: (-gain[m], m)):
        taken += ((metric, single[metric]),)
        if _reaches(_score(scorer, row, taken, active), edge):
            shortened = _shortened(scorer, row, taken, edge, active)
            return _moves(row, shortened), _score(scorer, row, shortened, active)
    return (), _score(scorer, row, taken, active)


def _shortened(
    scorer: DocumentedScorer[Any], row: Mapping[str, float], choice: Chosen, edge: float, active: bool
) -> Chosen:
    """The choice with its last metric moved only as far as needed (counts to a whole number)."""
    *before, (metric, target) = choice
    low, high = row[metric], target.value
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        trial = (*before, (metric, _at(target, middle, row[metric])))
        low, high = (low, middle) if _reaches(_score(scorer, row, trial, active), edge) else (middle, high)
    rounded = math.ceil(high) if target.whole else math.ceil(high * ROUND_UP) / ROUND_UP
    return (*before, (metric, _at(target, min(float(rounded), target.value), row[metric])))


def _at(target: Target, value: float, now: float) -> Target:
    share = (value - now) / (target.value - now)
    return replace(target, value=value, edge=value, distance=target.distance * share)


def _groups(
    scorer: DocumentedScorer[Any], targets: Mapping[str, Sequence[Target]]
) -> list[tuple[tuple[str, ...], list[int]]]:
    """Movable metrics that meet in some part, together with the columns of those parts."""
    groups: list[tuple[set[str], list[int]]] = []
    for column, metrics in enumerate(scorer.part_metrics.values()):
        mine, columns = {metric for metric in metrics if metric in targets}, [column]
        if not mine:
            continue
        apart = []
        for group in groups:
            if group[0] & mine:
                mine |= group[0]
                columns += group[1]
            else:
                apart.append(group)
        groups = [*apart, (mine, columns)]
    return [(tuple(sorted(metrics)), sorted(columns)) for metrics, columns in groups]


def _combinations(metrics: Sequence[str], targets: Mapping[str, Sequence[Target]]) -> Iterable[Chosen]:
    """All combinations of targets, each metric also left alone; no more than two metrics at once where too many."""
    size = math.prod(1 + len(targets[metric]) for metric in metrics)
    most = len(metrics) if size <= MOST_COMBINATIONS else 2
    for count in range(most + 1):
        for moved in itertools.combinations(metrics, count):
            for chosen in itertools.product(*(targets[metric] for metric in moved)):
                yield tuple(zip(moved, chosen, strict=True))


def _undominated(ways: list[tuple[Cost, float, Chosen]]) -> list[tuple[Cost, float, Chosen]]:
    """Only ways that gain more than every cheaper one."""
    kept: list[tuple[Cost, float, Chosen]] = []
    for way in sorted(ways, key=lambda w: (w[0], -w[1])):
        if not kept or way[1] > kept[-1][1] + 1e-12:
            kept.append(way)
    return kept


def _cost(choice: Chosen) -> Cost:
    return len(choice), sum(target.distance for _, target in choice)


def _reaches(score: float, edge: float) -> bool:
    return round(score, DIGITS) >= round(edge, DIGITS)


def _numbers(row: Mapping[str, float], choices: Sequence[Chosen]) -> dict[str, Any]:
    numbers = {metric: np.full(len(choices), value) for metric, value in row.items()}
    for position, choice in enumerate(choices):
        for metric, target in choice:
            numbers[metric][position] = target.value
    return numbers


def _parts(scorer: DocumentedScorer[Any], row: Mapping[str, float], choices: Sequence[Chosen], active: bool) -> Any:
    return scorer._parts(_numbers(row, choices), np.full(len(choices), active))


def _score(scorer: DocumentedScorer[Any], row: Mapping[str, float], choice: Chosen, active: bool) -> float:
    return float(scorer._scores(_numbers(row, [choice]), np.array([active]))[0])


def _moves(row: Mapping[str, float], choice: Chosen) -> tuple[Move, ...]:
    return tuple(Move(metric, row[metric], t.value, t.bound, t.edge) for metric, t in choice)
