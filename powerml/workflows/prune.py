"""`powerml prune`: old sessions removed, with their versions and files, but for those that something needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from powerml.history.store import NightHistory
from powerml.progress import Note, silent
from powerml.tracking.calibration_records import calibration_records
from powerml.tracking.pruning import StoredSession, remove_sessions, size_of, stored_sessions
from powerml.tracking.registry import MOVED_FROM
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.tracking import registry

NEWEST = 10
"""So many sessions stay where nothing else is said."""


@dataclass(frozen=True)
class Pruned:
    """The sessions that went (or would go: `is_tried`), their bytes, and for what others stayed.

    `needed`: what needs a version, and the versions. `left`: how many sessions stay.
    """

    sessions: tuple[StoredSession, ...]
    bytes: int
    left: int
    needed: dict[str, tuple[str, ...]]
    is_tried: bool
    rows_stay: bool

    @property
    def runs(self) -> int:
        """How many runs."""
        return sum(len(one.run_ids) for one in self.sessions)

    @property
    def versions(self) -> tuple[registry.Version, ...]:
        """The versions that went."""
        return tuple(version for one in self.sessions for version in one.versions)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What went, how much it was, and what stays for whom."""
        would = "Would remove" if self.is_tried else "Removed"
        size = f"{self.bytes / 1e6:.1f} MB" if self.bytes >= 100_000 else f"{self.bytes:,} bytes"
        said = [
            f"{would} {len(self.sessions)} sessions ({self.runs} runs, {len(self.versions)} versions, {size}); "
            f"{self.left} stay."
        ]
        said += [f"Kept for {why}: {', '.join(versions)}." for why, versions in self.needed.items()]
        if self.rows_stay and self.sessions and not self.is_tried:
            said.append("Their rows go with 'mlflow gc' where the server runs; their files are gone.")
        return tuple(said)


def prune(
    project: ProjectSpec,
    *,
    keep: int | None = None,
    older_than_days: int | None = None,
    is_tried: bool = False,
    now: datetime,
    note: Note = silent,
) -> Pruned:
    """Removes sessions beyond the `keep` newest that are older than so many days, and that nothing needs.

    With neither said the ten newest stay. A session stays whole where one of its versions has an alias, was champion
    before the present one, spoke at a night that is kept, or is what such a version was recalibrated from.
    """
    store = store_of(project)
    note("looking at the store")
    sessions = stored_sessions(store, project.project)
    newest = (NEWEST if older_than_days is None else 0) if keep is None else keep
    needed = _needed(project, [version for one in sessions for version in one.versions])
    spared = {named for versions in needed.values() for named in versions}
    going = [
        one
        for one in sessions[newest:]
        if not one.is_running
        and (older_than_days is None or one.began < now - timedelta(days=older_than_days))
        and not any(version.shown in spared for version in one.versions)
    ]
    size = size_of(store, going) if going else 0
    if going and not is_tried:
        note("removing")
        remove_sessions(store, project.project, going)
    return Pruned(tuple(going), size, len(sessions) - len(going), needed, is_tried, store.serves_itself)


def _needed(project: ProjectSpec, versions: list[registry.Version]) -> dict[str, tuple[str, ...]]:
    """Versions that stay, by what needs them."""
    shown = {(one.model, str(one.number)): one for one in versions}
    spoke = {(night.model, night.model_version) for night in NightHistory.of(project).every()}
    found: dict[str, list[registry.Version]] = {"an alias": [one for one in versions if one.aliases]}
    champions = {one.model: one.number for one in versions if "champion" in one.aliases}
    before = {
        (str(record.get("model")), str(record.get("replaces_version")))
        for record in calibration_records(store_of(project))
        if record.get("alias") == "champion" and record.get("version") == champions.get(str(record.get("model")))
    }
    found["a way back"] = [one for key, one in shown.items() if key in before]
    found["nights that are kept"] = [one for key, one in shown.items() if key in spoke]
    based = [one for ones in list(found.values()) for one in ones]
    chain: list[registry.Version] = []
    while based := [shown[key] for one in based if (key := (one.model, one.tags.get(MOVED_FROM, ""))) in shown]:
        chain += based
    found["what was recalibrated from them"] = chain
    return {why: tuple(dict.fromkeys(one.shown for one in ones)) for why, ones in found.items() if ones}
