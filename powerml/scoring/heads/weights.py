"""Fitted weights: what each part of a documented weight set deserves, held near what the document says.

Minimises the log loss plus a pull of `prior_rows` rows towards the documented weights, no weight below 0, and turns
the result into a weight set of the same kind: dimension weights sum to 1, action weights are relative to the first,
points add up to what the document's add up to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from powerml.config.activity import ActivitySpec
from powerml.config.composite import CompositeSpec
from powerml.config.points import LadderPart, PerUnitDeduction, PointsSpec, RungPart
from powerml.errors import UsageError
from powerml.scoring.documented.base import DocumentedScorer
from powerml.scoring.heads.base import Head
from powerml.statistics.logistic import Floats, base_logit, penalised_logistic, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sklearn.utils import Tags

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


def documented_weights(scorer: Any) -> dict[str, float]:
    """The document's weight of each part: dimension weights, action weights, or the most points of a part.

    Raises UsageError for a kind of weight set that has no weights (rules, signals, cards of two heads).
    """
    if not isinstance(scorer, DocumentedScorer):
        raise UsageError(f"{scorer.name}@{scorer.version} is a card of its own for each outcome; name a documented set")
    spec = scorer.card
    if isinstance(spec, CompositeSpec):
        return {name: dimension.weight for name, dimension in spec.dimensions.items()}
    if isinstance(spec, ActivitySpec):
        return {name: action.weight for name, action in spec.actions.items()}
    if isinstance(spec, PointsSpec):
        return {name: _worth(criterion) for name, criterion in spec.criteria.items()}
    raise UsageError(
        f"{spec.label} is of kind {spec.kind}, which has no weights to fit; use points, composite, activity"
    )


def unit_parts(scorer: DocumentedScorer[Any], X: pd.DataFrame) -> Floats:
    """What each part gives, per unit of its documented weight (rows, parts); NaN where a dimension has no input."""
    given = np.asarray(scorer.transform(X), dtype=np.float64)
    if isinstance(scorer.card, CompositeSpec):
        return given / 100.0
    worth = np.array([*documented_weights(scorer).values()])
    return given / np.where(worth > 0, worth, 1.0)


def normalised(scorer: DocumentedScorer[Any], weights: Floats) -> Floats:
    """Weights (..., parts) in the document's unit: summing to 1, relative to the first, or to the parts' total."""
    if isinstance(scorer.card, ActivitySpec):
        first = weights[..., :1]
        worth = next(iter(documented_weights(scorer).values()))
        return worth * weights / np.where(first > 0, first, np.nan)
    documented = documented_weights(scorer)
    adding = np.array([isinstance(scorer.card, CompositeSpec) or name in scorer.card.parts for name in documented])
    total = sum(weight for weight, adds in zip(documented.values(), adding, strict=True) if adds)
    size = weights[..., adding].sum(axis=-1, keepdims=True)
    return total * weights / np.where(size > 0, size, 1.0)


def reweighted(scorer: DocumentedScorer[Any], weights: Sequence[float], *, name: str) -> DocumentedScorer[Any]:
    """The documented set with other weights, as a weight set of its own that can be read, edited and scored."""
    data = scorer.card.model_dump(by_alias=True, exclude_none=True)
    data |= {"name": name, "version": 1, "based_on": scorer.card.label}
    documented = documented_weights(scorer)
    if isinstance(scorer.card, CompositeSpec):
        data["dimensions"] = {
            key: data["dimensions"][key] | {"weight": weight}
            for key, weight in zip(documented, weights, strict=True)
            if weight > 1e-9
        }
    elif isinstance(scorer.card, ActivitySpec):
        for key, weight in zip(documented, weights, strict=True):
            data["actions"][key] = data["actions"][key] | {"weight": weight}
        data["full_scale"] = "auto"
    else:
        for key, weight in zip(documented, weights, strict=True):
            home = data["parts"] if key in data["parts"] else data["deductions"]
            home[key] = _scaled(home[key], weight / documented[key] if documented[key] else 0.0)
    spec = type(scorer.card).model_validate(data)
    return type(scorer)(spec, origin="fitted")


def _worth(criterion: LadderPart | RungPart | PerUnitDeduction) -> float:
    """Most points of a part; of a deduction the most it takes, for one unit where it goes by units."""
    return float(max(map(abs, criterion.points)))


def _scaled(written: dict[str, Any], factor: float) -> dict[str, Any]:
    """A part or deduction with all its points multiplied."""
    out = dict(written)
    for key in ("steps", "rungs"):
        if key in out:
            out[key] = [dict(step) | {"points": step["points"] * factor} for step in out[key]]
    if "per_unit" in out:
        out["per_unit"] = min(out["per_unit"] * factor, -1e-9)
    if isinstance(out.get("missing"), dict):
        out["missing"] = out["missing"] | {"points": out["missing"]["points"] * factor}
    elif isinstance(out.get("missing"), (int, float)):
        out["missing"] = out["missing"] * factor
    return out
