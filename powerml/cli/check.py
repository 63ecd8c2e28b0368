"""`powerml check`: reads everything and never stops; exit 1 when there is something to look at."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("check", short_help="Read everything, never stop: rows, coverage, gaps, ripe labels.")
def command(config: Path, out: common.Output) -> None:
    """Read every table and say what is there: rows in and out, coverage, odd days and users, ripe labels.

    Exit status 1 where there are findings.
    """
    from powerml.config.project import load_project
    from powerml.workflows.check import check

    project = load_project(config)
    with out.progress() as note:
        seen = check(project, note=note)
    out.table(seen.loads, title="Rows = loaded + quarantined + ignored")
    if len(seen.rules):
        out.table(seen.rules, title=f"Set aside (rows in {project.state / 'quarantine'})")
    look = seen.inspection
    if look.first:
        names = f"{look.distinct_names:,} event name{'s'[: look.distinct_names != 1]}"
        out.say(f"Events from {look.first} to {look.last} ({look.days:,} days), {names}")
        out.table(look.names, title="Most frequent event names")
    if len(look.gaps):
        out.table(look.gaps, title="Days without events where some were to be expected")
    if len(look.bots):
        out.table(look.bots.head(20), title=f"Users who are there as no person is ({len(look.bots):,})")
    gone = seen.coverage[~seen.coverage["available"].astype(bool)]
    if len(seen.coverage):
        out.say(f"{len(seen.coverage) - len(gone)} of {len(seen.coverage)} metrics available")
        if len(gone):
            out.table(gone[["metric", "reason"]], title="Not available")
    if len(seen.labels):
        out.table(seen.labels.tail(12), title="Labels, latest cutoffs of the project's setting")
    out.say(
        "Nothing to look at." if not seen.findings else f"{len(seen.findings)} finding{'s'[: len(seen.findings) != 1]}:"
    )
    for finding in seen.findings:
        out.say(f"- {finding}")
    if "stay" in seen.labels and seen.labels["stay"].sum():
        out.say("Next: powerml train; or without a model: powerml score --weights power_user -o scores.csv")
    out.result(
        {
            "loads": seen.loads,
            "quarantined": seen.rules,
            "first": look.first,
            "last": look.last,
            "event_names": look.distinct_names,
            "gaps": look.gaps,
            "bots": look.bots,
            "unavailable": dict(zip(gone["metric"], gone["reason"], strict=True)),
            "labels": seen.labels,
            "findings": list(seen.findings),
        }
    )
    sys.exit(1 if seen.findings else 0)
