"""Heads that stand in where an outcome has too few events: a link on a documented score, or the base rate alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from powerml.scoring.heads.base import Head
from powerml.statistics.logistic import Floats, LogitLine, base_logit, penalised_logistic

if TYPE_CHECKING:
    from powerml.statistics.folds import Folds

PRIOR_SLOPE = 0.5
"""Logit per standard deviation of the documented score expected before any event is seen (AUROC about .64)."""

PRIOR_SPREAD = 0.5
"""Standard deviation of that expectation: two of them reach from no effect to twice the expected one."""


class PriorLinkHead(Head):
    """A logistic link on one documented score, its slope held near a modest expectation until events say otherwise.

    Where they say the opposite of the document the link is flat: a better score never makes things look worse.

    Parameters
    ----------
    sign : {-1, 1}
        Whether the outcome falls (churn) or rises (expansion) with the score.
    pull : float
        RowNumbers that the expectation counts for; where an event appears in several snapshot rows, as many.
    """

    kind: ClassVar[str] = "prior"

    def __init__(self, sign: int = -1, *, pull: float = 1.0) -> None:
        self.sign = sign
        self.pull = pull

    def _fit(self, X: Floats, y: Floats) -> None:
        self._link(X[:, 0], y)

    def link(self, score: Floats, y: Floats) -> PriorLinkHead:
        """Fits on scores (rows,) and outcomes (rows,) of 0 or 1, which may all be 0."""
        self.classes_, self.n_features_in_ = np.array([0, 1]), 1
        self._link(score, y)
        return self

    def crossed(self, score: Floats, y: Floats, folds: Folds) -> Floats:
        """Out-of-fold logits (rows,) of such links, each bound as this one is; NaN for rows that no fold tests."""
        logits = np.full(len(y), np.nan)
        for train, test in folds:
            own = type(self)(self.sign, pull=self.pull).link(score[train], y[train])
            logits[test] = own._logits(score[test][:, None])
        return logits

    def _link(self, score: Floats, y: Floats) -> None:
        known = np.where(np.isnan(score), np.nanmean(score) if np.isfinite(score).any() else 0.0, score)
        self.mean_, spread = float(known.mean()), float(known.std())
        self.sd_ = spread if spread > 1e-9 else 1.0
        design = np.column_stack([np.ones(len(y)), self.sign * (known - self.mean_) / self.sd_])
        start = np.array([base_logit(y), PRIOR_SLOPE])
        penalty = [0.5 * self.pull, self.pull / PRIOR_SPREAD**2]
        beta = penalised_logistic(design, y, penalty=penalty, centre=start, lower=[-np.inf, 0.0])
        self.intercept_, self.slope_ = float(beta[0]), self.sign * float(beta[1])

    def _standard(self, X: Floats) -> Floats:
        return (np.where(np.isnan(X[:, 0]), self.mean_, X[:, 0]) - self.mean_) / self.sd_

    def _logits(self, X: Floats) -> Floats:
        return self.intercept_ + self.slope_ * self._standard(X)

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """All of it is due to the documented score; the baseline is its mean."""
        return (self.slope_ * self._standard(X))[:, None], self.intercept_

    @property
    def line(self) -> LogitLine:
        """From the documented score to the logit."""
        per_point = self.slope_ / self.sd_
        return LogitLine(per_point, self.intercept_ - per_point * self.mean_)

    @classmethod
    def given(cls, intercept: float, per_point: float) -> PriorLinkHead:
        """A link with that intercept (at score 0) and slope per point."""
        head = cls(1 if per_point > 0 else -1)
        head.classes_, head.n_features_in_ = np.array([0, 1]), 1
        head.intercept_, head.slope_, head.mean_, head.sd_ = float(intercept), float(per_point), 0.0, 1.0
        return head

    def _state(self) -> dict[str, Any]:
        return {"intercept": self.intercept_, "slope": self.slope_, "mean": self.mean_, "sd": self.sd_}

    def _restore(self, state: dict[str, Any]) -> None:
        self.intercept_, self.slope_ = state["intercept"], state["slope"]
        self.mean_, self.sd_ = state["mean"], state["sd"]
