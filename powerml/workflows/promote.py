"""`powerml promote`: a registered version (or a run) gets an alias; what was locked, and why, is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powerml.config.project import ProjectSpec, slug
from powerml.errors import DataError, MissingColumns, UsageError
from powerml.progress import Note, silent
from powerml.scoring.learned import OUTCOMES_UNTIL, TRAINED_FROM, TRAINED_UNTIL, Learned
from powerml.tracking import registry
from powerml.tracking.calibration_records import calibration_records, write_records
from powerml.tracking.due import DATA_UNTIL, DUE, PROJECT_TAG, PROMOTED, VOCABULARY_TAG, due_date
from powerml.tracking.runs import find_run
from powerml.tracking.store import Store, store_of
from powerml.training.fresh_labels import compare_fresh
from powerml.workflows.project import gather

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from powerml.scoring.model import ScoringModel

_OF_A_SESSION = (PROJECT_TAG, VOCABULARY_TAG, DATA_UNTIL, TRAINED_UNTIL, TRAINED_FROM, OUTCOMES_UNTIL)
"""What a version's tags say of the session that it comes from."""


@dataclass(frozen=True)
class Promotion:
    """The version that has the alias now, the one that had it, and the record of the calibration.

    `compared` says how it stands to the champion before it, on labels that neither learned from; empty where there was
    none, or it is the same.
    """

    version: registry.Version
    alias: str
    before: int | None
    record: Path
    due: str
    compared: str = ""
    answer: str = ""


def promote(
    project: ProjectSpec,
    wanted: str,
    *,
    alias: str = "champion",
    force: bool = False,
    now: datetime,
    note: Note = silent,
) -> Promotion:
    """Points an alias at a version, registering a run's model where it is not registered yet.

    A new champion is compared with the one before it on labels that ripened since the later of the two learned. Raises
    UsageError, unless forced, where the overall verdict is not `skill`, and where it is worse than the champion (one
    that was champion before comes back all the same); StoreError for no such version.
    """
    if not alias.replace("-", "").replace("_", "").isalnum() or alias == "latest" or alias[1:].isdigit():
        raise UsageError(f"--alias {alias}: not an alias MLflow allows; use letters and dashes, like champion")
    store, model = store_of(project), slug(project.project)
    version = _version(store, model, wanted)
    model = version.model
    verdict = version.verdict
    if verdict != "skill" and not force:
        raise UsageError(
            f"{version.shown} ({version.tags.get(registry.SCORER, 'unknown scorer')}) has the verdict {verdict!r}, not "
            f"'skill', so it is not promoted; collect more outcomes, or insist with --force"
        )
    scoring = registry.load_version(store, version)  # what is locked must be what was registered
    before, earlier = registry.aliases(store, model).get(alias), calibration_records(store)
    answer, compared = "", ""
    if alias == "champion" and before is not None and before != version.number:
        champion = registry.find_version(store, model, str(before))
        answer, compared = _against(project, store, champion, (version, scoring), note=note)
        was_champion = any((one.get("version"), one.get("alias")) == (version.number, alias) for one in earlier)
        if answer == "worse" and not force and not was_champion:
            raise UsageError(f"{compared} So it is not promoted; insist with --force")
    if earlier and _unfinished(earlier[-1], version, alias):  # the record goes first, the version's own tag last
        before = earlier.pop()["replaces_version"]
    due = due_date(now).isoformat()
    forced = verdict != "skill" or (force and answer == "worse")
    entry = _entry(store, version, alias=alias, before=before, forced=forced, now=now, due=due)
    entry |= {"compared": compared} if compared else {}
    record = write_records(store, [*earlier, entry])
    registry.set_alias(store, version, alias)
    registry.tag_version(store, version, {DUE: due, PROMOTED: entry["at"]})
    now_at = registry.find_version(store, model, str(version.number))
    return Promotion(now_at, alias, before, record, due, compared, answer)


def _against(
    project: ProjectSpec,
    store: Store,
    champion: registry.Version,
    other: tuple[registry.Version, ScoringModel],
    *,
    note: Note,
) -> tuple[str, str]:
    """How a version stands to the champion on fresh labels, and the sentence; why not, where that cannot be told."""
    version, scoring = other
    learned = [Learned.from_tags(one.tags) for one in (champion, version)]
    known = [one for one in learned if one is not None and one.until is not None]
    why = ""
    if not project.tables:
        why = "this folder has no project file, and so no labels"
    elif scoring.outcome is not None:
        why = "a custom outcome is compared by an experiment with both scorers"
    elif len(known) < 2:
        why = "one of them was trained on rows without dates"
    if not why:
        try:
            models = {champion.shown: registry.load_version(store, champion), version.shown: scoring}
            labelled = gather(project, None, note=note).labelled
            note("comparing with the champion")
            done = compare_fresh(labelled, models, known)
        except (DataError, MissingColumns) as error:  # what cannot be read now is no reason to keep a champion
            why = str(error)
        else:
            return done.answer, done.sentence
    return "", f"{version.shown} and {champion.shown} are not compared: {why}."


def _version(store: Store, model: str, wanted: str) -> registry.Version:
    """The version of that number, alias or run; a run of this store that has none yet is registered."""
    known = registry.registered_versions(store, model)
    if not any(wanted == str(v.number) or v.run_id.startswith(wanted) for v in known):
        run = find_run(store, wanted)
        if run is not None:
            model = run.tags.get("powerml.model", model)  # a custom outcome has versions of its own
            if there := [v for v in registry.registered_versions(store, model) if v.run_id == run.run_id]:
                return there[0]
            tags = {
                registry.SCORER: run.name,
                registry.VERDICT: run.tags.get("powerml.verdict", "cannot tell"),
                "powerml.kind": run.tags.get("powerml.kind", ""),
                **{name: value for name, value in run.tags.items() if name.startswith(registry.OUTCOME_VERDICT)},
                **{name: run.tags[name] for name in _OF_A_SESSION if name in run.tags},
            }
            return registry.register(
                store, model, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags=tags, alias=None
            )
    return registry.find_version(store, model, wanted)


def _unfinished(record: dict[str, Any], version: registry.Version, alias: str) -> bool:
    """Whether a run wrote this record for the same promotion and was killed before it was done."""
    same = (record.get("model"), record.get("version"), record.get("alias")) == (version.model, version.number, alias)
    return same and version.tags.get(PROMOTED) != record.get("at") and "replaces_version" in record


def _entry(
    store: Store, version: registry.Version, *, alias: str, before: int | None, forced: bool, now: datetime, due: str
) -> dict[str, Any]:
    """The calibration record of a promotion."""
    run = find_run(store, version.run_id)
    return {
        "at": now.isoformat(),
        "model": version.model,
        "version": version.number,
        "alias": alias,
        "replaces_version": before,
        "forced": forced,
        "recalibrate_by": due,
        "verdict": version.tags.get(registry.VERDICT),
        "scorer": version.tags.get(registry.SCORER),
        "kind": version.tags.get("powerml.kind"),
        "trained_until": version.tags.get(TRAINED_UNTIL),
        "run": version.run_id,
        "fingerprints": {} if run is None else {k: run.tags.get(f"powerml.{k}") for k in ("config", "data", "code")},
        "figures": {} if run is None else {k: v for k, v in run.metrics.items() if not k.startswith("weight/")},
        "weights": {} if run is None else {k[7:]: v for k, v in run.metrics.items() if k.startswith("weight/") and v},
    }
