"""A project opened: its sources read, its events rolled up, snapshots and training rows made from it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

from powerml.config.metrics import MetricSpec, catalogue, metrics_from
from powerml.config.project import ProjectSpec, SnapshotsSpec, expand
from powerml.errors import DataError, UsageError
from powerml.monitoring.segments_now import segments_now
from powerml.progress import Note, silent
from powerml.shown import Shown
from powerml.snapshots.dataset import Snapshots, snapshots
from powerml.snapshots.engine.base import planning
from powerml.snapshots.engine.duckdb import DuckDBEngine
from powerml.snapshots.entities import left_accounts
from powerml.snapshots.labels import label_cutoffs
from powerml.snapshots.needs import apart, columns_asked, needed_until, of_events
from powerml.snapshots.passes import Passes, in_passes, passes_for
from powerml.snapshots.rollup import NEVER, Inputs, Overall, Rollups, numbered_users, overall, roll_up
from powerml.snapshots.usage import Usage
from powerml.snapshots.windows import Cutoffs, cutoffs_asked, day_date
from powerml.sources.loading import TooManyBadRows, open_sources, write_quarantine
from powerml.sources.ranges import Until
from powerml.tables import OUTCOMES
from powerml.training.rows import Rows
from powerml.training.snapshot_rows import earlier_cutoffs, snapshot_rows
from powerml.workflows.kept_rollups import cache_folder, from_cache, lost_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from powerml.config.outcome import EventOutcome
    from powerml.sources.loaded import Loaded
    from powerml.training.rows import TrainingData

USUAL_DATES = 12  # a year of months
NIGHTLY_DATES = 2  # and the night before
USAGE_TABLES = ("first_actions", "features", "leaving")
RECENT_DAYS = (7, 30)  # before the latest snapshot: what the page compares with


@dataclass(frozen=True)
class SnapshotResult(Shown):
    """A snapshot frame and what was noticed on the way.

    frame: see `powerml.snapshots.dataset.snapshots`. coverage: metric, available, reason. loads: rows per table.
    vocabulary_counts: features, advanced, core as known at the last cutoff. unmapped: event names no rule names.
    plan: how many passes were made and why; empty for one.
    """

    frame: pd.DataFrame
    coverage: pd.DataFrame
    loads: pd.DataFrame
    vocabulary_counts: Mapping[str, int]
    unmapped: tuple[str, ...]
    plan: str = ""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.frame)

    @property
    def dates(self) -> tuple[date, ...]:
        """The cutoffs that have rows."""
        return tuple(sorted({day.date() for day in self.frame["as_of"].unique()}))

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield f"{len(self.frame):,} rows of {self.frame.shape[1]} columns"
        yield self.frame
        yield "Not available:" if not self.coverage["available"].all() else None
        yield self.coverage[~self.coverage["available"].astype(bool)] if len(self.coverage) else None


@dataclass
class OpenProject:
    """A project with its sources read and its events rolled up; snapshots are made from it.

    Where one pass would not fit into memory, `rollups` are what all `passes` share, and each rolls its events up.
    """

    project: ProjectSpec
    metrics: Mapping[str, MetricSpec]
    loaded: Loaded
    inputs: Inputs
    rollups: Overall
    passes: Passes | None = None
    anew: Callable[[], OpenProject] | None = None  # opens it again where its cache turns out to be damaged

    @property
    def first_day(self) -> date:
        """The local date of the first event."""
        return day_date(self.rollups.first_day)

    @property
    def last_day(self) -> date:
        """The local date of the last event."""
        return day_date(self.rollups.last_day)

    def cutoffs(self) -> list[date]:
        """The cutoffs that the project's `snapshots` setting asks for; by default from the first event to the last."""
        return cutoffs_asked(self.project.snapshots, self.rollups.first_day, self.rollups.last_day)

    def for_labels(self) -> OpenProject:
        """The same with the one metric that no snapshot can do without: for who asks for labels alone."""
        return replace(self, metrics={"events_30d": self.metrics["events_30d"]})

    def mature(self, cutoffs: Sequence[date]) -> list[date]:
        """Those of the cutoffs whose label windows were seen to their end."""
        chosen = Cutoffs.of(self.project.timezone, cutoffs)
        frame = label_cutoffs(self.project, self.rollups, chosen)
        return [day_date(chosen.days[c]) for c in frame.loc[frame["mature"], "c"]]

    def build(self, cutoffs: Sequence[date], *, labels: bool = False, note: Note = silent) -> SnapshotResult:
        """The snapshot table at the local midnights of `cutoffs`."""
        if not cutoffs:
            raise UsageError("no cutoff to take a snapshot at; give --as-of or --monthly, or widen `snapshots`")
        chosen = Cutoffs.of(self.project.timezone, cutoffs)
        try:
            made = self._snapshots(chosen, labels, note)
        except (duckdb.Error, DataError) as error:
            if self.anew is None or not lost_cache(self.project, self.loaded, error):
                raise
            fresh = self.anew()
            self.loaded, self.inputs, self.rollups, self.anew = fresh.loaded, fresh.inputs, fresh.rollups, None
            made = self._snapshots(chosen, labels, note)
        self.loaded.check_unchanged()
        coverage = pd.DataFrame(
            [(name, name not in made.unavailable, made.unavailable.get(name, "")) for name in self.metrics],
            columns=["metric", "available", "reason"],
        )
        unmapped = tuple(self.rollups.kinds.unmapped(self.rollups.seen < NEVER))
        counts, plan = self.vocabulary_counts(chosen), self.passes.why if self.passes else ""
        return SnapshotResult(made.frame, coverage, self.loaded.report, counts, unmapped, plan)

    def _snapshots(self, cutoffs: Cutoffs, labels: bool, note: Note) -> Snapshots:
        inputs, rollups, metrics = self.inputs, self.rollups, apart(self.metrics)
        if isinstance(rollups, Rollups):
            made = snapshots(inputs, rollups, self.project, metrics, cutoffs, with_labels=labels, note=note)
        else:
            assert self.passes is not None
            made = in_passes(
                inputs, rollups, self.project, metrics, cutoffs, self.passes, with_labels=labels, note=note,
            )  # fmt: skip
        inputs.engine.wait()
        return made

    def left(self, frame: pd.DataFrame) -> pd.Series | None:
        """True for rows of snapshots whose account paid once and pays no longer at the row's date.

        None where contracts are not known.
        """
        if not self.inputs.has("subscriptions") or "account_id" not in frame or frame.empty:
            return None
        engine, (place, days) = self.inputs.engine, pd.factorize(pd.to_datetime(frame["as_of"]).dt.date, sort=True)
        with engine.scratch():
            grid = engine.bring(Cutoffs.of(self.project.timezone, list(days)).frame()[["c", "at"]], "left_at")
            gone = engine.frame(left_accounts(self.inputs, self.rollups, grid))
        found = set(zip(gone["c"], gone["account_id"].astype(str), strict=True))
        keys = zip(place, frame["account_id"].astype(str), strict=True)
        return pd.Series([key in found for key in keys], index=frame.index, dtype=bool)

    def usage(self, as_of: date) -> Usage:
        """What the page asks of the sources at a date and no snapshot says."""
        return Usage.at(self.inputs, self.rolled_up(), self.project, as_of)

    def rolled_up(self) -> Rollups:
        """The roll-ups of all events, made in one where snapshots are made in passes."""
        if isinstance(self.rollups, Rollups):
            return self.rollups
        extra, whole = self.passes.extra if self.passes else (), self.rollups
        return roll_up(self.inputs, self.project, extra=extra, amounts=whole.amounts, whole_of=whole)

    def vocabulary_counts(self, cutoffs: Cutoffs) -> dict[str, int]:
        """How many features, advanced and core features the vocabulary has, globs as seen before the last cutoff."""
        kinds, seen = self.rollups.kinds, self.rollups.seen_before(cutoffs.days[-1])
        return {
            "features": kinds.declared(None, seen),
            "advanced": kinds.declared("advanced", seen),
            "core": kinds.declared("core", seen),
        }


