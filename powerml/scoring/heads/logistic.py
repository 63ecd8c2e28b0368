"""The logistic head: one straight line in the logit, on metrics whose long tails are drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from powerml.scoring.heads.base import Head, sum_by, usable
from powerml.scoring.heads.columns import ColumnDesign
from powerml.statistics.logistic import Floats, base_logit, log_losses, penalised_logistic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.statistics.folds import Folds, RowNumbers

STRENGTHS = (0.3, 3.0, 30.0, 300.0)
"""Ridge strengths that `rehearse` compares, in units of one row's log loss per squared standard deviation."""

ROWS_PER_COLUMN = 500
"""With more rows than this per design column the ridge strength no longer matters and is not searched."""


class LogisticHead(Head):
    """Ridge-penalised logistic regression on standardised metrics.

    Null values take the metric's median and switch on an indicator of their own (where the training rows have nulls);
    a metric whose tail is long enters as signed `log(1 + |x| / s)`, `s` its typical size; values beyond the outermost
    half per cent of the training rows count as that edge; text columns enter one-hot.

    Parameters
    ----------
    strength : float
        Ridge strength; `rehearse` chooses it by folds.
    categorical : sequence of int
        Positions of columns that hold level numbers.

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

    def __init__(self, strength: float = 3.0, *, categorical: Sequence[int] = ()) -> None:
        self.strength = strength
        self.categorical = categorical

    def _fit(self, X: Floats, y: Floats) -> None:
        self.design_ = ColumnDesign.learn(X, tuple(self.categorical))
        beta = self._solve(self.design_.build(X), y, self.strength, None)
        self.intercept_, self.coef_ = float(beta[0]), beta[1:]

    @staticmethod
    def _solve(built: Floats, y: Floats, strength: float, start: Floats | None) -> Floats:
        design = np.column_stack([np.ones(len(built)), built])
        penalty = np.r_[1e-8, np.full(built.shape[1], float(strength))]
        first = np.r_[base_logit(y), np.zeros(built.shape[1])] if start is None else start
        return penalised_logistic(design, y, penalty=penalty, start=first, tolerance=1e-10)

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None) -> tuple[Self, Floats]:
        """Chooses the ridge strength of the smallest out-of-fold log loss, on the same fits that give the logits."""
        tried = usable(folds, y)
        designs = [ColumnDesign.learn(X[train], tuple(self.categorical)) for train, _ in tried]
        columns = max((design.n_columns for design in designs), default=1)
        strengths = STRENGTHS if len(y) <= ROWS_PER_COLUMN * max(columns, 1) else (self.strength,)
        logits = np.full((len(strengths), len(y)), np.nan)
        for design, (train, test) in zip(designs, tried, strict=True):
            seen, unseen = design.build(X[train]), design.build(X[test])
            beta = None
            for k in reversed(range(len(strengths))):  # from the stiffest on, each a warm start for the next
                beta = self._solve(seen, y[train], strengths[k], beta)
                logits[k, test] = beta[0] + unseen @ beta[1:]
        tested = np.isfinite(logits[0])
        losses = [log_losses(y[tested], row[tested]).sum() for row in logits]
        best = int(np.argmin(losses))
        return type(self)(strengths[best], categorical=self.categorical), logits[best]

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
