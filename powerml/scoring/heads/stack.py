"""The stack: several heads blended with non-negative weights on their out-of-fold logits."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import clone

from powerml.scoring.heads.base import Head, crossed_base, usable
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import LightGBMHead, deep_trees
from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.registry import head_from_dict
from powerml.scoring.heads.shapes import uncontradicted
from powerml.scoring.heads.threads import side_by_side
from powerml.statistics.folds import Folds, RowNumbers, account_folds
from powerml.statistics.logistic import Floats, base_logit, log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.scoring.heads.shapes import Shape
    from powerml.screening.auto import Screens

BLEND_PULL = 40.0
"""Accounts with an event that the pull towards equal heads counts for; see experiments/studies/learning/README.md."""

LEAST_WEIGHT = 0.02
"""Members that would weigh less are left out: they cost time and say nothing."""


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

    def members(self, shapes: Sequence[Shape] | None = None) -> tuple[Head, ...]:
        """The members given, or the default ones; `shapes` are those of the columns, where they are known."""
        if self.heads is not None:
            return tuple(self.heads)
        return default_members(self.sign, tuple(self.signs), tuple(self.categorical), shapes)

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Any, Floats]:
        """Rehearses the members, then blends their out-of-fold logits."""
        rehearsed = rehearsals(self.members(), X, y, folds, codes, screens)
        blend = cross_blend([logits for _, logits in rehearsed], y, folds, codes)
        return self.of([head for head, _ in rehearsed], blend.weights), blend.logits

    def of(self, heads: Sequence[Head], weights: Floats) -> Head:
        """A copy of those heads that have a weight, for their share of what all of these weigh; one alone is itself."""
        kept = [i for i, weight in enumerate(weights) if weight > 0]
        if len(kept) == 1:
            return heads[kept[0]]
        whole = float(sum(weights[i] for i in kept))
        return type(self)(
            [_averaged_as_it_counts(heads[i], float(weights[i])) for i in kept],
            blend=[float(weights[i]) / whole for i in kept],
            sign=self.sign,
            signs=self.signs,
            categorical=self.categorical,
        )

    def _fit(self, X: Floats, y: Floats) -> None:
        heads, blend = self.members(), self.blend
        if blend is None:
            rehearsed, _ = self.rehearse(X, y, account_folds(y, n_folds=4))
            alone = not isinstance(rehearsed, StackHead)
            heads, blend = ((rehearsed,), (1.0,)) if alone else (rehearsed.members(), rehearsed.blend)
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
        self.members_ = tuple(head_from_dict(member) for member in state["members"])


def rehearsals(
    heads: Sequence[Head], X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None, screens: Screens | None = None
) -> list[tuple[Head, Floats]]:
    """Each head rehearsed, in the order given, side by side; the last ones take longest and are begun first."""
    works = [lambda head=head: head.rehearse(X, y, folds, codes, screens) for head in reversed(tuple(heads))]
    return side_by_side(works)[::-1]


def _averaged_as_it_counts(head: Head, weight: float) -> Head:
    """The member; trees with a third of the say need a third of the averaging."""
    if not isinstance(head, LightGBMHead):
        return head
    return LightGBMHead(**head.get_params() | {"averaged": max(1, ceil(head.averaged * weight))})


def default_members(
    sign: int, signs: tuple[int, ...], categorical: tuple[int, ...], shapes: Sequence[Shape] | None = None
) -> tuple[Head, ...]:
    """A card, a logistic head and small trees with declared directions, and deeper trees without."""
    bound = None if shapes is None else uncontradicted(signs or (0,) * len(shapes), shapes)
    return (
        CardHead(sign=sign, signs=signs, categorical=categorical, shapes=shapes),
        LogisticHead(signs=signs, categorical=categorical, constraints=bound),
        LightGBMHead(signs=signs, categorical=categorical, constraints=bound, deeper=False),
        deep_trees(categorical),
    )


@dataclass(frozen=True)
class Blend:
    """Weights (members,) of a blend, and its logits (rows,), each row's weights learned without its fold."""

    weights: Floats
    logits: Floats


def cross_blend(members: Sequence[Floats], y: Floats, folds: Folds, codes: RowNumbers | None = None) -> Blend:
    """The blend of members' out-of-fold logits (rows,); NaN where any of them is."""
    logits, base = np.column_stack(members), crossed_base(y, folds)
    codes = np.arange(len(y)) if codes is None else codes
    tested = np.asarray(np.isfinite(logits).all(axis=1))
    weights = fit_blend(logits[tested], y[tested], base=base[tested], codes=codes[tested])
    crossed = np.full(len(y), np.nan)
    for _, test in usable(folds, y):
        outside = tested.copy()
        outside[test] = False
        own = weights
        if len(np.unique(y[outside])) == 2:
            own = fit_blend(logits[outside], y[outside], base=base[outside], codes=codes[outside])
        crossed[test] = logits[test] @ own
    return Blend(weights, crossed)


def fit_blend(logits: Floats, y: Floats, *, base: Floats | None = None, codes: RowNumbers | None = None) -> Floats:
    """Weights (members,) of a logistic blend: none below 0, 1 in all, held towards what equal heads would get.

    The pull counts as much as `PULL` accounts with an event, so that few of them leave the weights near equal; heads
    that are not equal start from shares in proportion to the square of their skill over `base` (rows,), the base
    rate's logits, and one without skill from none. Scale and offset are left to the calibrator, which asks whether
    accounts bear them out; fitted here they followed the accident of a few large accounts (a slope of 1.5).
    """
    count = logits.shape[1]
    if count == 1 or not len(y):
        return np.full(count, 1.0 / count)
    from scipy.optimize import minimize

    centre = _shares_by_skill(logits, y, np.full(len(y), base_logit(y)) if base is None else base)
    pull = BLEND_PULL / len(y) / _per_row(y, np.arange(len(y)) if codes is None else codes)

    def objective(weights: Floats) -> tuple[float, Floats]:
        z = logits @ weights
        away = weights - centre
        loss = float(log_losses(y, z).mean() + pull / 2 * (away @ away))
        return loss, logits.T @ (sigmoid(z) - y) / len(y) + pull * away

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda _: np.ones(count)}
    found = minimize(
        objective, centre, jac=True, bounds=[(0.0, 1.0)] * count, constraints=[whole], method="SLSQP",
        options={"maxiter": 200, "ftol": 1e-12},
    )  # fmt: skip
    weights = np.where(found.x < LEAST_WEIGHT, 0.0, found.x)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _shares_by_skill(logits: Floats, y: Floats, base: Floats) -> Floats:
    """Shares (members,) in proportion to the square of the skill over the base rate; equal where none has any."""
    whole = float(log_losses(y, base).sum())
    skill = np.array([max(1.0 - float(log_losses(y, z).sum()) / whole, 0.0) for z in logits.T])
    return skill**2 / (skill**2).sum() if skill.any() else np.full(len(skill), 1.0 / len(skill))


def _per_row(y: Floats, codes: RowNumbers) -> float:
    """Accounts with an event (or without one, whichever are fewer) per such row."""
    accounts = min(len(np.unique(codes[y == 1])), len(np.unique(codes[y == 0])))
    rows = min(float(y.sum()), float(len(y) - y.sum()))
    return accounts / rows if accounts and rows else 1.0
