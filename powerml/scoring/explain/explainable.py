"""What there is to explain: rows of a scorer, with what is known of its metrics and who owns which branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.named import NamedScorer


@dataclass(frozen=True)
class Explainable:
    """What there is to explain: rows of one or more dates, the scorer, the facts of its metrics, the date meant.

    `owners`: the project's, by branch of the metric tree; they stand above those of the weight set.
    """

    frame: pd.DataFrame
    scorer: NamedScorer
    id_column: str
    metrics: Mapping[str, MetricSpec]
    as_of: date | None
    owners: Mapping[str, str]

    def caution(self, at: date | None) -> str | None:
        """The sentence where the scorer learned from rows of a date; None where it did not, or there is no date.

        The links of a weight set learn too little from a date for that.
        """
        scorer, learned = self.scorer.model.scorer, self.scorer.learned
        linked = scorer.document is not None and scorer.document is not scorer
        return None if linked or learned is None or at is None else learned.aside(self.scorer.shown, at)