def project_metrics(project: ProjectSpec, extra: Iterable[MetricSpec] = ()) -> dict[str, MetricSpec]:
    """The catalogue and the project's own metrics (`metrics:` paths, relative to the project file)."""
    own = metrics_from([Path(project.base, expand(p, file=project.file)) for p in project.metrics], catalogue())
    return own | {spec.name: spec for spec in extra if spec.name not in own}


def open_project(
    project: ProjectSpec,
    *,
    now: datetime | None = None,
    metrics: Iterable[MetricSpec] = (),
    known: Mapping[str, MetricSpec] | None = None,
    cache: bool | None = None,
    dates: int = USUAL_DATES,
    until: Until | None = None,
    note: Note = silent,
) -> OpenProject:
    """Reads the sources and rolls the events up; `metrics` adds declarations to those of the project.

    `dates`: at about how many snapshots will be asked for, by which passes are counted (`snapshots.passes`). Events of
    a database that lie behind `until` are not read; where something is wrong with the others, all of them decide.
    `known` are all metrics where the caller has read them already. `cache` says whether roll-ups are kept between runs;
    by default where that is worth it (see `cache_folder`).
    """
    check_one_machine(project)
    known = project_metrics(project, metrics) if known is None else known
    asked = columns_asked(known.values())
    folder = cache_folder(project, cache)
    at = now or datetime.now(UTC)

    def once(until: Until | None = None) -> OpenProject:
        loaded = read_sources(project, now=at, extra=asked, cache=folder, until=until, note=note)
        try:
            return opened(project, known, loaded, cache=folder is not None, dates=dates, note=note)
        except (duckdb.Error, DataError) as error:
            if folder is None or not lost_cache(project, loaded, error):
                raise
            raise _CacheLost from error

    if until is not None and project.tables["events"].database is not None and folder is None:
        with contextlib.suppress(DataError):
            return once(until)
    try:
        made = once()
    except _CacheLost:
        made = once()
    return replace(made, anew=once if folder is not None else None)


