"""The scorer of a registered version, by default the champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from powerml.config.project import slug
from powerml.errors import StoreError
from powerml.scoring.learned import Learned
from powerml.scoring.named import NamedScorer, from_weights
from powerml.tracking import registry
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night
    from powerml.history.store import NightHistory


@dataclass(frozen=True)
class RegisteredScorer(NamedScorer):
    """A scorer with the version it is in the registry."""

    registered: registry.Version

    @property
    def learned(self) -> Learned | None:
        """The snapshots that the version was fitted on."""
        return Learned.from_tags(self.registered.tags)

    def with_counts(self, vocabulary: Mapping[str, float]) -> Self:  # noqa: ARG002 (its base fills them in)
        """Itself: what a version counts of a vocabulary was settled when it was registered."""
        return self


def from_registry(project: ProjectSpec, wanted: str | None) -> RegisteredScorer:
    """The scorer of a registered version, by default the champion; raises StoreError that names the challenger."""
    store, model = store_of(project), slug(project.project)
    aliases = registry.aliases(store, model)
    if wanted in (None, model, f"{model}@champion") and "champion" not in aliases:
        if "challenger" not in aliases:
            raise StoreError(f"nothing is trained for {project.project!r} yet; run 'powerml train' first")
        challenger = registry.find_version(store, model, f"{model}@challenger")
        raise StoreError(
            f"{model} has no champion yet; score with its challenger (version {challenger.number}): "
            f"--model {model}@challenger, or {challenger.promoted()}"
        )
    named = f"{model}@champion" if wanted in (None, model) else str(wanted)
    if named.startswith(f"{model}-") and "@" not in named and registry.aliases(store, named):
        named = f"{named}@{'champion' if 'champion' in registry.aliases(store, named) else 'challenger'}"
    version = registry.find_version(store, model, named)
    return RegisteredScorer(registry.load_version(store, version), version.model, str(version.number), version)


def of_night(project: ProjectSpec, history: NightHistory, night: Night) -> NamedScorer:
    """The scorer that spoke at a night that is kept, with what it counted of the vocabulary."""
    if night.model.startswith(slug(project.project)) and night.model in registry.models(store_of(project)):
        return from_registry(project, f"{night.model}@{night.model_version}")
    return with_night_counts(from_weights(night.model, project=project), history, night)


def with_night_counts(scorer: NamedScorer, history: NightHistory, night: Night) -> NamedScorer:
    """A scorer with what a kept night counted of the vocabulary."""
    return scorer.with_counts(history.facts(night).get("vocabulary_counts", {}))
