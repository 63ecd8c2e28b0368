"""`powerml sync`: scores into the sinks that a project names; and what a night sends of it."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from powerml.errors import UsageError, did_you_mean
from powerml.history.ledger import one_night_at_a_time, open_ledger, read_ledger
from powerml.history.sent import SinkLedger
from powerml.history.standing import Standing
from powerml.history.store import NightHistory
from powerml.progress import Note, silent
from powerml.sinks.http import ServiceError
from powerml.sinks.plans import SinkPlan
from powerml.sinks.postgres import PostgresSink
from powerml.workflows.held import held_as_night

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night
    from powerml.sinks.plans import Applied, Sink


@dataclass(frozen=True)
class Synced:
    """What one sink would do, and what was done of it (None for a dry run)."""

    plan: SinkPlan
    done: Applied | None

    @property
    def findings(self) -> bool:
        """Whether something was set aside, refused or failed."""
        return bool(self.plan.aside or self.trouble or (self.done and self.done.aside))

    @property
    def trouble(self) -> str:
        """What kept the sink from its work; empty where nothing did."""
        return self.plan.refusal or (self.plan.failed if self.done is None else self.done.failed)


@dataclass(frozen=True)
class SyncOptions:
    """How sinks are served. `apply`: do it, not only say it; `max_writes` to each; `adopt` what others made.

    `since`: PostHog gets earlier nights from this date on, too. `force` lifts the brakes of a sync by hand.
    """

    apply: bool = False
    max_writes: int | None = None
    adopt: bool = False
    since: date | None = None
    force: bool = False


def sink_of(project: ProjectSpec, name: str, options: SyncOptions) -> Sink:
    """A sink by its name: what the class that its settings name makes of them."""
    module, _, of = project.sync.named[name].served_by.partition(":")
    connected = getattr(importlib.import_module(module), of).connected
    more = {"since": options.since, "adopt": options.adopt, "base": project.base}
    taken = {n: v for n, v in more.items() if n in inspect.signature(connected).parameters}
    sink: Sink = connected(project.sync.named[name], **taken)
    return sink


def sync(
    project: ProjectSpec, names: Sequence[str] = (), options: SyncOptions = SyncOptions(), *, note: Note = silent
) -> list[Synced]:
    """Brings the sinks named (by default all of the project) to the newest night; without `apply` says what would be.

    Two runs that write exclude each other, and a night; what holds the night's own step, or would, holds them, too,
    unless `force` lifts it, which the ledger keeps. Raises UsageError for a sink that the project does not name, and
    where there is no night yet.
    """
    known = project.sync.named
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            there = hint or (f"; it names {', '.join(known)}" if known else "; it has no 'sync:' block")
            raise UsageError(f"{name}: the project names no such sink{there}")
    if not known:
        raise UsageError(
            f"{project.file}: names no sink; say under 'sync:' where scores go, as configs/README.md shows"
        )
    history, now = NightHistory.of(project), datetime.now(UTC)
    night = history.newest()
    if night is None:
        raise UsageError("there is no night yet; run 'powerml night' first")
    names = names or tuple(known)
    if not options.apply:
        held = held_as_night(project, history, night, today=now.date())
        told = f"a brake of the night holds, so --apply writes nothing without --force: {' '.join(held)}"
        return [
            _remarked(one, told if held else "") for one in synced(project, history, night, names, options, note=note)
        ]
    with one_night_at_a_time(project.state, now=now):
        held = held_as_night(project, history, night, today=now.date())
        if held and not options.force:
            told = f"held back, for: {' '.join(held)} When that is right, lift the brake with --force"
            return [Synced(SinkPlan(name, night.as_of.isoformat(), refusal=told), None) for name in names]
        with open_ledger(project.state) as ledger:
            ledger.lift(night.as_of, held, by="sync --force", now=now)
        told = f"brake lifted by hand, which is written down: {' '.join(held)}" if held else ""
        return [_remarked(one, told) for one in synced(project, history, night, names, options, note=note)]


def _remarked(one: Synced, remark: str) -> Synced:
    """The same with a sentence before what its plan remarks."""
    return replace(one, plan=replace(one.plan, remarks=(remark, *one.plan.remarks))) if remark else one


def exported(project: ProjectSpec, history: NightHistory, night: Night) -> str:
    """Brings the database that the project's `exports` block names to a night; gives what went wrong, or nothing."""
    if project.exports is None:
        return ""
    standing = Standing(history, night, project.project, project.timezone)
    with open_ledger(project.state) as opened:
        ledger = SinkLedger.on(opened.con, "exports")
        try:
            sink = PostgresSink.connected(project.exports)
            plan = sink.plan(standing, ledger)
            return plan.refusal or sink.apply(plan, ledger).failed
        except (ServiceError, UsageError) as error:
            return str(error)


def synced(
    project: ProjectSpec,
    history: NightHistory,
    night: Night,
    names: Sequence[str],
    options: SyncOptions,
    *,
    note: Note = silent,
) -> list[Synced]:
    """Brings sinks to a night, one after another; one that is down does not keep the others from it."""
    standing = Standing(history, night, project.project, project.timezone)
    found = []
    with (open_ledger if options.apply else read_ledger)(project.state) as opened:
        for name in names:
            note(f"{name}: what is there")
            ledger = SinkLedger.on(opened.con, name)
            try:
                sink = sink_of(project, name, options)
                plan = sink.plan(standing, ledger).capped(options.max_writes)
                done = sink.apply(plan, ledger, note=note) if options.apply and not plan.refusal else None
            except (ServiceError, UsageError) as error:
                plan, done = SinkPlan(name, night.as_of.isoformat(), failed=str(error)), None
            found.append(Synced(plan, done))
    return found
