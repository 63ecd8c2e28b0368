"""`powerml promote`: a registered version (or a run) gets an alias; what was locked, and why, is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powerml.config.project import ProjectSpec, slug
from powerml.errors import StoreError, UsageError
from powerml.scoring.learned import TRAINED_UNTIL
from powerml.tracking import registry
from powerml.tracking.due import DATA_UNTIL, DUE, PROJECT_TAG, PROMOTED, VOCABULARY_TAG, due_date
from powerml.tracking.runs import find_run
from powerml.tracking.store import Store, store_of
from powerml.writing import write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

RECORDS = "calibration_records.jsonl"


@dataclass(frozen=True)
class Promotion:
    """The version that has the alias now, the one that had it, and the record of the calibration."""

    version: registry.Version
    alias: str
    before: int | None
    record: Path
    due: str


def promote(
    project: ProjectSpec, wanted: str, *, alias: str = "champion", force: bool = False, now: datetime
) -> Promotion:
    """Points an alias at a version, registering a run's model where it is not registered yet.

    Raises UsageError where the overall verdict is not `skill`, unless forced, StoreError for no such version.
    """
    if not alias.replace("-", "").replace("_", "").isalnum() or alias == "latest" or alias[1:].isdigit():
        raise UsageError(f"--alias {alias}: not an alias MLflow allows; use letters and dashes, like champion")
    store, model = store_of(project), slug(project.project)
    version = _version(store, model, wanted)
    model = version.model
    verdict = version.tags.get(registry.VERDICT, "cannot tell")
    if verdict != "skill" and not force:
        raise UsageError(
            f"{version.shown} ({version.tags.get(registry.SCORER, 'unknown scorer')}) has the verdict {verdict!r}, not "
            f"'skill', so it is not promoted; collect more outcomes, or insist with --force"
        )
    registry.load_version(store, version)  # what is locked must be what was registered
    before, earlier = registry.aliases(store, model).get(alias), _records(store)
    if earlier and _unfinished(earlier[-1], version, alias):  # the record goes first, the version's own tag last
        before = earlier.pop()["replaces_version"]
    due = due_date(now).isoformat()
    entry = _entry(store, version, alias=alias, before=before, forced=verdict != "skill", now=now, due=due)
    record = store.folder / RECORDS
    write_whole(record, "".join(json.dumps(one) + "\n" for one in [*earlier, entry]), private=True)
    registry.set_alias(store, version, alias)
    registry.tag_version(store, version, {DUE: due, PROMOTED: entry["at"]})
    return Promotion(registry.find_version(store, model, str(version.number)), alias, before, record, due)


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
                **{name: run.tags[name] for name in (PROJECT_TAG, VOCABULARY_TAG, DATA_UNTIL) if name in run.tags},
            }
            return registry.register(
                store, model, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags=tags, alias=None
            )
    return registry.find_version(store, model, wanted)


def _records(store: Store) -> list[dict[str, Any]]:
    """The calibration records so far; raises StoreError naming a line that is none."""
    path = store.folder / RECORDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        elif number < len(lines):  # a last line may have been cut short by a kill of an earlier version
            raise StoreError(f"{path}: line {number} is no record; put the file back as 'powerml promote' wrote it")
    return records


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
