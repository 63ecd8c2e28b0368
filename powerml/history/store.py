"""The folder `.powerml/history`: one folder per date, in it scores, the snapshot they were made from, and who is who.

```text
.powerml/history/2026-03-01/
  night-crm@3-r1.json        what is there; written last, so that a killed night leaves nothing half there
  scores-crm@3-r1.parquet    the scores table
  snapshot-7be1….parquet     the snapshot of that night, and whether an entity had `left`; one for all its scorers
  people-91ca….parquet       names and owners, for lists
```
Nothing is rewritten but by retention and `forget`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from powerml.config import fingerprints
from powerml.errors import DataError
from powerml.history.nights import Night
from powerml.writing import not_readable, private_folder, whole_file, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from powerml.config.project import ProjectSpec

FOLDER = "history"
FACTS = b"powerml"
NEAR_SHARE = 0.1  # a night counts as `days` before another if it is that share of them off at most


@dataclass(frozen=True)
class NightHistory:
    """The nights of a project. `folder`: `.powerml/history`, which need not be there yet."""

    folder: Path

    @classmethod
    def of(cls, project: ProjectSpec) -> NightHistory:
        """The history of a project."""
        return cls(project.state / FOLDER)

    # -- which nights there are

    def every(self) -> list[Night]:
        """All that was ever said and is kept, earlier revisions too, by date, then in the order it was made."""
        return self._entries("*")

    def every_of(self, as_of: date) -> list[Night]:
        """The same of one date."""
        return self._entries(as_of.isoformat())

    def _entries(self, folders: str) -> list[Night]:
        files = sorted(self.folder.glob(f"{folders}/night-*.json")) if self.folder.is_dir() else []
        return sorted(map(_entry, files), key=lambda night: (night.as_of, night.made_at, night.model, night.revision))

    def nights(self, model: str | None = None, *, scorer: str | None = None) -> list[Night]:
        """One night per date, oldest first: what was said then, in its newest revision.

        By default of the main scorer, whichever it was that night; `model` asks for one model or weight set, `scorer`
        (a digest, `Night.scorer`) for what one and the same scorer says of each date. What a night itself said stands
        before what was filled in later; of several that a night said the last one counts.
        """
        return self._said(self.every(), model, scorer)

    @staticmethod
    def _said(entries: Iterable[Night], model: str | None, scorer: str | None = None) -> list[Night]:
        chosen: dict[date, Night] = {}
        for night in entries:
            asked = night.role == "main" if model is None and scorer is None else True
            if not asked or (model is not None and night.model != model) or (scorer not in (None, night.scorer)):
                continue
            before = chosen.get(night.as_of)
            if before is None or night.made_by == "night" or before.made_by == "backfill":
                chosen[night.as_of] = night
        return list(chosen.values())

    def newest(self, model: str | None = None, *, until: date | None = None) -> Night | None:
        """The last night (at `until` or before it); see `nights`."""
        found = [night for night in self.nights(model) if until is None or night.as_of <= until]
        return found[-1] if found else None

    def at(self, as_of: date, model: str | None = None) -> Night | None:
        """The night of a date; see `nights`."""
        return next(iter(self._said(self.every_of(as_of), model)), None)

    def before(self, night: Night, days: int, *, as_said: bool = False) -> Night | None:
        """The night `days` before another, by the same scorer, so that what differs is what entities did.

        A night up to a tenth of `days` off counts (at least one day where it is a week or longer), the nearest first.
        None where there is none: after a change of model until the earlier snapshot is scored with the newer one.
        `as_said` takes whatever scorer spoke then.
        """
        return nearest(self.nights() if as_said else self.nights(scorer=night.scorer), night, days)

    def last_before(self, night: Night, *, as_said: bool = False) -> Night | None:
        """The night before another, however long ago, by the same scorer; `as_said` takes whatever scorer spoke."""
        there = self.nights() if as_said else self.nights(scorer=night.scorer)
        return next((n for n in reversed(there) if n.as_of < night.as_of), None)

    # -- what they hold

    def scores(self, night: Night, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The scores table of a night, one row per entity, as it was written; `as_of` is an instant."""
        return _read(self._place(night) / night.scores_file, columns)

    def snapshot(self, night: Night, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The snapshot a night was made from: ids, `enough_history`, `active`, every metric, `label` and `left`.

        `label` says only whether somebody was `ineligible` (else `immature`): what came later is not known here.
        """
        return _read(self._place(night) / night.snapshot_file, columns)

    def read(self, path: Path, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of one of the files of a night."""
        return _read(path, columns)

    def facts(self, night: Night) -> dict[str, Any]:
        """What else is known of a night's snapshot: `vocabulary_counts`, `newest_event_days` (its age in days)."""
        return snapshot_facts(self._place(night) / night.snapshot_file)

    def beside(self, night: Night, model: str) -> Night | None:
        """What another set (`power_user`, `power_user_signals`) said of the same date; None where it was not asked."""
        return self.at(night.as_of, model)

    def all_beside(self, night: Night) -> list[Night]:
        """What all other sets said of the same date, each in its newest revision."""
        found = {n.model: n for n in self.every_of(night.as_of) if n.role == "beside"}
        return list(found.values())

    def table(self, night: Night, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """A table beside a night's scores (`people`, ...), the newest of its date; None where there is none."""
        files = self._tables(night, name)
        return _read(files[-1], columns) if files else None

    def has_table(self, night: Night, name: str) -> bool:
        """Whether there is such a table."""
        return bool(self._tables(night, name))

    def _tables(self, night: Night, name: str) -> list[Path]:
        found = self._place(night).glob(f"{name}-*.parquet")
        return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name))

    # -- writing

    def keep_snapshot(self, as_of: date, frame: pd.DataFrame, facts: Mapping[str, Any]) -> str:
        """Writes the snapshot of a date unless it is there, and gives its file name, which stands for its content."""
        digest = fingerprints.of_text(fingerprints.of_frame(frame), fingerprints.of_json(dict(facts)))
        name = f"snapshot-{digest}.parquet"
        _write(frame, private_folder(self.folder / as_of.isoformat()) / name, facts)
        return name

    def keep_table(self, as_of: date, name: str, frame: pd.DataFrame) -> None:
        """Writes a table beside a date's scores unless the same is there."""
        path = private_folder(self.folder / as_of.isoformat()) / f"{name}-{fingerprints.of_frame(frame)}.parquet"
        others = [file.stat().st_mtime_ns for file in path.parent.glob(f"{name}-*.parquet") if file != path]
        if path.is_file() and max(others, default=0) >= path.stat().st_mtime_ns:
            path.unlink()  # it is the newest again
        _write(frame, path)

    def kept(self, as_of: date, name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
        """A snapshot that `keep_snapshot` wrote and its facts, by the name it gave."""
        path = self.folder / as_of.isoformat() / name
        return _read(path), snapshot_facts(path)

    def known(self, night: Night) -> Night | None:
        """The entry that says the same already: same date, version and digest."""
        return next((n for n in self._alike(night) if n.digest == night.digest and n.role == night.role), None)

    def numbered(self, night: Night) -> Night:
        """The night with the next free revision."""
        return replace(night, revision=1 + max((n.revision for n in self._alike(night)), default=0))

    def keep_scores(self, night: Night, frame: pd.DataFrame) -> None:
        """Writes a night's scores table; it is part of the history only once `admit` has been called."""
        target = private_folder(self._place(night)) / night.scores_file
        target.unlink(missing_ok=True)  # what a killed run left of this revision
        _write(frame, target)

    def admit(self, night: Night) -> None:
        """Makes a night whose tables are written part of the history."""
        place = self._place(night)
        for name in (night.scores_file, night.snapshot_file):
            if not name or not (place / name).is_file():
                raise DataError.in_file(place / name, "is gone before the night was kept", "run it again")
        write_whole(place / night.file, night.to_json(), private=True)

    def retain(self, keep_days: int) -> list[date]:
        """Removes nights older than `keep_days` before the newest, but the first of each month; gives their dates."""
        dates = sorted({night.as_of for night in self.every()})
        gone = [day for day in dates if day not in kept_dates(dates, keep_days)]
        for day in [*self._half_gone(dates), *gone]:
            place = self.folder / day.isoformat()
            for file in sorted(place.glob("night-*.json")):
                file.unlink()  # first what says that it is there
            shutil.rmtree(place)
        return gone

    def _half_gone(self, dates: Sequence[date]) -> list[date]:
        """Folders of dates older than the newest night without a night in them: a removal was killed in the middle."""
        names = {place.name for place in self.folder.glob("????-??-??")} if self.folder.is_dir() else set()
        there = {day.isoformat() for day in dates}
        return [date.fromisoformat(name) for name in sorted(names - there) if name < max(there, default="")]

    def _place(self, night: Night) -> Path:
        return self.folder / night.as_of.isoformat()

    def _alike(self, night: Night) -> list[Night]:
        same = (night.as_of, night.model, night.model_version)
        place = self._place(night)
        files = sorted(place.glob("night-*.json")) if place.is_dir() else []
        return [n for n in map(_entry, files) if (n.as_of, n.model, n.model_version) == same]


def nearest(nights: Iterable[Night], night: Night, days: int) -> Night | None:
    """Of the nights before another the nearest to `days` before it, as far off as `NightHistory.before` allows."""
    wanted, slack = night.as_of - timedelta(days=days), round(NEAR_SHARE * days) or int(days >= 7)
    near = [n for n in nights if n.as_of < night.as_of and abs((n.as_of - wanted).days) <= slack]
    return min(near, key=lambda n: (abs((n.as_of - wanted).days), n.as_of), default=None)


def _entry(file: Path) -> Night:
    """What a file of the history says; a page asks a hundred times, so it is read again only where it has changed."""
    there = file.stat()
    return _read_entry(file, there.st_mtime_ns, there.st_ino)


@lru_cache(maxsize=4096)
def _read_entry(file: Path, _written: int, _node: int) -> Night:
    return Night.from_json(file.read_text(encoding="utf-8"), file=file)


def kept_dates(dates: Sequence[date], keep_days: int) -> set[date]:
    """The dates that stay: the last `keep_days` days up to the newest, and the first of each month.

    >>> days = [date(2026, 1, 5), date(2026, 1, 20), date(2026, 2, 2), date(2026, 3, 8)]
    >>> sorted(day.isoformat() for day in kept_dates(days, 35))
    ['2026-01-05', '2026-02-02', '2026-03-08']
    """
    if not dates:
        return set()
    since = max(dates) - timedelta(days=keep_days)
    first: dict[tuple[int, int], date] = {}
    for day in sorted(dates):
        first.setdefault((day.year, day.month), day)
    return {day for day in dates if day > since} | set(first.values())


def snapshot_facts(path: Path) -> dict[str, Any]:
    """What stands beside the rows of a snapshot's file."""
    metadata = pq.read_schema(path).metadata or {}
    facts: dict[str, Any] = json.loads(metadata.get(FACTS, b"{}"))
    return facts


def _write(frame: pd.DataFrame, path: Path, facts: Mapping[str, Any] | None = None) -> None:
    if path.is_file():
        return
    table = pa.Table.from_pandas(_dates_plain(frame), preserve_index=False)
    if facts is not None:
        told = json.dumps(dict(facts), sort_keys=True, default=str).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), FACTS: told})
    with whole_file(path, private=True) as draft:
        pq.write_table(table, draft, compression="zstd")


def _read(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise not_readable(path, error, "make the night again") from None
    if "as_of" in frame:
        frame = frame.assign(as_of=pd.to_datetime(frame["as_of"]))
    return frame


def _dates_plain(frame: pd.DataFrame) -> pd.DataFrame:
    if "as_of" in frame and pd.api.types.is_datetime64_any_dtype(frame["as_of"]):
        return frame.assign(as_of=frame["as_of"].dt.date)
    return frame