class _CacheLost(Exception):
    """The cache could not be read and was thrown away."""


def until_when(project: ProjectSpec, cutoffs: Sequence[date], *, labels: bool) -> Until | None:
    """Behind which instant no event is needed for snapshots at some cutoffs; None where all may be."""
    at = needed_until(project, cutoffs, outcomes=labels)
    return None if at is None else Until(at, outcomes=labels)


def read_sources(
    project: ProjectSpec,
    *,
    now: datetime | None = None,
    extra: Mapping[str, Iterable[str]] = MappingProxyType({}),
    lenient: bool = False,
    cache: Path | None = None,
    until: Until | None = None,
    note: Note = silent,
) -> Loaded:
    """The project's tables; bad rows go to its quarantine folder, also where there are too many and the run stops."""
    check_one_machine(project)
    folder = project.state / "quarantine"
    try:
        at = now or datetime.now(UTC)
        loaded = open_sources(
            project, now=at, extra=extra, lenient=lenient, cache=cache, until=until, note=note,
        )  # fmt: skip
    except TooManyBadRows as error:
        written = write_quarantine(error.loaded, folder)
        raise DataError(f"{error}\nThe rows are in {', '.join(map(str, written))}") from None
    if len(loaded.quarantine) or folder.exists():  # a clean run also clears what an older one left
        write_quarantine(loaded, folder)
    return loaded


def opened(
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    loaded: Loaded,
    *,
    cache: bool = False,
    dates: int = USUAL_DATES,
    note: Note = silent,
) -> OpenProject:
    """A project whose tables were read, its events rolled up.

    The engine may still be at work on them; what goes wrong there is raised by whatever waits for it first.
    """
    engine = DuckDBEngine.on(loaded.con)
    inputs = Inputs(engine, {name: engine.table(view) for name, view in loaded.tables.items()}, loaded.columns)
    columns, amounts = of_events(metrics, loaded.columns["events"])
    (events,) = loaded.report.loc[loaded.report["table"] == "events", "loaded"].to_list() or [0]
    # roll-ups that are kept lie on disk, and a night reads few of them
    by_night = cache and (dates <= NIGHTLY_DATES or not project.memory_limit)
    users = None if cache else numbered_users(inputs)
    passes = None if by_night else passes_for(inputs, project, events=int(events), dates=dates, users=users)
    if passes is not None:
        engine.drop(*(() if users is None else (users,)))
        note(passes.why)
        whole = overall(inputs, project, extra=columns, amounts=amounts)
        return OpenProject(project, metrics, loaded, inputs, whole, replace(passes, extra=tuple(columns)))
    note(f"rolling {int(events):,} events up")
    with planning():
        rollups = from_cache(project, loaded, inputs, columns, amounts) if cache else None
        rollups = rollups or roll_up(inputs, project, extra=columns, amounts=amounts, users=users)
    return OpenProject(project, metrics, loaded, inputs, rollups)


def check_one_machine(project: ProjectSpec) -> None:
    """Raises UsageError for a project that runs on Spark: what calls this reads its tables on one machine."""
    if project.engine == "spark":
        raise UsageError(
            f"{project.file}: engine: spark runs 'snapshot' and 'score', and this is neither; leave 'engine' out to"
            " read the same tables on one machine, or train on what 'powerml snapshot --labels' wrote (train --table)"
        )


