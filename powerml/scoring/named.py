"""A scorer with the name and version that score rows carry, and how a weight set becomes one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from powerml.config.metrics import MetricSpec
from powerml.scoring.learned import Learned
from powerml.scoring.load import needed_metrics, read_scorer
from powerml.scoring.model import ScoringModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from powerml.config.project import ProjectSpec


@dataclass(frozen=True)
class NamedScorer:
    """What to score with: the model, and the name and version that score rows carry."""

    model: ScoringModel
    name: str
    version: str

    @property
    def shown(self) -> str:
        """Name and version in a sentence."""
        return f"{self.name}@{self.version}"

    @property
    def learned(self) -> Learned | None:
        """The snapshots it learned from; None of a set that no outcome taught."""
        document = self.model.scorer.document
        return None if document is None else Learned.of_card(document.learned_until)

    def metrics(self, known: Mapping[str, MetricSpec]) -> dict[str, MetricSpec]:
        """Known metrics and those that it needs besides: `window_days=14` asks for `logins_14d`."""
        extra = [MetricSpec.model_validate(m) for m in needed_metrics(self.model.scorer, known)]
        return {**known, **{spec.name: spec for spec in extra}}

    def with_counts(self, vocabulary: Mapping[str, float]) -> Self:
        """The same with what its weight set counts from a project's vocabulary (`features`, `advanced`) filled in."""
        document = self.model.scorer.document
        assert document is not None, "only weight sets count a vocabulary"
        return replace(self, model=replace(self.model, scorer=document.with_counts(vocabulary)))

    def with_ranks(self, frame: pd.DataFrame) -> Self:
        """The same with the active rows of `frame` for reference of ranks inside the score, where it has none."""
        return replace(self, model=replace(self.model, scorer=self.model.scorer.referenced(frame)))

    def aimed(self, project: ProjectSpec) -> ProjectSpec:
        """The project with the labels, and so the population, of the outcome that the model was trained on."""
        return project if self.model.outcome is None else project.for_outcome(self.model.outcome)


def from_weights(
    name_or_path: str,
    *,
    settings: Mapping[str, float] | None = None,
    project: ProjectSpec | None = None,
) -> NamedScorer:
    """The scorer of a weight set; the project's `params` count where the set has them, `settings` count more.

    What the set counts from a vocabulary is open until `NamedScorer.with_counts`.
    """
    params, base = ({}, None) if project is None else (project.params, project.base)
    scorer = read_scorer(name_or_path, params=params, settings=settings, project=base)
    return NamedScorer(ScoringModel(scorer), scorer.name, str(scorer.version))
