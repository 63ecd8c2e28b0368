"""The registry: one registered model per project, its versions, and the aliases `challenger` and `champion`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from powerml.config import fingerprints
from powerml.errors import StoreError
from powerml.scoring.learned import Learned
from powerml.tracking import database
from powerml.tracking.model_files import MANIFEST_FILE, fetched, model_files, read_model
from powerml.tracking.store import WRITING, Store, connected, is_absent, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mlflow import MlflowClient

    from powerml.scoring.model import ScoringModel

MANIFEST = "powerml.sha256"
VERDICT = "powerml.verdict"
OUTCOME_VERDICT = "powerml.verdict."  # and the outcome: the held-out verdict on it
SCORER = "powerml.scorer"
ABOUT = (
    "A score of 0 to 100 that predicts outcomes from product usage. Among those who score S the outcome averages S; "
    "`p_` columns are probabilities, `band` is document D's ladder. Versions say by whom they were made and their "
    "verdict on held-out months; the alias `champion` scores, `challenger` is the newest."
)
MOVED_FROM = "powerml.recalibrated_from"  # the version whose base rates were moved
PENDING = "powerml.pending"  # the alias that a version is about to get


@dataclass(frozen=True)
class Version:
    """One registered version of a project's model."""

    model: str
    number: int
    run_id: str
    source: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    created: datetime

    @property
    def shown(self) -> str:
        """Name and number, as messages give them."""
        return f"{self.model} version {self.number}"

    @property
    def verdict(self) -> str:
        """What was said of it on held-out months."""
        return self.tags.get(VERDICT, "cannot tell")

    def promoted(self, named: str | None = None) -> str:
        """How it is made the champion, in words that `promote` takes: it refuses what has no skill, unless forced."""
        how = f"powerml promote {named or self.number}"
        if self.verdict == "skill":
            return f"make it the champion: {how}"
        return f"make it the champion although the verdict on it is {self.verdict!r}: {how} --force"


def register(
    store: Store,
    model: str,
    *,
    run_id: str,
    model_uri: str,
    manifest: Mapping[str, str],
    tags: Mapping[str, str],
    alias: str | None = "challenger",
) -> Version:
    """A new version of `model`, with a digest of its files among its tags, and the alias `challenger`."""
    from mlflow.exceptions import MlflowException

    with writing(store) as client:
        try:
            client.get_registered_model(model)
        except MlflowException as error:
            if not is_absent(error):
                raise
            client.create_registered_model(model, tags={"powerml": "true"}, description=ABOUT)
        _settle(client, model)
        all_tags = {**tags, MANIFEST: fingerprints.of_manifest(manifest)} | ({PENDING: alias} if alias else {})
        id_ = model_uri.removeprefix("models:/")  # servers ask for it
        about = about_version(tags)
        made = client.create_model_version(
            model, source=model_uri, run_id=run_id, tags=all_tags, model_id=id_, description=about
        )
        if alias:
            _settle(client, model)
        return _version(client, model, int(made.version))


def about_version(tags: Mapping[str, str]) -> str:
    """What a version's page says first: the scorer, its verdicts, what it learned from, and what was moved since.

    >>> about_version({SCORER: "card", "powerml.kind": "fitted", VERDICT: "skill", "powerml.verdict.churn": "skill"})
    'card (fitted). Verdict on held-out months: skill; churn: skill.'
    """
    if SCORER not in tags:
        return ""
    kind = f" ({tags['powerml.kind']})" if tags.get("powerml.kind") else ""
    verdicts = [f"{k.removeprefix(OUTCOME_VERDICT)}: {v}" for k, v in tags.items() if k.startswith(OUTCOME_VERDICT)]
    said = [f"{tags[SCORER]}{kind}.", f"Verdict on held-out months: {'; '.join([tags.get(VERDICT, '?'), *verdicts])}."]
    learned = Learned.from_tags(tags)
    if learned is not None and learned.until is not None:
        first = "" if learned.since is None else f"{learned.since.date()} to "
        said.append(f"Learned from snapshots of {first}{learned.until.date()}.")
    if MOVED_FROM in tags:
        said.append(f"It is version {tags[MOVED_FROM]} with its base rates moved to the outcomes that came since.")
    return " ".join(said)


def _settle(client: MlflowClient, model: str) -> None:
    """Gives versions the alias they were registered for; a run that was killed in between left that to the next."""
    waiting = client.search_model_versions(f"name = '{model}' and tag.`{PENDING}` != ''")
    for found in sorted(waiting, key=lambda version: int(version.version)):
        client.set_registered_model_alias(model, found.tags[PENDING], found.version)
        client.delete_model_version_tag(model, found.version, PENDING)


