"""What there is to explain: rows of a scorer, with what is known of its metrics and who owns which branch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sklearn.base import clone

from powerml.scoring.documented.base import DocumentedScorer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.model import ScoringModel
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


def referenced(model: ScoringModel, frame: pd.DataFrame) -> ScoringModel:
    """A model without stored references takes the snapshot explained for one, so that its ranks mean something."""
    if isinstance(model.scorer, DocumentedScorer) and not hasattr(model.scorer, "reference_"):
        model = replace(model, scorer=clone(model.scorer).fit(frame))
    return model if model.reference is not None else model.with_reference(frame)
