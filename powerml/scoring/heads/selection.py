"""Choosing a head: the least expected log loss, a readable one or the blend where that costs next to nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from powerml.scoring.heads.base import Head, crossed_base, usable
from powerml.scoring.heads.lightgbm import crossed_deeper, deeper_of
from powerml.scoring.heads.registry import head_from_dict
from powerml.scoring.heads.shapes import learn_shapes
from powerml.scoring.heads.stack import StackHead, cross_blend, rehearsals
from powerml.statistics.folds import Folds, RowNumbers, account_folds, clustered_mean, without
from powerml.statistics.logistic import Floats, base_logit, log_losses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.screening.auto import Screens

TREE_EVENTS = 200
"""Distinct events below which no trees are grown."""

NEXT_TO_NOTHING = 0.005
"""Half a point of skill: what a head that is preferred for other reasons than its loss may cost."""

BEYOND_DOUBT = 3.0
"""t of the paired out-of-fold log loss above which a single head is taken in place of a blend that costs more. Two was
too few: trees were half a point ahead out of fold, at t 2.2, and a point behind on other people."""

WEIGHTS = "weights"
"""The name of the documented structure among the heads compared."""

READABLE = (WEIGHTS, "card", "logistic")
"""Heads that can be read as a table, from simple to complex."""


@dataclass(frozen=True)
class Tried:
    """A head that was compared: its out-of-fold log loss, how much worse than the best with standard error."""

    head: str
    log_loss: float
    worse: float
    worse_se: float
    chosen: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """The head to fit on all rows, its out-of-fold logits (rows,), and all that were compared.

    `share` is what the documented structure counts beside the head, which is None where it counts for all. `honest`
    are the logits (rows,) of what would have been chosen without each row's fold, by which the choice itself is to be
    judged. `plain` is a choice that can be read as a table and costs next to nothing, where there is one.
    """

    head: Head | None
    logits: Floats
    tried: tuple[Tried, ...]
    honest: Floats
    share: float = 0.0
    plain: Choice | None = None

    @property
    def name(self) -> str:
        """The chosen head's name."""
        return WEIGHTS if self.head is None else self.head.kind


@dataclass(frozen=True)
class Rehearsed:
    """A head that may be taken, with its out-of-fold logits (rows,) and the documented structure's share beside it.

    `honest` are the logits where what was decided on the way was decided without each row's fold.
    """

    head: Head | None
    logits: Floats
    share: float
    honest: Floats


class AutoHead(Head):
    """The head that is expected to lose least: weights, card, logistic, trees from 200 events on, or a blend of all.

    A head that can be read as a table (the documented structure, a card, a line) is taken where it costs less than half
    a point of skill, on both sides of a model; then the blend, which leans on no single head that happened to come
    first; another alone where it gains half a point on the blend, and that at t > 3. Source:
    experiments/studies/learning/README.md.

    Parameters
    ----------
    sign, signs, categorical
        As for `CardHead`.

    Attributes
    ----------
    head_ : Head
        The chosen head, fitted.
    """

    kind: ClassVar[str] = "auto"

    def __init__(self, *, sign: int = 1, signs: Sequence[int] = (), categorical: Sequence[int] = ()) -> None:
        self.sign = sign
        self.signs = signs
        self.categorical = categorical

    def choose(
        self,
        X: Floats,
        y: Floats,
        folds: Folds,
        codes: RowNumbers,
        *,
        events: int,
        screens: Screens | None = None,
        beside: Floats | None = None,
    ) -> Choice:
        """Rehearses what the number of events allows, and takes one, or a blend.

        `beside` are the out-of-fold logits (rows,) of the documented structure, where there is one.
        """
        shapes = learn_shapes(X, y, tuple(self.signs), folds=folds, codes=codes)
        stack = StackHead(sign=self.sign, signs=self.signs, categorical=self.categorical)
        members = stack.members(shapes)
        members = members if events >= TREE_EVENTS else members[:2]
        rehearsed = rehearsals(members, X, y, folds, codes, screens)
        found: dict[str, Rehearsed] = {}
        if beside is not None:
            found[WEIGHTS] = Rehearsed(None, beside, 1.0, beside)
        for name, (head, logits) in zip(("card", "logistic"), rehearsed, strict=False):
            found[name] = Rehearsed(head, logits, 0.0, logits)
        found["stack"] = _blended(stack, rehearsed, y, folds, codes, beside)
        if events >= TREE_EVENTS:
            head, logits = deeper_of(rehearsed[2], rehearsed[3], y, codes)
            honest = crossed_deeper(rehearsed[2], rehearsed[3], y, folds, codes)
            found["lightgbm"] = Rehearsed(head, logits, 0.0, honest)
        return _taken(found, y, folds, codes)

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Any, Floats]:
        """The head chosen by these folds, in place of this one."""
        codes = np.arange(len(y)) if codes is None else codes
        events = int(min(y.sum(), len(y) - y.sum()))
        choice = self.choose(X, y, folds, codes, events=events, screens=screens)
        choice = choice.plain or choice
        return choice.head, choice.logits

    def _fit(self, X: Floats, y: Floats) -> None:
        self.head_ = self.rehearse(X, y, account_folds(y))[0].fit(X, y)

    def _logits(self, X: Floats) -> Floats:
        logits: Floats = self.head_.decision_function(X)
        return logits

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """The chosen head's."""
        parts: tuple[Floats, float] = self.head_.raw_contributions(X)
        return parts

    def _state(self) -> dict[str, Any]:
        return {"head": self.head_.to_dict()}

    def _restore(self, state: dict[str, Any]) -> None:
        member = state["head"]
        self.head_ = head_from_dict(member)