def set_alias(store: Store, version: Version, alias: str) -> None:
    """Points an alias at a version; MLflow moves it from where it was."""
    with connected(store) as client:
        client.set_registered_model_alias(version.model, alias, str(version.number))


def tag_version(store: Store, version: Version, tags: Mapping[str, str]) -> None:
    """Adds tags to a version."""
    with connected(store) as client:
        for key, value in tags.items():
            client.set_model_version_tag(version.model, str(version.number), key, value)


def aliases(store: Store, model: str) -> dict[str, int]:
    """The aliases of a model and the versions they point at; empty where nothing is registered."""
    from mlflow.exceptions import MlflowException

    if not store.exists:
        return {}
    with connected(store) as client:
        try:
            _ = registered_versions(store, model)  # settles what a killed run left
            found: dict[str, Any] = client.get_registered_model(model).aliases
        except MlflowException as error:
            if not is_absent(error):
                raise
            return {}
        return {name: int(number) for name, number in found.items()}


def find_version(store: Store, model: str, wanted: str) -> Version:
    """The version meant by a number, an alias (`@champion` or `champion`) or a run's id or its beginning.

    Raises StoreError that says what there is.
    """
    name, at, reference = wanted.rpartition("@")
    model, reference = (name or model, reference) if at else (model, wanted.removeprefix("models:/"))
    if not at and "/" in reference:
        model, _, reference = reference.rpartition("/")
    model = model.removeprefix("models:/")
    known = registered_versions(store, model)
    if not known:
        raise StoreError(f"no model {model!r} is registered in {store.shown}; run 'powerml train' first")
    for version in known:
        if reference in (str(version.number), f"v{version.number}") or reference in version.aliases:
            return version
    of_run = [v for v in known if len(reference) >= 6 and v.run_id.startswith(reference)]
    if len(of_run) == 1:
        return of_run[0]
    there = ", ".join(f"{v.number}{''.join(f' (@{a})' for a in v.aliases)}" for v in known)
    kind = f"alias @{reference}" if at else f"version or run {reference!r}"
    raise StoreError(f"{model} has no {kind}; its versions are {there}")


def models(store: Store) -> list[str]:
    """The names of all registered models; empty where nothing is tracked yet."""
    if not store.exists:
        return []
    with connected(store) as client:
        return sorted(str(found.name) for found in client.search_registered_models())


def registered_versions(store: Store, model: str) -> list[Version]:
    """All versions of a model, newest first; empty where nothing is registered."""
    if not store.exists:
        return []
    with connected(store) as client:
        found = client.search_model_versions(f"name = '{model}'")
        if any(PENDING in version.tags for version in found):
            with database.locked(store.folder / WRITING):
                _settle(client, model)
        return [_version(client, model, number) for number in sorted((int(v.version) for v in found), reverse=True)]


def load_version(store: Store, version: Version) -> ScoringModel:
    """The scorer of a version, its files checked against the manifest; raises StoreError where they differ."""
    with connected(store):
        from mlflow.exceptions import MlflowException

        if MANIFEST not in version.tags:
            raise StoreError(f"{version.shown}: has no manifest, so powerml did not register it; name another version")
        with contextlib.ExitStack() as files:
            try:
                folder = files.enter_context(fetched(store, f"models:/{version.model}/{version.number}"))
            except (MlflowException, OSError) as error:
                if not store.is_own or isinstance(error, PermissionError):
                    raise  # who may not read the files is told which, and not to train again
                raise StoreError(f"{version.shown}: its files cannot be found ({error}); train again") from None
            return read_model(folder, expected=_files(version, folder), shown=version.shown)


def _files(version: Version, folder: Path) -> Mapping[str, str]:
    """The list of a version's files that its tag stands for; empty where what the run keeps is another list."""
    from mlflow.artifacts import load_dict
    from mlflow.exceptions import MlflowException

    there = model_files(folder)
    if fingerprints.of_manifest(there) == version.tags[MANIFEST]:
        return there
    try:
        kept: dict[str, str] = load_dict(f"runs:/{version.run_id}/{MANIFEST_FILE}")
    except (MlflowException, OSError, ValueError):  # no list is none that fits: the version is refused
        return {}
    return kept if fingerprints.of_manifest(kept) == version.tags[MANIFEST] else {}


def _version(client: MlflowClient, model: str, number: int) -> Version:
    found = client.get_model_version(model, str(number))
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)
    aliases = tuple(sorted(found.aliases))
    return Version(model, number, str(found.run_id), str(found.source), dict(found.tags), aliases, created)
