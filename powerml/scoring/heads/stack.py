"""The stack: several heads blended with non-negative weights on their out-of-fold logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from powerml.calibration.folds import Folds, Rows, account_folds
from powerml.calibration.likelihood import Floats, penalised_logistic
from powerml.scoring.heads.base import Head, usable
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import LightGBMHead
from powerml.scoring.heads.logistic import LogisticHead

BLEND_RIDGE = 2.0
"""Rows' worth of pull of each blend weight towards an even share."""


class StackHead(Head):
    """A logistic blend, weights at least 0, of heads that were each rehearsed on the same folds.

    Parameters
    ----------
    heads : sequence of Head
        Unfitted members; by default a card, a logistic head, small trees and deeper trees.
    blend : sequence of float
        Intercept and one weight per member, decided beforehand; by default by account-grouped folds in `fit`.
    sign, signs, categorical
        Passed to default members; see `CardHead`.

    Attributes
    ----------
    members_ : tuple of Head
        Fitted members of positive weight.
    weights_, intercept_ : ndarray, float
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

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: Rows | None = None) -> tuple[Self, Floats]:
        """Rehearses the members, then blends their out-of-fold logits."""
        rehearsed = [head.rehearse(X, y, folds, codes) for head in self.members()]
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
            crossed[test] = own[0] + logits[test] @ own[1:]
        kept = [i for i, weight in enumerate(blend[1:]) if weight > 0]
        weights = (float(blend[0]), *(float(blend[1 + i]) for i in kept))
        copy = type(self)(
            [heads[i] for i in kept], blend=weights, sign=self.sign, signs=self.signs, categorical=self.categorical
        )
        return copy, crossed

    def _fit(self, X: Floats, y: Floats) -> None:
        heads, blend = self.members(), self.blend
        if blend is None:
            rehearsed, _ = self.rehearse(X, y, account_folds(y, n_folds=4))
            heads, blend = rehearsed.members(), rehearsed.blend
        assert blend is not None
        self.intercept_, self.weights_ = float(blend[0]), np.array(blend[1:], dtype=np.float64)
        self.members_ = tuple(clone(head).fit(X, y) for head in heads)

    def _logits(self, X: Floats) -> Floats:
        logits = np.full(len(X), self.intercept_)
        for weight, head in zip(self.weights_, self.members_, strict=True):
            logits += weight * head.decision_function(X)
        return logits

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """The members' contributions to their logits, weighted as the logits are."""
        values, baseline = np.zeros((len(X), self.n_features_in_)), self.intercept_
        for weight, head in zip(self.weights_, self.members_, strict=True):
            own, start = head.raw_contributions(X)
            values += weight * own
            baseline += weight * start
        return values, float(baseline)

    def _written_params(self) -> dict[str, Any]:
        return {}

    def _state(self) -> dict[str, Any]:
        return {
            "intercept": self.intercept_,
            "weights": self.weights_.tolist(),
            "members": [head.to_dict() for head in self.members_],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.intercept_, self.weights_ = state["intercept"], np.array(state["weights"])
        self.members_ = tuple(MEMBER_KINDS[member["kind"]].from_dict(member) for member in state["members"])


MEMBER_KINDS: dict[str, type[Head]] = {head.kind: head for head in (CardHead, LogisticHead, LightGBMHead)}


def default_members(sign: int, signs: tuple[int, ...], categorical: tuple[int, ...]) -> tuple[Head, ...]:
    """A card, a logistic head, small trees with declared directions, and deeper trees without."""
    return (
        CardHead(sign=sign, signs=signs, categorical=categorical),
        LogisticHead(categorical=categorical),
        LightGBMHead(signs=signs, categorical=categorical),
        deep_trees(categorical),
    )


def deep_trees(categorical: tuple[int, ...]) -> LightGBMHead:
    """Trees for tables rich in interactions, where the small ones stop too early."""
    return LightGBMHead(leaves=24, ridge=1.0, column_share=0.8, min_rows=10, categorical=categorical, seed=1)


def fit_blend(logits: Floats, y: Floats) -> Floats:
    """Intercept and non-negative weights (1 + members,) of a logistic blend, held towards an even one."""
    count = logits.shape[1]
    design = np.column_stack([np.ones(len(y)), logits])
    centre = np.r_[0.0, np.full(count, 1.0 / count)]
    penalty = np.r_[1e-6, np.full(count, BLEND_RIDGE)]
    lower = np.r_[-np.inf, np.zeros(count)]
    return penalised_logistic(design, y, penalty=penalty, centre=centre, lower=lower)
