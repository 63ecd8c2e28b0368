"""Two fitted sides as one: probabilities on a simplex, the score, and what moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.scoring.heads.side import HeadInputs, Side
from powerml.scoring.path import path_weights, score_of_logits
from powerml.statistics.outcomes import nested_log_loss, nested_probabilities

if TYPE_CHECKING:
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.statistics.logistic import Floats


@dataclass(frozen=True)
class NestedSides:
    """The churn side, the side of expansion among those who stay (None for two outcomes), and the value of staying."""

    churn: Side
    expand: Side | None
    stay_value: float

    @property
    def all(self) -> tuple[Side, ...]:
        """The sides there are."""
        return (self.churn,) if self.expand is None else (self.churn, self.expand)

    @property
    def read_column(self) -> bool:
        """Whether any side reads a documented score given as a column."""
        return any(side.reads_column for side in self.all)

    @property
    def read_metrics(self) -> bool:
        """Whether any side's head reads the encoded metrics."""
        return any(side.reads_metrics for side in self.all)

    @property
    def scorers(self) -> tuple[DocumentedScorer[Any], ...]:
        """The weight sets that sides read."""
        return tuple(scorer for side in self.all for scorer in side.scorers)

    def proba(self, inputs: HeadInputs) -> Floats:
        """Probabilities (rows, outcomes), worst outcome first; rows sum to 1."""
        expand = None if self.expand is None else self.expand.logits(inputs)
        return nested_probabilities(self.churn.logits(inputs), expand)

    def score(self, inputs: HeadInputs) -> Floats:
        """The 0-100 score (rows,)."""
        expand = None if self.expand is None else self.expand.logits(inputs)
        return score_of_logits(self.churn.logits(inputs), expand, self.stay_value)

    def expected_loss(self) -> float:
        """Log loss (nats a row) over all outcomes to expect on other accounts; nan where the sides were read back."""
        return nested_log_loss([side.log_loss for side in self.all], self.churn.base_rate)

    def explain(self, inputs: HeadInputs) -> tuple[tuple[str, ...], Floats, float]:
        """Metric names, contributions in score points (rows, names), and the score they start from."""
        churn = self.churn.explain(inputs)
        expand = None if self.expand is None else self.expand.explain(inputs)
        start = (churn.start, 0.0 if expand is None else expand.start)
        ends = None if expand is None else expand.ends
        by_churn, by_expand = path_weights(churn.ends, ends, start, self.stay_value)
        second = None if expand is None else np.array(expand.start)
        baseline = float(score_of_logits(np.array(churn.start), second, self.stay_value))
        values = churn.values * by_churn[:, None]
        if expand is None:
            return churn.names, values, baseline
        names = tuple(dict.fromkeys([*churn.names, *expand.names]))
        if names != churn.names or names != expand.names:
            place = {name: i for i, name in enumerate(names)}
            total = np.zeros((len(values), len(names)))
            total[:, [place[name] for name in churn.names]] += values
            total[:, [place[name] for name in expand.names]] += expand.values * by_expand[:, None]
            return names, total, baseline
        values += expand.values * by_expand[:, None]
        return names, values, baseline

    def to_dict(self) -> dict[str, Any]:
        """Both sides as JSON-able data."""
        return {
            "stay_value": self.stay_value,
            "churn": self.churn.to_dict(),
            "expand": None if self.expand is None else self.expand.to_dict(),
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> NestedSides:
        """The sides that `to_dict` wrote."""
        expand = written["expand"]
        return cls(Side.from_dict(written["churn"]), expand and Side.from_dict(expand), written["stay_value"])
