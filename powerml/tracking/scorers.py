"""The scorer of a registered version, by default the champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.config.project import slug
from powerml.errors import StoreError
from powerml.scoring.learned import Learned
from powerml.scoring.named import NamedScorer
from powerml.tracking import registry
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec


@dataclass(frozen=True)
class RegisteredScorer(NamedScorer):
    """A scorer with the version it is in the registry."""

    registered: registry.Version

    @property
    def learned(self) -> Learned | None:
        """The snapshots that the version was fitted on."""
        return Learned.from_tags(self.registered.tags)


def from_registry(project: ProjectSpec, wanted: str | None) -> RegisteredScorer:
    """The scorer of a registered version, by default the champion; raises StoreError that names the challenger."""
    store, model = store_of(project), slug(project.project)
    aliases = registry.aliases(store, model)
    if wanted in (None, model, f"{model}@champion") and "champion" not in aliases:
        if "challenger" not in aliases:
            raise StoreError(f"nothing is trained for {project.project!r} yet; run 'powerml train' first")
        challenger = aliases["challenger"]
        raise StoreError(
            f"{model} has no champion yet; score with its challenger (version {challenger}): "
            f"--model {model}@challenger, or make it the champion: powerml promote {challenger}"
        )
    named = f"{model}@champion" if wanted in (None, model) else str(wanted)
    if named.startswith(f"{model}-") and "@" not in named and registry.aliases(store, named):
        named = f"{named}@{'champion' if 'champion' in registry.aliases(store, named) else 'challenger'}"
    version = registry.find_version(store, model, named)
    return RegisteredScorer(registry.load_version(store, version), version.model, str(version.number), version)
