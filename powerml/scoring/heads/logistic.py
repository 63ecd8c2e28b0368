"""The logistic head: one straight line in the logit, on metrics whose long tails are drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from powerml.scoring.heads.base import Head, sum_by
from powerml.scoring.heads.columns import ColumnDesign
from powerml.scoring.heads.shapes import bound_signs
from powerml.screening.auto import Screens, chosen_screen
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import Floats, base_logit, log_losses, penalised_logistic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.statistics.folds import Folds, RowNumbers

STRENGTHS = (0.3, 3.0, 30.0, 300.0)
"""Ridge strengths that `rehearse` compares, in units of one row's log loss per squared standard deviation."""

ROWS_PER_COLUMN = 500
"""With more rows than this per design column neither the ridge strength nor a screen matters; they are not searched."""


class LogisticHead(Head):
    """Ridge-penalised logistic regression on standardised metrics.

    Null values take the metric's median and switch on an indicator of their own (where the training rows have nulls);
    a metric whose tail is long enters as signed `log(1 + |x| / s)`, `s` its typical size; values beyond the outermost
    half per cent of the training rows count as that edge; text columns enter one-hot. Declared directions bind the
    coefficients of values, as they bind trees.

    Parameters
    ----------
    strength : float
        Ridge strength; `rehearse` chooses it by folds.
    signs : sequence of int
        Declared effect (-1, 0, 1) of each column on the event, kept unless the data contradicts it.
    constraints : sequence of int
        Effects decided beforehand; by default from `signs`.
    categorical : sequence of int
        Positions of columns that hold level numbers.
    reads : sequence of int
        Positions of the columns it reads; by default all. `rehearse` chooses among screens.

    Attributes
    ----------
    design_ : ColumnDesign
        How columns become standardised design columns.
    coef_, intercept_ : ndarray, float
        Coefficients of the design columns, and the logit of the average row, which is the baseline of contributions.

    Notes
    -----
    Fitted by Newton's method to rounding error, so row order and threads do not matter.
    """

    kind: ClassVar[str] = "logistic"

    def __init__(
        self,
        strength: float = 3.0,
        *,
        signs: Sequence[int] = (),
        constraints: Sequence[int] | None = None,
        categorical: Sequence[int] = (),
        reads: Sequence[int] | None = None,
    ) -> None:
        self.strength = strength
        self.signs = signs
        self.constraints = constraints
        self.categorical = categorical
        self.reads = reads

    def _fit(self, X: Floats, y: Floats) -> None:
        constraints = self.constraints
        if constraints is None:
            constraints = bound_signs(X, y, self.signs, folds=account_folds(y) if any(self.signs) else [])
        self.design_ = ColumnDesign.learn(X, tuple(self.categorical), self.reads)
        beta = self._solve(self.design_, self.design_.build(X), y, self.strength, constraints)
        self.intercept_, self.coef_ = float(beta[0]), beta[1:]

    @staticmethod
    def _solve(
        design: ColumnDesign,
        built: Floats,
        y: Floats,
        strength: float,
        constraints: Sequence[int],
        start: Floats | None = None,
    ) -> Floats:
        """Intercept and coefficients; `start` is an earlier answer to begin from."""
        flip, floor = design.limits(constraints)
        columns = np.column_stack([np.ones(len(built)), built * flip])
        penalty = np.r_[1e-8, np.full(built.shape[1], float(strength))]
        first = np.r_[base_logit(y), np.zeros(built.shape[1])] if start is None else start * np.r_[1.0, flip]
        beta = penalised_logistic(
            columns, y, penalty=penalty, lower=np.r_[-np.inf, floor], start=first, tolerance=1e-10
        )
        found: Floats = beta * np.r_[1.0, flip]
        return found

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Self, Floats]:
        """Chooses ridge strength and screen by out-of-fold log loss, on the same fits that give the logits.

        The strength is that of the smallest loss under the first screen; see `chosen_screen` for the screen.
        """
        constraints = self.constraints
        if constraints is None:
            constraints = bound_signs(X, y, self.signs, folds=folds, codes=codes)
        if screens is None:
            reads = np.ones(X.shape[1], dtype=bool) if self.reads is None else np.isin(range(X.shape[1]), self.reads)
            screens = Screens.single(reads, len(folds))
        prepared = self._prepared(X, y, folds)
        columns = max((design.n_columns for _, _, _, design, *_ in prepared), default=1)
        few = len(y) <= ROWS_PER_COLUMN * max(columns, 1)
        strengths = STRENGTHS if few else (self.strength,)
        first = self._crossed(prepared, y, strengths, constraints, screens, 0)
        tested = np.isfinite(first[0])
        best = int(np.argmin([log_losses(y[tested], row[tested]).sum() for row in first]))
        logits = {0: first[best]}
        for k in screens.different[1:] if few else ():
            logits[k] = self._crossed(prepared, y, strengths[best : best + 1], constraints, screens, k)[0]
        taken = chosen_screen(y, logits, codes)
        reads_all = bool(screens.whole[taken].all())
        chosen = {
            "strength": strengths[best],
            "constraints": tuple(constraints),
            "reads": None if reads_all else screens.columns(taken),
        }
        return type(self)(**self.get_params() | chosen), logits[taken]

    def _prepared(self, X: Floats, y: Floats, folds: Folds) -> list[Any]:
        """Per usable fold: its number, training and test rows, the design of all columns, and both sides of it."""
        prepared = []
        for number, (train, test) in enumerate(folds):
            if len(test) and len(np.unique(y[train])) == 2:
                design = ColumnDesign.learn(X[train], tuple(self.categorical))
                prepared.append((number, train, test, design, design.build(X[train]), design.build(X[test])))
        return prepared

    def _crossed(
        self,
        prepared: list[Any],
        y: Floats,
        strengths: Sequence[float],
        constraints: Sequence[int],
        screens: Screens,
        screen: int,
    ) -> Floats:
        """Out-of-fold logits (strengths, rows) of the fits on what one screen keeps; NaN for rows that none tests."""
        logits = np.full((len(strengths), len(y)), np.nan)
        for number, train, test, design, seen, unseen in prepared:
            kept = np.array([screens.folds[number][screen][c.column] for c in design.columns], dtype=bool)
            own, beta = ColumnDesign(tuple(c for c, k in zip(design.columns, kept, strict=True) if k)), None
            for k in reversed(range(len(strengths))):  # from the stiffest on, each a warm start for the next
                beta = self._solve(own, seen[:, kept], y[train], strengths[k], constraints, beta)
                logits[k, test] = beta[0] + unseen[:, kept] @ beta[1:]
        return logits

    def _logits(self, X: Floats) -> Floats:
        return self.intercept_ + self.design_.build(X) @ self.coef_

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """Coefficient times standardised value, added up per metric; the baseline is the average training row."""
        return sum_by(self.design_.build(X) * self.coef_, self.design_.owner, self.n_features_in_), self.intercept_

    def _state(self) -> dict[str, Any]:
        return {"intercept": self.intercept_, "coef": self.coef_.tolist(), "design": self.design_.to_dict()}

    def _restore(self, state: dict[str, Any]) -> None:
        self.intercept_, self.coef_ = state["intercept"], np.array(state["coef"])
        self.design_ = ColumnDesign.from_dict(state["design"])
