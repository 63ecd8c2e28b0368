"""The steps of a night, each a function of the night's means that gives its counts and its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.lists import project_lists
from powerml.errors import DataError, MissingColumns, PowermlError, UsageError
from powerml.history.alarms import Alarms
from powerml.history.exports import EXPORTS, write_exports
from powerml.history.ledger import open_ledger
from powerml.history.movement import new_speaker
from powerml.history.nights import Night
from powerml.history.trees import tree_name
from powerml.tracking.scorers import RegisteredScorer
from powerml.workflows.alerts import deliver, due_lists, list_lines, ring
from powerml.workflows.check import check, findings_at
from powerml.workflows.held import due_by, held_by
from powerml.workflows.kept_rollups import cache_folder
from powerml.workflows.list import keep_lists, written
from powerml.workflows.sync import SyncOptions, synced
from powerml.workflows.sync import exported as database_exports
from powerml.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from powerml.workflows.night.work import Work


@dataclass(frozen=True)
class Done:
    """What a step did: counts for machines, a sentence for people."""

    sentence: str
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sofar:
    """What the steps before have left for the next ones, as the ledger keeps it."""

    as_of: date
    counts: Mapping[str, Mapping[str, Any]]

    def of(self, step: str) -> Mapping[str, Any]:
        """The counts of an earlier step; raises UsageError where it was not done yet."""
        if step not in self.counts:
            raise UsageError(f"the night of {self.as_of} has no {step!r} step yet; run it first, with --only {step}")
        return self.counts[step]


def _check(work: Work, night: Sofar) -> Done:
    """Findings are said and stop nothing. What stops the next step is looked at once more, to say all of it."""
    try:
        found = findings_at(work.opened, night.as_of, now=work.now, note=work.note)
    except PowermlError:
        kept = cache_folder(work.project, work.cached)
        found = check(work.project, now=work.now, cache=kept, note=work.note).findings
    if not found:
        return Done("nothing to look at", {"findings": []})
    more = f" (and {len(found) - 1} more: powerml check)" if len(found) > 1 else ""
    return Done(f"{found[0]}{more}", {"findings": list(found)})


def _snapshot(work: Work, night: Sofar) -> Done:
    """The snapshot of the date, and who is who, beside the history."""
    frame, facts = work.snapshots([night.as_of])[night.as_of]
    name = work.history.keep_snapshot(night.as_of, frame, facts)
    work.history.keep_table(night.as_of, "people", work.people(frame))
    metrics = frame.select_dtypes("number")
    there = int(metrics.notna().any().sum())
    return Done(
        f"{len(frame):,} {work.project.entity}s, {there} metrics with values",
        {"file": name, "rows": len(frame), "metrics": there},
    )


def _score(work: Work, night: Sofar) -> Done:
    """A scores table for each set that something reads."""
    file = night.of("snapshot")["file"]
    snapshot, facts = work.history.kept(night.as_of, file)
    kept, said = [], []
    for asked in work.asked:
        entry, table = work.said(asked, night.as_of, file, snapshot, facts)
        known = work.history.known(entry)
        if known is None:
            known = work.history.numbered(entry)
            work.history.keep_scores(known, table)
            if known.role == "main":
                work.history.keep_table(night.as_of, tree_name(known), work.tree(asked, snapshot, facts, table))
                work.keep_usage(night.as_of, snapshot, table)
        kept.append(known)
        said.append(f"{known.scored:,} by {known.model}@{known.model_version}")
    return Done("; ".join([*said, *kept[0].remarks]), {"nights": [entry.to_json() for entry in kept]})


def _history(work: Work, night: Sofar) -> Done:
    """What was scored becomes part of the history; what it is compared with is scored by the same scorer; exports."""
    history, spec = work.history, work.project.history
    entries = [Night.from_json(text, file="night.db") for text in night.of("score")["nights"]]
    for entry in entries:
        if history.known(entry) is None:
            history.admit(entry)
    again = []
    for entry, asked in zip(entries, work.asked, strict=True):
        if any(n.as_of < entry.as_of for n in history.nights(None if entry.role == "main" else entry.model)):
            again += work.rescore(entry, asked)
    exported: dict[str, int] = {}
    untaken = ""
    newest = history.newest()
    if newest is not None and newest.as_of == night.as_of:
        exported = write_exports(history, newest, work.exports)
        untaken = "" if work.dry else database_exports(work.project, history, newest)
    gone = history.retain(spec.keep_days)
    revision = entries[0].revision
    said = f"revision {revision}" if revision > 1 else "kept"
    if again:
        said += f"; {len(again)} earlier scores tables made with the newer version, to compare like with like"
    if gone:
        said += f"; {len(gone)} nights older than {spec.keep_days} days thinned out"
    if exported:
        said += f"; {EXPORTS}/ has {' and '.join(f'{n:,} rows of {name}' for name, n in exported.items())}"
    said += f"; not in the database: {untaken}" if untaken else ""
    failed = [untaken] if untaken else []
    # what stands when the step is over, not what this attempt did: a night that was killed says what any other does
    counts = {"kept": len(entries), "rescored": len(again), "removed": len(gone), "exports": exported, "failed": failed}
    return Done(said, counts)


def _lists(work: Work, night: Sofar) -> Done:
    """Who stands on which list, and since when; and what came of earlier nights, by which lists are judged."""
    entry = work.history.at(night.as_of)
    if entry is None:
        raise UsageError(f"the night of {night.as_of} is not in the history; run it first, with --only history")
    work.history.keep_table(night.as_of, "treatments", work.treatments())
    work.keep_labels()
    counts = keep_lists(work.views(entry), list(project_lists(work.project).values()))
    told = ", ".join(f"{name} {n:,}" for name, n in counts.items())
    return Done(told, {"lists": counts})


def _alerts(work: Work, night: Sofar) -> Done:
    """Who rings, and what is sent of it; what is not taken waits for the next night."""
    entry = work.history.at(night.as_of)
    if entry is None:
        raise UsageError(f"the night of {night.as_of} is not in the history; run it first, with --only history")
    specs = project_lists(work.project)
    views = work.views(entry)
    rows = {
        name: list_lines(written(work.project, views, specs[name]).rows)
        for name in due_lists(work.project, night.as_of)
        if name in specs
    }
    with open_ledger(work.project.state) as ledger:
        rung = ring(work.project, views, ledger.con, lists=rows, now=work.now)
        fared = deliver(work.project, ledger.con, night=night.as_of, now=work.now, sender=work.sender)
        sent = Alarms.on(ledger.con).sent_by(night.as_of)
    counts = rung.fired["alert"].value_counts() if len(rung.fired) else pd.Series(dtype=int)
    told = ", ".join(f"{name} {n}" for name, n in counts.items()) or "nobody rang"
    if rung.first:
        told = "the first night: what is true already is written down, nothing rings"
    if sent:
        told += f"; {sent} digests {'would go out' if work.dry else 'sent'}"
    if fared["failed"]:
        told += f"; {len(fared['failed'])} digests wait: {fared['failed'][0]}"
    if changed := new_speaker(work.history, entry):
        told += f"; {changed.removesuffix('.')}"
    if rung.remarks:
        told += f"; {len(rung.remarks)} rules could not be looked at ({rung.remarks[0]})"
    plain = {str(name): int(n) for name, n in counts.items()}
    return Done(told, {"fired": plain, "sent": sent, "failed": fared["failed"], "lacking": rung.remarks})


def _page(work: Work, night: Sofar) -> Done:
    """The page of the newest night, beside the two tables in `exports/`."""
    from powerml.workflows.report import PAGE, make_report  # what draws is loaded by who draws

    newest = work.history.newest()
    if newest is None or newest.as_of != night.as_of:
        return Done("a later night is kept, and the page stays that one's", {"page": None})
    try:
        made = make_report(work.project, as_of=night.as_of, views=work.views(newest), now=work.now, note=work.note)
    except (DataError, MissingColumns) as error:  # no page is no reason to hold the rest
        return Done(f"not made: {error}", {"page": None})
    work.exports.mkdir(parents=True, exist_ok=True)
    write_whole(work.exports / PAGE, made.html)
    return Done(f"{work.exports.name}/{PAGE}", {"page": PAGE})


def _sync(work: Work, night: Sofar) -> Done:
    """What the project's sinks lack of this night; what one of them does not take waits for the next."""
    names = tuple(work.project.sync.named)
    if not names:
        return Done("no sink is named")
    entry = work.history.newest()
    if entry is None or entry.as_of != night.as_of:
        return Done("a later night is kept, and the sinks stay that one's")
    found = synced(work.project, work.history, entry, names, SyncOptions(apply=not work.dry), note=work.note)
    failed = [f"{one.plan.sink}: {told}" for one in found if (told := one.trouble)]
    aside = sum(len(one.plan.aside) + len(one.done.aside if one.done else ()) for one in found)
    told = ", ".join(
        f"{one.plan.sink} would get {len(one.plan.writes):,} writes"
        if work.dry
        else f"{one.plan.sink} {one.done.written if one.done else 0:,} written"
        for one in found
    )
    told += f"; {aside:,} set aside (powerml sync names them)" if aside else ""
    told += f"; {'; '.join(failed)}" if failed else ""
    written = {one.plan.sink: one.done.written if one.done else len(one.plan.writes) * work.dry for one in found}
    return Done(told, {"written": written, "aside": aside, "failed": failed})


STEPS: dict[str, Callable[[Work, Sofar], Done]] = {
    "check": _check,
    "snapshot": _snapshot,
    "score": _score,
    "history": _history,
    "lists": _lists,
    "alerts": _alerts,
    "page": _page,
    "sync": _sync,
}
"""The steps that are there, in their order."""
BRAKED = ("lists", "alerts", "sync")
"""The steps that a brake holds."""


def what_holds(work: Work, as_of: date) -> tuple[str, ...]:
    """The sentences of the brakes that hold a night whose history is written."""
    night = work.history.at(as_of)
    if night is None:
        return ()
    scorer = work.asked[0].scorer
    by = due_by(scorer.registered) if isinstance(scorer, RegisteredScorer) else None
    return held_by(work.project.night, work.history, night, due=by, today=work.now.date())
