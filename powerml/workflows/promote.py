"""`powerml promote`: a registered version (or a run) gets an alias; what was locked, and why, is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powerml.config.project import ProjectSpec, slug
from powerml.errors import UsageError
from powerml.tracking import registry
from powerml.tracking.due import DATA_UNTIL, DUE, PROJECT_TAG, VOCABULARY_TAG, due_date
from powerml.tracking.runs import find_run
from powerml.tracking.store import Store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


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
    store, model = Store(project.state), slug(project.project)
    version = _version(store, model, wanted)
    model = version.model
    verdict = version.tags.get(registry.VERDICT, "cannot tell")
    if verdict != "skill" and not force:
        raise UsageError(
            f"{version.shown} ({version.tags.get(registry.SCORER, 'unknown scorer')}) has the verdict {verdict!r}, not "
            f"'skill', so it is not promoted; collect more outcomes, or insist with --force"
        )
    registry.load_version(store, version)  # what is locked must be what was registered
    before = registry.aliases(store, model).get(alias)
    due = due_date(now).isoformat()
    record = _record(store, version, alias=alias, before=before, forced=verdict != "skill", now=now, due=due)
    registry.set_alias(store, version, alias)
    registry.tag_version(store, version, {"powerml.promoted_at": now.isoformat(), DUE: due})
    return Promotion(registry.find_version(store, model, str(version.number)), alias, before, record, due)


def _version(store: Store, model: str, wanted: str) -> registry.Version:
    """The version of that number, alias or run; a run of this store that has none yet is registered."""
    known = registry.versions(store, model)
    if not any(wanted == str(v.number) or v.run_id.startswith(wanted) for v in known):
        run = find_run(store, wanted)
        if run is not None:
            model = run.tags.get("powerml.model", model)  # a custom outcome has versions of its own
            if there := [v for v in registry.versions(store, model) if v.run_id == run.run_id]:
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


def _record(
    store: Store, version: registry.Version, *, alias: str, before: int | None, forced: bool, now: datetime, due: str
) -> Path:
    """The calibration record: one JSON line more in `.powerml/calibration_records.jsonl`."""
    run = find_run(store, version.run_id)
    entry: dict[str, Any] = {
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
        "trained_until": version.tags.get("powerml.trained_until"),
        "run": version.run_id,
        "fingerprints": {} if run is None else {k: run.tags.get(f"powerml.{k}") for k in ("config", "data", "code")},
        "figures": {} if run is None else {k: v for k, v in run.metrics.items() if not k.startswith("weight/")},
        "weights": {} if run is None else {k[7:]: v for k, v in run.metrics.items() if k.startswith("weight/") and v},
    }
    path = store.folder / "calibration_records.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    return path