def gather(
    project: ProjectSpec,
    snapshots: SnapshotsSpec | None,
    *,
    outcome: EventOutcome | None = None,
    opened: OpenProject | None = None,
    earlier: bool = False,
    note: Note = silent,
) -> TrainingData:
    """Builds the mature snapshots that the project (or the experiment) asks for, and the latest one.

    `outcome` is a custom one in place of the project's; `opened` is the project with its sources read already;
    `earlier` adds the snapshots that a leak probe and early warning need, whatever the cutoffs' spacing. Raises
    DataError where no outcome is known yet, or no event of the data is of the kind a custom outcome counts.
    """
    if snapshots is not None:
        project = project.model_copy(update={"snapshots": snapshots})
    if outcome is not None:
        project = project.for_outcome(outcome)
    opened = open_project(project, note=note) if opened is None else replace(opened, project=project)
    if outcome is not None and not opened.rollups.kinds.flags(outcome.events).any():
        raise DataError.in_file(
            project.file,
            f"no event of the data is one {outcome.kind_words}, so {outcome.name!r} never comes",
            "name other 'events' in the experiment, or tag yours in the vocabulary",
        )
    latest = latest_cutoff(opened)
    mature = opened.mature([day for day in opened.cutoffs() if day <= latest])
    if not mature:
        days = project.outcome.horizon_days
        raise DataError(
            f"{project.file}: no snapshot's outcomes are known yet: the data ends on {opened.last_day} and outcomes "
            f"need {days} days; wait, or set 'snapshots' to start earlier"
        )
    grace = project.outcome.grace_days if project.outcome_kind == "contract" else 0
    gap = project.outcome.horizon_days + grace
    added = earlier_cutoffs(mature, first_day=opened.first_day, gap_days=gap) if earlier else []
    recent = [day for day in (latest - timedelta(days=d) for d in RECENT_DAYS) if earlier and day > opened.first_day]
    built = opened.build(sorted({*mature, latest, *added, *recent}), labels=True, note=note)
    # who paid once and pays no longer stands in no list and no rank; of a custom outcome events say whom it is about
    left = opened.left(built.frame) if outcome is None else None
    frame = ranked(built.frame, left)
    at_latest = frame["as_of"] == pd.Timestamp(latest)
    whole = frame[frame["as_of"].isin(pd.to_datetime(mature))].reset_index(drop=True)
    outcomes = OUTCOMES if outcome is None else outcome.outcomes
    known = whole["label"].isin(outcomes) & whole["enough_history"].astype(bool)
    rows = Rows(whole[known].reset_index(drop=True), project.id_column, project.outcome.horizon_days)
    if rows.frame.empty:
        raise DataError(f"{project.file}: no entity of the mature snapshots has an outcome; see 'powerml check'")
    last = frame[at_latest].reset_index(drop=True)
    before = frame[frame["as_of"].isin(pd.to_datetime(added))].reset_index(drop=True)
    near = frame[frame["as_of"].isin(pd.to_datetime(recent))]
    near = near.assign(left=False if left is None else left[near.index]).reset_index(drop=True)
    made = snapshot_rows(project, opened.metrics, rows, whole, last, built.vocabulary_counts, built.coverage, before)
    made = replace(made, recent=near)
    return made if left is None else replace(made, left=left[at_latest].reset_index(drop=True))


def usage_tables(
    opened: OpenProject, as_of: date, snapshot: pd.DataFrame, scores: pd.DataFrame
) -> dict[str, pd.DataFrame | None]:
    """What the page needs of a date and neither scores nor snapshot hold (USAGE_TABLES); None what is not known."""
    usage = opened.usage(as_of)
    segments = segments_now(snapshot, scores, opened.project.id_column)
    features = None if segments is None else usage.people_per_feature(segments)
    return dict(zip(USAGE_TABLES, (usage.first_actions(), features, usage.leaving()), strict=True))


def ranked(frame: pd.DataFrame, left: pd.Series | None) -> pd.DataFrame:
    """Rows of snapshots of which those who have left are not `active`: no rank is taken among them."""
    return frame if left is None else frame.assign(active=frame["active"].astype(bool) & ~left)


def latest_cutoff(opened: OpenProject) -> date:
    """The local midnight at which all that was observed is known: the day after the last event, unless declared."""
    return latest_date(opened.project, opened.last_day)


def latest_date(project: ProjectSpec, last_day: date) -> date:
    """See `latest_cutoff`; `last_day` is that of the last event."""
    declared = project.observed_until
    if declared is not None:
        zone = ZoneInfo(project.timezone)
        local = declared.astimezone(zone) if declared.tzinfo else declared
        return local.date()
    return last_day + timedelta(days=1)
