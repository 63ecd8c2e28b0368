"""`powerml check`: everything read, nothing stopped; what is there, what is odd, what is ripe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from powerml.errors import PowermlError
from powerml.progress import Note, silent
from powerml.snapshots.needs import columns_asked
from powerml.snapshots.rollup import NEVER
from powerml.snapshots.vocabulary import literal_brackets, unmapped_sentence
from powerml.sources.inspect import Inspection, findings_of_events, inspect_events
from powerml.sources.oddities import oddities
from powerml.tables import OUTCOMES
from powerml.tracking.due import champions_due, reviews_due
from powerml.workflows.project import OpenProject, opened, project_metrics, read_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.sources.loaded import Loaded

LOOKED_AT_DAYS = 90  # of a night: as far as the windows of snapshots reach


@dataclass(frozen=True)
class CheckResult:
    """What was seen.

    loads: per table rows = loaded + quarantined + ignored. rules: quarantined rows by table, rule, column. coverage:
    metric, available, reason. labels: per cutoff how many rows of each label. findings: a sentence for each thing to
    look at, worst first; empty means all is well.
    """

    loads: pd.DataFrame
    rules: pd.DataFrame
    inspection: Inspection
    coverage: pd.DataFrame
    unmapped: tuple[str, ...]
    labels: pd.DataFrame
    findings: tuple[str, ...]


def check(
    project: ProjectSpec, *, now: datetime | None = None, cache: Path | None = None, note: Note = silent
) -> CheckResult:
    """Reads every table of a project and says what is there; errors of the data become findings.

    So does what is due: the champion to be trained again, a locked weight set to be reviewed. With a `cache` folder, as
    in `open_sources`.
    """
    now = now or datetime.now(UTC)
    metrics = project_metrics(project)
    loaded = read_sources(project, now=now, extra=columns_asked(metrics.values()), lenient=True, cache=cache, note=note)
    inspection = inspect_events(loaded, timezone=project.timezone)
    findings = _of_sources(loaded, inspection.findings)
    coverage = pd.DataFrame(columns=["metric", "available", "reason"])
    labels = pd.DataFrame(columns=["as_of", "ineligible", "immature", "churn", "stay", "expand"])
    unmapped: tuple[str, ...] = ()
    project_data: OpenProject | None = None
    if "events" in loaded.tables and inspection.days:
        try:
            project_data = opened(project, metrics, loaded, note=note)
            note("labels")
            coverage, labels, unmapped = _seen(project_data)
            ripe = labels[[c for c in OUTCOMES if c in labels]].to_numpy().any()
            findings += _ripe(any_cutoff=not labels.empty, ripe=bool(ripe))
        except PowermlError as error:
            findings.append(str(error))
    findings += _of_names(loaded, project_data, unmapped)
    note("what is due")
    findings += _due(project, now, project_data)
    loaded.con.close()  # whoever reads next may keep what is read
    return CheckResult(
        loaded.report, loaded.rules, inspection, coverage, unmapped, labels, tuple(dict.fromkeys(findings))
    )


def findings_at(data: OpenProject, as_of: date, *, now: datetime, note: Note = silent) -> tuple[str, ...]:
    """The findings of `check` on a project that is open, for who looks at it every night.

    Of the events, those of the last 90 days before a date are looked at: no window of a snapshot reaches further back,
    and what was odd before has been said. No snapshot is made for the tables that `check` shows beside; labels count as
    mature where the windows of a cutoff were seen to their end.
    """
    data.inputs.engine.wait()
    note("looking at events")
    midnight = datetime.combine(as_of, time(), ZoneInfo(data.project.timezone))
    with data.loaded.since(midnight - timedelta(days=LOOKED_AT_DAYS)) as loaded:
        findings = _of_sources(loaded, findings_of_events(loaded, timezone=data.project.timezone))
    cutoffs = data.cutoffs()
    findings += _ripe(any_cutoff=bool(cutoffs), ripe=bool(cutoffs and data.mature(cutoffs)))
    findings += _of_names(data.loaded, data, tuple(data.rollups.kinds.unmapped(data.rollups.seen < NEVER)))
    return tuple(dict.fromkeys([*findings, *_due(data.project, now, data)]))


def _of_sources(loaded: Loaded, events: Sequence[str]) -> list[str]:
    return [*loaded.problems, *_quarantined(loaded), *oddities(loaded), *events]


def _of_names(loaded: Loaded, data: OpenProject | None, unmapped: Sequence[str]) -> list[str]:
    """Rules without events, events without a rule, and columns whose names look like ones that are missing."""
    found = [] if data is None else _idle_rules(data)
    if unmapped:
        found.append(unmapped_sentence(unmapped, shown=5))
    for table, columns in loaded.unused.items():
        if absent := [c for c in columns if _near(c, table)]:
            found.append(f"{table}: the source column {absent[0]!r} is not mapped; map it if it is meant")
    return found


def _due(project: ProjectSpec, now: datetime, data: OpenProject | None) -> list[str]:
    """What is to be trained or reviewed again."""
    try:
        found = list(champions_due(project, now=now, rollups=None if data is None else data.rollups))
    except PowermlError as error:
        found = [str(error)]
    return [*found, *reviews_due(project, now=now)]


def _idle_rules(data: OpenProject) -> list[str]:
    """Rules of the vocabulary that match no event; brackets meant literally are the usual reason."""
    kinds = data.rollups.kinds
    idle = kinds.idle(data.rollups.seen < NEVER)
    names = kinds.frame["event"]
    meant = {rule: literal for rule in idle if (literal := literal_brackets(rule, names))}
    found = [
        f"vocabulary: the rule {rule!r} matches no event, for [] stands for one of the characters in it; write "
        f"{literal!r} to mean the brackets themselves"
        for rule, literal in meant.items()
    ]
    if others := [rule for rule in idle if rule not in meant]:
        shown = ", ".join(map(repr, others[:5])) + (", …" if len(others) > 5 else "")
        found.append(f"vocabulary: {len(others)} rules match no event: {shown}; correct the names, or drop them")
    return found


def _near(column: str, table: str) -> bool:
    from powerml.errors import did_you_mean
    from powerml.tables import TABLES

    return bool(did_you_mean(column, TABLES[table].names))


def _quarantined(loaded: Loaded) -> list[str]:
    rows = loaded.report[loaded.report["quarantined"] > 0]
    found = [f"{row.table}: {row.quarantined:,} of {row.rows:,} rows set aside" for row in rows.itertuples()]
    repeats = loaded.report[loaded.report["duplicates"] > 0]
    return found + [
        f"{row.table}: {row.ignored:,} exact repeats of an event_id, counted once" for row in repeats.itertuples()
    ]


def _seen(data: OpenProject) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Coverage, labels per cutoff of the project's own setting, and event names without a meaning."""
    last = data.cutoffs()[-1:] or [data.last_day]
    whole = data.build(last)
    cutoffs = data.cutoffs()
    if not cutoffs:
        return whole.coverage, pd.DataFrame(columns=["as_of"]), whole.unmapped
    labelled = data.for_labels().build(cutoffs, labels=True).frame
    counts = labelled.groupby(["as_of", "label"]).size().unstack(fill_value=0)
    names = [n for n in ("ineligible", "immature", "churn", "stay", "expand") if n in counts]
    return whole.coverage, counts[names].reset_index().rename_axis(columns=None), whole.unmapped


def _ripe(*, any_cutoff: bool, ripe: bool) -> list[str]:
    if not any_cutoff:
        return ["No cutoff at all: there is less than one period of data; widen `snapshots`."]
    if not ripe:
        do = "only scored with a documented weight set, like: powerml score --weights power_user -o scores.csv"
        return [f"No label is mature yet: nothing can be trained or judged, {do}"]
    return []
