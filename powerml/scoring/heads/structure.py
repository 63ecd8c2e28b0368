"""A documented weight set with fitted weights as a head of its own: its parts weighed anew, its score read by a link.

By itself it is the head `weights`; beside other heads it is the member of a blend that holds what the document says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from powerml.errors import UsageError
from powerml.scoring.documented.base import DocumentedScorer
from powerml.scoring.heads.base import usable
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.weights import (
    FittedWeight,
    WeightsHead,
    documented_weights,
)
from powerml.scoring.stored import documented_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from powerml.statistics.folds import Folds, RowNumbers
    from powerml.statistics.logistic import Floats


@dataclass(frozen=True)
class Structure:
    """A weight set with fitted weights, the link on its score, and what it counts beside a head: `share` of the blend.

    `average` is what the set's metrics contribute in the average training row, which reasons start from.
    """

    scorer: DocumentedScorer[Any]
    link: PriorLinkHead
    average: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0

    def logits(self, frame: pd.DataFrame) -> Floats:
        """The link's logits (rows,)."""
        return self.link.decision_function(scored_column(self.scorer, frame))

    def explain(self, frame: pd.DataFrame) -> tuple[tuple[str, ...], Floats, float]:
        """Metrics, what each adds to the logit (rows, metrics), and the logit they start from."""
        return link_reasons(self.scorer, self.link, self.average, frame)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "scorer": self.scorer.to_dict(),
            "link": self.link.to_dict(),
            "average": dict(self.average),
            "share": self.share,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Structure:
        """The structure that `to_dict` wrote."""
        link = PriorLinkHead.from_dict(written["link"])
        return cls(documented_from_dict(written["scorer"]), link, written["average"], written["share"])


@dataclass(frozen=True)
class StructureFit:
    """How a documented set is fitted to one outcome; `sign` is -1 where it falls with how well things go.

    Raises UsageError for what is no documented set, or has no weights.
    """

    scorer: DocumentedScorer[Any]
    outcome: str
    sign: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> WeightsHead:
        """The unfitted weights of its parts."""
        return WeightsHead(tuple(documented_weights(self.scorer).values()), sign=self.sign, **self.options)

    def crossed(self, frame: pd.DataFrame, y: Floats, folds: Folds) -> Floats:
        """Out-of-fold logits (rows,) as it will score: clipped, scaled and read through a link; NaN where untested."""
        parts, logits = self.scorer.unit_parts(frame), np.full(len(y), np.nan)
        for train, test in usable(folds, y):
            _, link, fitted = self._linked(clone(self.head), parts[train], frame.iloc[train], y[train])
            logits[test] = link.decision_function(scored_column(fitted, frame.iloc[test]))
        return logits

    def fit(self, frame: pd.DataFrame, y: Floats, *, share: float = 1.0) -> Structure:
        """The set fitted on all rows."""
        _, link, fitted = self._linked(self.head, self.scorer.unit_parts(frame), frame, y)
        return Structure(fitted, link, average_reasons(fitted, frame), share)

    def weights(self, frame: pd.DataFrame, y: Floats, codes: RowNumbers, *, seed: int) -> tuple[FittedWeight, ...]:
        """The fitted weights beside the documented ones, with intervals by account."""
        parts, head = self.scorer.unit_parts(frame), self.head
        own, _, _ = self._linked(head, parts, frame, y)
        with np.errstate(invalid="ignore"):
            drawn = self.scorer.normalised(head.draws(parts, y, codes, seed=seed))
            low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
        documented = documented_weights(self.scorer)
        return tuple(
            FittedWeight(part, *map(float, numbers))
            for part, *numbers in zip(documented, documented.values(), own, low, high, strict=True)
        )

    def _linked(
        self, head: WeightsHead, parts: Floats, frame: pd.DataFrame, y: Floats
    ) -> tuple[Floats, PriorLinkHead, DocumentedScorer[Any]]:
        """The head's weights in the document's unit, the link on their score, and the set that gives it."""
        head.fit(parts, y)
        own = self.scorer.normalised(head.weights_)
        if not np.isfinite(own).all():  # the first action says nothing, so nothing can be relative to it
            own = head.weights_ / max(head.scale_, 1e-12)
        if not own.any():  # no part says anything, so nothing contradicts the document; the link will be flat
            own = np.array([*documented_weights(self.scorer).values()])
        fitted = self.scorer.reweighted(own.tolist(), name=f"{self.scorer.name}_for_{self.outcome}").fit(frame)
        return own, PriorLinkHead(head.sign, pull=1e-6).link(scored_column(fitted, frame)[:, 0], y), fitted


def structure_of(scorer: Any, outcome: str, sign: int) -> StructureFit | None:
    """How a blend may hold a documented set; None where there is none, or it has no weights to fit."""
    if not isinstance(scorer, DocumentedScorer):
        return None
    try:
        documented_weights(scorer)
    except UsageError:
        return None
    return StructureFit(scorer, outcome, sign)


def scored_column(scorer: DocumentedScorer[Any], frame: pd.DataFrame) -> Floats:
    """The score as a column (rows, 1)."""
    return np.asarray(scorer.predict_score(frame), dtype=np.float64)[:, None]


def average_reasons(scorer: Any, frame: pd.DataFrame) -> dict[str, float]:
    """What each metric contributes to a documented score in the average row."""
    return {str(name): float(value) for name, value in scorer.contributions(frame).values.mean().items()}


def link_reasons(
    scorer: DocumentedScorer[Any], link: PriorLinkHead, average: Mapping[str, float], frame: pd.DataFrame
) -> tuple[tuple[str, ...], Floats, float]:
    """Metrics, what each adds to a link's logit above the average row (rows, metrics), and the average row's logit."""
    given = scorer.contributions(frame)
    names = tuple(map(str, given.values.columns))
    usual = np.array([average.get(name, 0.0) for name in names])
    raw = (given.values.to_numpy(dtype=np.float64) - usual) * link.line.slope
    return names, raw, float(link.line.at(given.baseline + float(usual.sum())))
