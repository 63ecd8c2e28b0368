"""Fitted weights: what each part of a documented weight set deserves, held near what the document says.

Minimises the log loss plus a pull of `prior_rows` rows towards the documented weights, no weight below 0, and turns
the result into a weight set of the same kind: dimension weights sum to 1, action weights are relative to the first,
points add up to what the document's add up to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from powerml.errors import UsageError
from powerml.scoring.heads.base import Head
from powerml.statistics.logistic import Floats, base_logit, penalised_logistic, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.utils import Tags

    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.statistics.folds import RowNumbers

DRAWS = 400
"""Account bootstraps behind each weight's interval."""


class WeightsHead(Head):
    """Non-negative weights on the parts of a documented score, with ridge towards the documented ones.

    Parameters
    ----------
    documented : sequence of float
        The document's weight of each column; by default all equal.
    sign : {-1, 1}
        Whether the event falls (churn) or rises (expansion) with the parts.
    prior_rows : float
        How many rows the document counts for, per weight.

    Attributes
    ----------
    weights_ : ndarray
        Logit of things going well per unit of each column, at least 0.
    scale_ : float
        Logit per unit of the documented score: `weights_` are held towards `scale_ * documented`.
    fill_ : ndarray
        Mean of each column, which a null counts as.
    """

    kind: ClassVar[str] = "weights"

    def __init__(self, documented: Sequence[float] | None = None, *, sign: int = 1, prior_rows: float = 10.0) -> None:
        self.documented = documented
        self.sign = sign
        self.prior_rows = prior_rows

    def _fit(self, X: Floats, y: Floats) -> None:
        good = y if self.sign > 0 else 1.0 - y
        given = np.ones(X.shape[1]) if self.documented is None else np.array(self.documented, dtype=np.float64)
        known = ~np.isnan(X)
        self.fill_ = np.where(known, X, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        filled = self._filled(X)
        spread = filled.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        score = filled @ given
        size = score.std() if score.std() > 1e-9 else 1.0
        line = np.column_stack([np.ones(len(y)), (score - score.mean()) / size])
        slope = penalised_logistic(line, good, penalty=[1e-8, 1.0], lower=[-np.inf, 0.0])[1]
        self.scale_ = float(slope / size)
        design = np.column_stack([np.ones(len(y)), (filled - self.fill_) / spread])
        centre = np.r_[0.0, self.scale_ * given * spread]
        penalty = np.r_[1e-8, np.full(X.shape[1], float(self.prior_rows))]
        lower = np.r_[-np.inf, np.zeros(X.shape[1])]
        start = np.r_[base_logit(good), np.maximum(centre[1:], 0.0)]
        beta = penalised_logistic(design, good, penalty=penalty, centre=centre, lower=lower, start=start)
        self.weights_, self.intercept_ = beta[1:] / spread, float(beta[0] - self.fill_ @ (beta[1:] / spread))

    def _filled(self, X: Floats) -> Floats:
        return np.where(np.isnan(X), self.fill_, X)

    def _logits(self, X: Floats) -> Floats:
        return self.sign * (self.intercept_ + self._filled(X) @ self.weights_)

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """Weight times value above the training mean, per column."""
        baseline = self.intercept_ + float(self.fill_ @ self.weights_)
        return self.sign * (self._filled(X) - self.fill_) * self.weights_, self.sign * baseline

    def draws(self, X: Floats, y: Floats, codes: RowNumbers, *, seed: int = 0) -> Floats:
        """Weights (draws, columns) of account bootstraps, each one Newton step from the fit."""
        filled = self._filled(X)
        design = np.column_stack([np.ones(len(y)), filled])
        good = y if self.sign > 0 else 1.0 - y
        p = sigmoid(self.intercept_ + filled @ self.weights_)
        spread = np.where(filled.std(axis=0) > 1e-9, filled.std(axis=0), 1.0)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + np.diag(np.r_[1e-8, self.prior_rows * spread**2])
        n_accounts = int(codes.max()) + 1
        pull = np.column_stack([np.bincount(codes, weights=column * (good - p)) for column in design.T])
        rng = np.random.default_rng(seed)
        times = rng.multinomial(n_accounts, np.full(n_accounts, 1 / n_accounts), size=DRAWS)
        steps = np.linalg.solve(hessian, ((times - 1.0) @ pull).T).T
        return np.maximum(self.weights_ + steps[:, 1:], 0.0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # columns that speak against the outcome get no weight, by design
        return tags

    def _state(self) -> dict[str, Any]:
        return {
            "weights": self.weights_.tolist(),
            "intercept": self.intercept_,
            "fill": self.fill_.tolist(),
            "scale": self.scale_,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.weights_, self.intercept_ = np.array(state["weights"]), state["intercept"]
        self.fill_, self.scale_ = np.array(state["fill"]), state["scale"]


@dataclass(frozen=True)
class FittedWeight:
    """One part's weight as documented and as fitted, with the 95 % interval of account bootstraps."""

    part: str
    documented: float
    fitted: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


def documented_weights(scorer: DocumentedScorer[Any]) -> dict[str, float]:
    """The document's weight of each part: dimension weights, action weights, or the most points of a part.

    Raises UsageError for a kind of weight set that has no weights (rules, signals, cards of two heads).
    """
    spec = scorer.card
    if spec.learnt:
        raise UsageError(f"{scorer.name}@{scorer.version} is a card of its own for each outcome; name a documented set")
    if weights := scorer.weights():
        return weights
    raise UsageError(
        f"{spec.label} is of kind {spec.kind}, which has no weights to fit; use points, composite, activity"
    )