def _blended(
    stack: StackHead,
    rehearsed: Sequence[tuple[Head, Floats]],
    y: Floats,
    folds: Folds,
    codes: RowNumbers,
    beside: Floats | None,
) -> Rehearsed:
    """The blend of rehearsed heads and the documented structure, its weights learned without each row's fold."""
    logits = [z for _, z in rehearsed] + ([] if beside is None else [beside])
    blend = cross_blend(logits, y, folds, codes)
    share = 0.0 if beside is None else float(blend.weights[-1])
    head = None if share >= 1.0 else stack.of([head for head, _ in rehearsed], blend.weights[: len(rehearsed)])
    return Rehearsed(head, blend.logits, min(share, 1.0), blend.logits)


def _taken(found: Mapping[str, Rehearsed], y: Floats, folds: Folds, codes: RowNumbers) -> Choice:
    """The choice among heads, with the plain one beside it; the first of all where no fold tests anything."""
    base = crossed_base(y, folds)

    def choice(*, plain: bool) -> Choice:
        tried = compare_heads({name: its.logits for name, its in found.items()}, y, codes, base=base, plain=plain)
        its = found[_chosen_of(tried, found)]
        return Choice(its.head, its.logits, tried, _honest(found, y, folds, codes, base, plain=plain), its.share)

    readable = choice(plain=True)
    return replace(choice(plain=False), plain=readable if readable.name in READABLE else None)


def _chosen_of(tried: Sequence[Tried], found: Mapping[str, Rehearsed]) -> str:
    return next((each.head for each in tried if each.chosen), next(iter(found)))


def _honest(
    found: Mapping[str, Rehearsed], y: Floats, folds: Folds, codes: RowNumbers, base: Floats, *, plain: bool
) -> Floats:
    """Logits (rows,) of the head that each fold's own training rows would have chosen."""
    honest = np.full(len(y), np.nan)
    for _, test in usable(folds, y):
        outside = {name: without(its.logits, test) for name, its in found.items()}
        tried = compare_heads(outside, y, codes, base=base, plain=plain)
        honest[test] = found[_chosen_of(tried, found)].honest[test]
    return honest


def choose(
    head: Head,
    X: Floats,
    y: Floats,
    *,
    folds: Folds,
    codes: RowNumbers,
    events: int,
    screens: Screens | None = None,
    beside: Floats | None = None,
) -> Choice:
    """Rehearses a head; for `auto`, those that the number of events allows, and takes one.

    The documented structure, whose out-of-fold logits are `beside`, takes part in `auto` and in `stack`.
    """
    if isinstance(head, AutoHead):
        return head.choose(X, y, folds, codes, events=events, screens=screens, beside=beside)
    if isinstance(head, StackHead):
        rehearsed = rehearsals(head.members(), X, y, folds, codes, screens)
        return _taken({head.kind: _blended(head, rehearsed, y, folds, codes, beside)}, y, folds, codes)
    ready, logits = head.rehearse(X, y, folds, codes, screens)
    return _taken({head.kind: Rehearsed(ready, logits, 0.0, logits)}, y, folds, codes)


def compare_heads(
    logits: Mapping[str, Floats], y: Floats, codes: RowNumbers, *, base: Floats | None = None, plain: bool = True
) -> tuple[Tried, ...]:
    """Log losses of heads, from simple to complex, on the rows all predict, and the one that is `chosen`.

    Chosen is, where `plain` allows it, the first readable head that costs less than half a point of skill over `base`,
    the base rate's logits (rows,), against the least loss; then the blend, where it costs no more or the best is not
    better beyond doubt, since the head that comes first out of fold is flattered by coming first; then the best.
    Differences are paired by row, their standard errors clustered by account.
    """
    tested = np.logical_and.reduce([np.isfinite(z) for z in logits.values()])
    if not tested.any():
        return ()
    losses = {name: log_losses(y[tested], z[tested]) for name, z in logits.items()}
    whole = log_losses(y[tested], np.full(int(tested.sum()), base_logit(y)) if base is None else base[tested])
    best = min(losses.values(), key=lambda loss: float(loss.mean()))
    worse = {name: clustered_mean(loss - best, codes[tested]) for name, loss in losses.items()}
    chosen = _preferred(worse, NEXT_TO_NOTHING * float(whole.mean()), plain=plain)
    return tuple(
        Tried(name, float(loss.mean()), worse[name][0], min(worse[name][1], 1e9), name == chosen)
        for name, loss in losses.items()
    )


def _preferred(worse: Mapping[str, tuple[float, float]], little: float, *, plain: bool) -> str:
    """The head to take, by what each loses more than the best (mean, standard error); `little` is next to nothing."""
    for name in READABLE if plain else ():
        if name in worse and worse[name][0] <= little:
            return name
    mean, spread = worse.get(StackHead.kind, (np.inf, 0.0))
    if mean <= max(little, BEYOND_DOUBT * spread):
        return StackHead.kind
    return min(worse, key=lambda name: worse[name][0])
