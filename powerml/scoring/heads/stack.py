"""The stack: several heads blended with non-negative weights on their out-of-fold logits."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from powerml.scoring.heads.base import Head, usable
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import LightGBMHead, deep_trees
from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.threads import side_by_side
from powerml.statistics.folds import Folds, RowNumbers, account_folds
from powerml.statistics.logistic import Floats, log_losses, penalised_logistic

if TYPE_CHECKING:
    from collections.abc import Sequence

_PINNED = 1e10
"""Penalty that holds a coefficient where it is."""

BLEND_RIDGE = 2.0
"""Rows' worth of pull of each blend weight towards an even share."""


class StackHead(Head):
    """A logistic blend, weights at least 0 and 1 in all, of heads that were each rehearsed on the same folds.

    Parameters
    ----------
    heads : sequence of Head
        Unfitted members; by default a card, a logistic head, small trees and deeper trees.
    blend : sequence of float
        One weight per member, 1 in all, decided beforehand; by default by account-grouped folds in `fit`.
    sign, signs, categorical
        Passed to default members; see `CardHead`.

    Attributes
    ----------
    members_ : tuple of Head
        Fitted members of positive weight.
    weights_ : ndarray
    """

    kind: ClassVar[str] = "stack"

    def __init__(
        self,
        heads: Sequence[Head] | None = None,
        *,
        blend: Sequence[float] | None = None,
        sign: int = 1,
        signs: Sequence[int] = (),
        categorical: Sequence[int] = (),
    ) -> None:
        self.heads = heads
        self.blend = blend
        self.sign = sign
        self.signs = signs
        self.categorical = categorical

    def members(self) -> tuple[Head, ...]:
        """The members given, or the default ones."""
        if self.heads is not None:
            return tuple(self.heads)
        return default_members(self.sign, tuple(self.signs), tuple(self.categorical))

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None) -> tuple[Self, Floats]:
        """Rehearses the members, then blends their out-of-fold logits."""
        rehearsed = rehearsals(self.members(), X, y, folds, codes)
        return self.blended([head for head, _ in rehearsed], np.column_stack([z for _, z in rehearsed]), y, folds)

    def blended(self, heads: Sequence[Head], logits: Floats, y: Floats, folds: Folds) -> tuple[Self, Floats]:
        """A copy of those members with their blend, and its logits (rows,), each row's blend fitted without its fold.

        `logits` (rows, members) are the members' out-of-fold logits.
        """
        tested = np.asarray(np.isfinite(logits).all(axis=1))
        blend = fit_blend(logits[tested], y[tested])
        crossed = np.full(len(y), np.nan)
        for _, test in usable(folds, y):
            outside = tested.copy()
            outside[test] = False
            own = fit_blend(logits[outside], y[outside]) if len(np.unique(y[outside])) == 2 else blend
            crossed[test] = logits[test] @ own
        kept = [i for i, weight in enumerate(blend) if weight > 0]
        copy = type(self)(
            [_averaged_as_it_counts(heads[i], float(blend[i])) for i in kept],
            blend=[float(blend[i]) for i in kept],
            sign=self.sign,
            signs=self.signs,
            categorical=self.categorical,
        )
        return copy, crossed

    def _fit(self, X: Floats, y: Floats) -> None:
        heads, blend = self.members(), self.blend
        if blend is None:
            rehearsed, _ = self.rehearse(X, y, account_folds(y, n_folds=4))
            heads, blend = rehearsed.members(), rehearsed.blend
        assert blend is not None
        self.weights_ = np.array(blend, dtype=np.float64)
        fits = [lambda head=head: clone(head).fit(X, y) for head in reversed(tuple(heads))]
        self.members_ = tuple(reversed(side_by_side(fits)))

    def _logits(self, X: Floats) -> Floats:
        logits = np.zeros(len(X))
        for weight, head in zip(self.weights_, self.members_, strict=True):
            logits += weight * head.decision_function(X)
        return logits

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """The members' contributions to their logits, weighted as the logits are."""
        values, baseline = np.zeros((len(X), self.n_features_in_)), 0.0
        for weight, head in zip(self.weights_, self.members_, strict=True):
            own, start = head.raw_contributions(X)
            values += weight * own
            baseline += weight * start
        return values, float(baseline)

    def _written_params(self) -> dict[str, Any]:
        return {}

    def _state(self) -> dict[str, Any]:
        return {
            "weights": self.weights_.tolist(),
            "members": [head.to_dict() for head in self.members_],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.weights_ = np.array(state["weights"])
        self.members_ = tuple(MEMBER_KINDS[member["kind"]].from_dict(member) for member in state["members"])


MEMBER_KINDS: dict[str, type[Head]] = {head.kind: head for head in (CardHead, LogisticHead, LightGBMHead)}


def rehearsals(
    heads: Sequence[Head], X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None
) -> list[tuple[Head, Floats]]:
    """Each head rehearsed, in the order given, side by side; the last ones take longest and are begun first."""
    works = [lambda head=head: head.rehearse(X, y, folds, codes) for head in reversed(tuple(heads))]
    return side_by_side(works)[::-1]


def _averaged_as_it_counts(head: Head, weight: float) -> Head:
    """The member; trees with a third of the say need a third of the averaging."""
    if not isinstance(head, LightGBMHead):
        return head
    return LightGBMHead(**head.get_params() | {"averaged": max(1, ceil(head.averaged * weight))})


def default_members(sign: int, signs: tuple[int, ...], categorical: tuple[int, ...]) -> tuple[Head, ...]:
    """A card, a logistic head, small trees with declared directions, and deeper trees without."""
    return (
        CardHead(sign=sign, signs=signs, categorical=categorical),
        LogisticHead(categorical=categorical),
        LightGBMHead(signs=signs, categorical=categorical, deeper=False),
        deep_trees(categorical),
    )


def fit_blend(logits: Floats, y: Floats) -> Floats:
    """Weights (members,) of a logistic blend: none below 0, 1 in all, held towards an even one.

    Scale and offset are left to the calibrator, which asks whether accounts bear them out; fitted here they followed
    the accident of a few large accounts (a calibration slope of 1.5 on the simulator).
    """
    count = logits.shape[1]
    own, weights = np.arange(count), np.zeros(count)
    while len(own) > 1:
        losses = [float(log_losses(y, logits[:, k]).sum()) for k in own]
        base = int(own[int(np.argmin(losses))])  # what the others leave of 1 is the base's
        others = own[own != base]
        design = np.column_stack([logits[:, base], logits[:, others] - logits[:, [base]]])
        penalty = np.r_[_PINNED, np.full(len(others), BLEND_RIDGE)]
        centre = np.r_[1.0, np.full(len(others), 1.0 / count)]
        lower = np.r_[1.0, np.zeros(len(others))]
        found = penalised_logistic(design, y, penalty=penalty, centre=centre, lower=lower)[1:]
        if found.sum() <= 1.0:
            weights[others], weights[base] = found, 1.0 - found.sum()
            return weights
        own = others
    weights[int(own[0])] = 1.0
    return weights
