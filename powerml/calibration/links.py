"""Probabilities for a score that has none: one Platt link per head, fitted on the training rows of the same fold.

Two nested heads, as everywhere: P(churn), and P(expand) among those who do not churn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.logistic import LogitLine, base_logit
from powerml.statistics.outcomes import nested_probabilities, outcome_codes, outcomes_of
from powerml.statistics.scores import auroc, logistic_line
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _head(s: np.ndarray, y: np.ndarray) -> LogitLine:
    line = logistic_line(y, s, ridge=float(s.var()) if len(s) else 0.0)
    return LogitLine(0.0, base_logit(y)) if np.isnan(line.slope) else line


@dataclass(frozen=True)
class SingleMetric:
    """The one metric that ranks the training outcome best, with its link: what any score must beat.

    `churn` and `expand` name the metric each head uses; missing values stand at the training median.
    """

    churn: str
    expand: str | None
    fills: dict[str, float]
    heads: tuple[LogitLine, LogitLine | None]
    outcomes: tuple[str, ...] = OUTCOMES

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        both = {self.churn, self.expand} - {None}
        return f"the best single metric ({', '.join(sorted(map(str, both)))})"

    def probabilities(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """Probabilities of the outcomes for rows of a snapshot."""
        line, other = self.heads
        grown = None if self.expand is None or other is None else other.at(self._filled(metrics, self.expand))
        return _named(line.at(self._filled(metrics, self.churn)), grown, self.outcomes, metrics.index)

    def _filled(self, metrics: pd.DataFrame, name: str) -> np.ndarray:
        return metrics[name].fillna(self.fills[name]).to_numpy(dtype=float)


def _named(
    churn: np.ndarray, expand: np.ndarray | None, outcomes: tuple[str, ...], index: pd.Index | None
) -> pd.DataFrame:
    """The heads' logits as columns `p_NAME`."""
    p = nested_probabilities(churn, expand)
    return pd.DataFrame(p, columns=[f"p_{name}" for name in outcomes[: p.shape[1]]], index=index)


def best_single_metric(
    metrics: pd.DataFrame, y: ArrayLike, outcomes: tuple[str, ...] | None = None
) -> SingleMetric | None:
    """The metric with the AUROC farthest from one half, per head, on training rows; None where no metric varies."""
    codes = outcome_codes(y, outcomes := outcomes or outcomes_of(y))
    medians = metrics.median(numeric_only=True).dropna()
    varying = [m for m in medians.index if metrics[m].nunique() > 1]
    if not varying:
        return None
    filled = {m: metrics[m].fillna(medians[m]).to_numpy(dtype=float) for m in varying}

    def best(rows: np.ndarray, events: np.ndarray) -> tuple[str, LogitLine]:
        far = {m: abs(np.nan_to_num(auroc(events, s[rows]), nan=0.5) - 0.5) for m, s in filled.items()}
        name = max(far, key=lambda m: far[m])
        return name, _head(filled[name][rows], events)

    churn, head = best(np.ones(len(codes), dtype=bool), codes == 0)
    expand, second = best(codes > 0, codes[codes > 0] == 2) if len(outcomes) == 3 else (None, None)
    fills = {m: float(medians[m]) for m in {churn, expand} - {None} if m is not None}
    return SingleMetric(churn, expand, fills, (head, second), outcomes)
