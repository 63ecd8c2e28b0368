"""One night, from its first unfinished step to its last; or a history filled in from the events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from powerml.errors import PowermlError, UsageError
from powerml.history.exports import EXPORTS, write_exports
from powerml.history.ledger import Ledger, StepRow, one_night_at_a_time, open_ledger
from powerml.history.movement import change_since, change_since_last
from powerml.history.nights import Night
from powerml.history.rehearsal import rehearsal
from powerml.history.store import NightHistory
from powerml.history.trees import tree_name
from powerml.progress import Note, silent
from powerml.snapshots.windows import cutoff_dates
from powerml.workflows.night.steps import BRAKED, STEPS, Sofar, what_holds
from powerml.workflows.night.work import LOOKED_BACK, Work, batches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from powerml.config.project import Every, ProjectSpec
    from powerml.history.alarms import Digest

ORDER = ("check", "snapshot", "score", "history", "lists", "alerts", "page", "sync")


@dataclass(frozen=True)
class NightResult:
    """A night as the ledger has it: `steps` in their order, `state` done or held, `before` if it was finished already.

    `held` are the sentences of the brakes that hold; `summary` are three sentences. `dry`: it was a rehearsal.
    """

    as_of: date
    state: str
    steps: tuple[StepRow, ...]
    held: tuple[str, ...]
    summary: tuple[str, ...]
    before: bool = False
    dry: bool = False

    @property
    def findings(self) -> bool:
        """Whether the exit status is 1: a brake holds, or a destination took not everything."""
        return self.state == "held" or any(row.counts.get("failed") or row.counts.get("aside") for row in self.steps)


@dataclass(frozen=True)
class Filled:
    """A history filled in: the nights that were made now, and how many were there already."""

    made: tuple[Night, ...]
    there: int
    removed: int


def default_as_of(project: ProjectSpec, now: datetime) -> date:
    """The date of a night that names none: the declared `observed_until`, else today's local midnight."""
    zone, declared = ZoneInfo(project.timezone), project.observed_until
    if declared is None:
        return now.astimezone(zone).date()
    return (declared.astimezone(zone) if declared.tzinfo else declared).date()


def run_night(
    project: ProjectSpec,
    *,
    as_of: date | None = None,
    force: bool = False,
    only: Sequence[str] = (),
    now: datetime,
    sender: Callable[[Digest, str], str] | None = None,
    dry: bool = False,
    note: Note = silent,
) -> NightResult:
    """Runs what is not done yet of a night, each step once per date.

    `only` names steps to run, `force` lifts the brakes (which the ledger keeps) and runs steps of `only` that are done
    a second time. `dry` rehearses it: the same is done in a folder that is gone afterwards, and nothing is sent. Raises
    UsageError where another process is at it.
    """
    if dry:
        with rehearsal(project.state) as state:
            rehearsed = project.kept_in(state)
            means = Work(
                rehearsed, NightHistory.of(rehearsed), now=now, exports=state.parent / EXPORTS, sender=_taken,
                keep_caches=False, dry=True, note=note,
            )  # fmt: skip
            return _run_night(means, as_of or default_as_of(project, now), force=force, only=only)
    means = Work(project, NightHistory.of(project), now=now, exports=project.base / EXPORTS, sender=sender, note=note)
    return _run_night(means, as_of or default_as_of(project, now), force=force, only=only)


def _taken(_digest: Digest, _project: str) -> str:
    """A destination that takes everything and sends nothing."""
    return ""


def _run_night(work: Work, day: date, *, force: bool, only: Sequence[str]) -> NightResult:
    project, now = work.project, work.now
    with one_night_at_a_time(project.state, now=now), open_ledger(project.state) as ledger:
        run, steps = ledger.run(day), ledger.steps(day)
        wanted = [name for name in ORDER if not only or name in only]
        again = force and bool(only)
        todo = [name for name in wanted if again or name not in steps or steps[name].state not in ("done", "held")]
        if force:
            todo = [name for name in wanted if name in todo or (name in steps and steps[name].state == "held")]
        if not todo:
            return _told(work, ledger, day, before=run is not None)
        ledger.begin(day, forced=force, now=now)
        held = _steps(work, ledger, day, todo, force=force)
        whole = {name for name in ORDER if name in ledger.steps(day)} == set(ORDER)
        state = "held" if held else "done" if whole else "started"
        ledger.finish(day, state, now=now)
        return _told(work, ledger, day, held=held)


def _steps(work: Work, ledger: Ledger, day: date, todo: Sequence[str], *, force: bool) -> tuple[str, ...]:
    """Runs steps in their order; gives the sentences of the brakes that hold some of them."""
    holding: tuple[str, ...] | None = None
    for name in todo:
        if name in BRAKED and holding is None:
            holding = what_holds(work, day)
        if name in BRAKED and holding and not force:
            ledger.mark(day, name, "held", now=work.now, sentence=" ".join(holding), counts={"brakes": list(holding)})
            continue
        began = time.perf_counter()
        ledger.mark(day, name, "started", now=work.now)
        try:
            sofar = Sofar(day, {n: row.counts for n, row in ledger.steps(day).items() if row.state == "done"})
            done = STEPS[name](work, sofar)
        except PowermlError as error:
            ledger.mark(day, name, "failed", now=work.now, sentence=str(error), seconds=time.perf_counter() - began)
            raise
        said = done.sentence
        if name in BRAKED and holding and force:
            said = f"{said} (brake lifted: {' '.join(holding)})"
        ledger.mark(
            day, name, "done", now=work.now, sentence=said, counts=done.counts, seconds=time.perf_counter() - began
        )
    return holding or () if not force else ()


