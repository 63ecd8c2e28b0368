"""A scorer with the name and version that score rows carry, and how a weight set becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.config.weights import read_weights, settable, weights_base
from powerml.scoring.documented.load import load_weights
from powerml.scoring.model import ScoringModel

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def aimed(self, project: ProjectSpec) -> ProjectSpec:
        """The project with the labels, and so the population, of the outcome that the model was trained on."""
        return project if self.model.outcome is None else project.for_outcome(self.model.outcome)


def from_weights(
    name_or_path: str,
    *,
    settings: Mapping[str, float] | None = None,
    project: ProjectSpec | None = None,
    vocabulary: Mapping[str, float] | None = None,
) -> NamedScorer:
    """The scorer of a weight set; the project's `params` count where the set has them, `settings` count more."""
    base = None if project is None else weights_base(name_or_path, project.base)
    spec = read_weights(name_or_path, base=base)
    declared = {} if project is None else {k: v for k, v in project.params.items() if k in settable(spec)}
    scorer = load_weights(name_or_path, params={**declared, **(settings or {})}, vocabulary=vocabulary or {}, base=base)
    return NamedScorer(ScoringModel(scorer), scorer.name, str(scorer.version))
