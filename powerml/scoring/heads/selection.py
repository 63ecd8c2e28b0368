"""Choosing a head: the simplest whose out-of-fold log loss is within one standard error of the best."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from powerml.scoring.heads.base import Head
from powerml.scoring.heads.lightgbm import deeper_of
from powerml.scoring.heads.stack import MEMBER_KINDS, StackHead, default_members, rehearsals
from powerml.statistics.folds import Folds, RowNumbers, account_folds, clustered_mean
from powerml.statistics.logistic import Floats, log_losses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TREE_EVENTS = 200
"""Distinct events below which no trees are grown."""

STACK_ROWS = 50_000
"""Rows above which a stack is made on request only."""


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
    """The head to fit on all rows, its out-of-fold logits (rows,), and all that were compared, simplest first."""

    head: Head
    logits: Floats
    tried: tuple[Tried, ...]


class AutoHead(Head):
    """The simplest head that is not clearly worse than the best: card, logistic, trees from 200 events on, stack.

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

    def choose(self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers, *, events: int) -> Choice:
        """Rehearses what the number of events and rows allows, and takes one."""
        members = default_members(self.sign, tuple(self.signs), tuple(self.categorical))
        if events < TREE_EVENTS:
            members = members[:2]
        rehearsed = rehearsals(members, X, y, folds, codes)
        found = dict(zip(("card", "logistic"), rehearsed, strict=False))
        if events >= TREE_EVENTS:
            small, deep = rehearsed[2:]
            found["lightgbm"] = deeper_of(small, deep, y, codes)
            if len(y) <= STACK_ROWS:
                stack = StackHead(sign=self.sign, signs=self.signs, categorical=self.categorical)
                together = np.column_stack([logits for _, logits in rehearsed])
                found["stack"] = stack.blended([head for head, _ in rehearsed], together, y, folds)
        tried = compare_heads({name: logits for name, (_, logits) in found.items()}, y, codes)
        head, logits = found[next((each.head for each in tried if each.chosen), "card")]
        return Choice(head, logits, tried)

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None) -> tuple[Any, Floats]:
        """The head chosen by these folds, in place of this one."""
        codes = np.arange(len(y)) if codes is None else codes
        choice = self.choose(X, y, folds, codes, events=int(min(y.sum(), len(y) - y.sum())))
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
        self.head_ = (MEMBER_KINDS | {"stack": StackHead})[member["kind"]].from_dict(member)


def choose(head: Head, X: Floats, y: Floats, *, folds: Folds, codes: RowNumbers, events: int) -> Choice:
    """Rehearses a head; for `auto`, those that the number of events and rows allows, and takes one."""
    if isinstance(head, AutoHead):
        return head.choose(X, y, folds, codes, events=events)
    rehearsed, logits = head.rehearse(X, y, folds, codes)
    return Choice(rehearsed, logits, compare_heads({head.kind: logits}, y, codes))


def compare_heads(logits: Mapping[str, Floats], y: Floats, codes: RowNumbers) -> tuple[Tried, ...]:
    """Log losses of heads in order of complexity on the rows all predict, and the one that is `chosen`.

    Differences are paired by row and clustered by account; the first within one standard error of the best is chosen.
    """
    tested = np.logical_and.reduce([np.isfinite(z) for z in logits.values()])
    if not tested.any():
        return ()
    losses = {name: log_losses(y[tested], z[tested]) for name, z in logits.items()}
    best = min(losses.values(), key=lambda loss: float(loss.mean()))
    worse = {name: clustered_mean(loss - best, codes[tested]) for name, loss in losses.items()}
    chosen = next(name for name, (mean, spread) in worse.items() if mean <= spread)
    return tuple(
        Tried(name, float(loss.mean()), worse[name][0], min(worse[name][1], 1e9), name == chosen)
        for name, loss in losses.items()
    )