def _told(work: Work, ledger: Ledger, day: date, *, held: tuple[str, ...] = (), before: bool = False) -> NightResult:
    run, rows = ledger.run(day), ledger.steps(day)
    state = "done" if run is None else run.state
    if before:
        held = tuple(dict.fromkeys(b for row in rows.values() if row.state == "held" for b in row.counts["brakes"]))
    ordered = tuple(rows[name] for name in ORDER if name in rows)
    summary = (_who(work, day, before=before), _what(ordered), _next(run, held, before=before, day=day))
    if work.dry:
        summary = (*summary[:2], f"{summary[2]} This was a rehearsal: nothing was written, nothing sent.")
    return NightResult(day, state, ordered, held, summary, before, work.dry)


def _who(work: Work, day: date, *, before: bool) -> str:
    night = work.history.at(day)
    if night is None and before:
        return f"The history holds no {day} any more; powerml night --from {day} --to {day} fills it in."
    if night is None:
        return f"The night of {day} has no scores yet."
    mean = "" if night.mean_score is None else f", mean score {night.mean_score:.1f}"
    moves, earlier = change_since_last(work.history, night)
    if earlier is None or moves.empty:
        since = "it is the first night, so nothing is compared" if earlier is None else "nobody was scored at both"
        return f"{night.shown}: {night.scored:,} of {night.entities:,} scored{mean}; {since}."
    up, down = int((moves["steps"] > 0).sum()), int((moves["steps"] < 0).sum())
    moved = f"since {earlier.as_of} {up:,} moved up a band and {down:,} down ({moves['change'].mean():+.2f} on average)"
    month = change_since(work.history, night, LOOKED_BACK[-1])["change"]
    over = "" if month.empty else f", over {LOOKED_BACK[-1]} days {month.mean():+.2f}"
    return f"{night.shown}: {night.scored:,} of {night.entities:,} scored{mean}; {moved}{over}."


def _what(rows: Sequence[StepRow]) -> str:
    told = {row.step: row.sentence for row in rows if row.state == "done" and row.step in ("lists", "alerts")}
    return " ".join(f"{step.capitalize()}: {said}." for step, said in told.items()) or "No list and no alert was made."


def _next(run: Any, held: Sequence[str], *, before: bool, day: date) -> str:
    if held:
        return (
            f"Held back, for: {' '.join(held)} When that is right, lift the brake: powerml night --as-of {day} --force."
        )
    if before and run is not None:
        return f"This night was finished at {run.finished_at}; nothing was touched."
    return "Nothing is held back."


def filled_in(work: Work, cutoffs: Sequence[date]) -> tuple[list[Night], int]:
    """Makes nights of the dates, of each what is not there yet; gives them, and how many said the same already."""
    history, made, there = work.history, list[Night](), 0
    for some in batches(cutoffs, work.at_once) if cutoffs else ():
        for as_of, (frame, facts) in work.snapshots(some).items():
            work.note(f"scoring {as_of}")
            file = history.keep_snapshot(as_of, frame, facts)
            for asked in work.asked:
                entry, table = work.said(asked, as_of, file, frame, facts)
                if history.known(entry) is not None:
                    there += asked.role == "main"
                    continue
                entry = history.numbered(entry)
                history.keep_scores(entry, table)
                if entry.role == "main":
                    history.keep_table(as_of, tree_name(entry), work.tree(asked, frame, facts, table))
                history.admit(entry)
                made += [entry] if asked.role == "main" else []
    return made, there


def fill(
    project: ProjectSpec, first: date, last: date, *, every: Every = "day", now: datetime, note: Note = silent
) -> Filled:
    """Fills the history from the events as they were known at each date; sends nothing, and is no night of the ledger.

    Dates that say the same already stay as they are.
    """
    if last < first:
        raise UsageError(f"--from {first} --to {last}: the second date lies before the first; swap them")
    cutoffs = cutoff_dates(every, first, last)
    if not cutoffs:
        raise UsageError(f"no {every} begins from {first} to {last}; widen the dates, or give another --every")
    with one_night_at_a_time(project.state, now=now):
        history = NightHistory.of(project)
        work = Work(project, history, now=now, made_by="backfill", exports=project.base / EXPORTS, note=note)
        made, there = filled_in(work, cutoffs)
        removed = history.retain(project.history.keep_days)
        work.keep_labels()
        newest = history.newest()
        if newest is not None and any(entry.as_of == newest.as_of for entry in made):
            history.keep_table(newest.as_of, "people", work.people(history.snapshot(newest)))
            write_exports(history, newest, work.exports)
        return Filled(tuple(made), there, len(removed))
