"""When recalibration is due: a quarter after a version or weight set was locked, or when the vocabulary changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from powerml.config import fingerprints, shipped
from powerml.config.project import ProjectSpec, slug
from powerml.config.vocabulary import is_glob
from powerml.errors import DataError
from powerml.snapshots.windows import day_number
from powerml.tracking import registry
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.snapshots.rollup import Overall

RECALIBRATE_AFTER_DAYS = 91  # quarterly, or when the vocabulary changes
DUE = "powerml.recalibrate_by"
VOCABULARY_TAG = "powerml.vocabulary"
PROMOTED = "powerml.promoted_at"
DATA_UNTIL = "powerml.data_until"
PROJECT_TAG = "powerml.project"


def due_date(now: datetime) -> date:
    """The day by which what is locked at `now` has to be recalibrated."""
    return (now + timedelta(days=RECALIBRATE_AFTER_DAYS)).date()


def vocabulary_fingerprint(project: ProjectSpec) -> str:
    """The fingerprint of the declared meanings; the order of plain names and the sources do not matter."""
    said = [
        (name, meaning.model_dump(mode="json", exclude={"source"}, exclude_defaults=True))
        for name, meaning in project.meanings.items()
    ]
    exact = sorted(entry for entry in said if not is_glob(entry[0]))  # names differ, so no dict is ever compared
    return fingerprints.of_json([exact, [entry for entry in said if is_glob(entry[0])]])


def version_due(version: registry.Version, project: ProjectSpec, *, now: datetime) -> tuple[str, ...]:
    """Why a version should be trained again, in a sentence each; its own age counts where it was never promoted."""
    by = version.tags.get(DUE) or due_date(version.created).isoformat()
    said = []
    if now.date() > date.fromisoformat(by):
        said.append(
            f"Recalibration of {version.shown} was due by {by}: run 'powerml train' again, and 'powerml promote' what "
            f"it registers."
        )
    told = version.tags.get(VOCABULARY_TAG)
    if told and told != vocabulary_fingerprint(project):
        said.append(
            f"The vocabulary has changed since {version.shown} was trained ({version.created:%Y-%m-%d}), so its "
            f"metrics count other events now: run 'powerml train' again, and 'powerml promote' what it registers."
        )
    return tuple(said)


def champions_due(project: ProjectSpec, *, now: datetime, rollups: Overall | None = None) -> tuple[str, ...]:
    """Why the project's champions should be trained again; with its events also which event names came since.

    Custom outcomes have champions of their own. Nothing is made where nothing was ever tracked.
    """
    store, own = store_of(project), slug(project.project)
    said: list[str] = []
    for model in registry.models(store):
        champion = next((v for v in registry.registered_versions(store, model) if "champion" in v.aliases), None)
        if champion is None or own not in (model, champion.tags.get(PROJECT_TAG)):
            continue
        said += version_due(champion, project, now=now)
        until = champion.tags.get(DATA_UNTIL)
        names = names_since(rollups, date.fromisoformat(until)) if rollups is not None and until else []
        if names:
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            count = f"{len(names)} event names" if len(names) > 1 else "1 event name"
            said.append(
                f"{count} that the vocabulary does not name came after the data {champion.shown} was trained on "
                f"(until {until}): {shown}; add to the vocabulary what matters, then run 'powerml train' again."
            )
    return tuple(said)


def names_since(rollups: Overall, day: date) -> list[str]:
    """Event names that no rule names and that were not known to have occurred before a local midnight, sorted."""
    kinds = rollups.kinds.frame
    unnamed = kinds.loc[~kinds["mapped"], ["event"]]
    known = rollups.seen_before(day_number(day))[unnamed.index]
    return sorted(set(unnamed["event"]) - set(unnamed.loc[known, "event"]))


def review_due(name_or_path: str, project: ProjectSpec, *, now: datetime) -> tuple[str, ...]:
    """Why a locked weight set should be reviewed again, in a sentence each; none where it was never locked.

    A record that cannot be read is told as a sentence too: it stops no score.
    """
    base = project.base
    path = shipped.find("weights", name_or_path, shipped.base_of(name_or_path, project=base))
    locked = base / "configs" / "weights" / path.name
    history = base / "configs" / "reviews" / path.name
    if not (history.is_file() and locked.is_file() and path.samefile(locked)):
        return ()
    try:
        last = review_records(history)[-1]
        by = date.fromisoformat(str(last["review_again_by"]))
    except DataError as error:
        return (str(error),)
    except (LookupError, TypeError, ValueError):
        return (str(_broken(history)),)
    name, again = last.get("weights", path.stem), f"'powerml review sheet --weights {path.stem} -o sheet.csv'"
    said = [f"The review of {name} was due by {by}: review it again with {again}."] if now.date() > by else []
    told = last.get("vocabulary_fingerprint")
    if told and told != vocabulary_fingerprint(project):
        when = str(last.get("locked_at", ""))[:10]
        said.append(
            f"The vocabulary has changed since {name} was locked ({when}), so its metrics count other events now: "
            f"review it again with {again}."
        )
    return tuple(said)


def reviews_due(project: ProjectSpec, *, now: datetime) -> tuple[str, ...]:
    """Every locked weight set of a project whose review is due, in a sentence each."""
    files = sorted((project.base / "configs" / "reviews").glob("*.yaml"))
    locked = [file.stem for file in files if (project.base / "configs" / "weights" / file.name).is_file()]
    return tuple(sentence for name in locked for sentence in review_due(name, project, now=now))


def review_records(history: Path) -> list[Any]:
    """The records of `powerml review lock`, the newest last; raises DataError where the file is no list of them."""
    if not history.exists():
        return []
    try:
        found = yaml.safe_load(history.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, list):
        raise _broken(history)
    return found


def _broken(history: Path) -> DataError:
    return DataError.in_file(history, "is no list of records", "put the file back as 'powerml review lock' wrote it")
