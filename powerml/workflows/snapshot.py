"""`powerml snapshot`: the snapshot table of a project, at a date, monthly, or as the project says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.sinks.files import write_table
from powerml.snapshots.windows import cutoff_dates
from powerml.workflows.project import USUAL_DATES, SnapshotResult, open_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from powerml.config.project import ProjectSpec


def build(
    project: ProjectSpec,
    cutoffs: Sequence[date],
    *,
    labels: bool = False,
    note: Note = silent,
) -> SnapshotResult:
    """The snapshot table of a project at the local midnights of `cutoffs`, labels beside it if asked for."""
    return open_project(project, dates=len(cutoffs), note=note).build(cutoffs, labels=labels, note=note)


def write_snapshots(
    project: ProjectSpec,
    output: Path | None,
    *,
    cache: bool | None = None,
    as_of: Sequence[date] = (),
    monthly: tuple[date, date] | None = None,
    labels: bool = False,
    raw: bool = False,
    note: Note = silent,
) -> SnapshotResult:
    """Builds snapshots at some dates, monthly, or as the project says, and writes them whole or not at all.

    `raw` as in `write_table`.
    """
    asked: list[date] = sorted(set(as_of))
    if monthly and not asked:
        first, last = monthly
        if last < first:
            raise UsageError(f"--monthly {first} {last}: the second date lies before the first; swap them")
        asked = cutoff_dates("month", first, last)
    data = open_project(project, cache=cache, dates=len(asked) or USUAL_DATES, note=note)
    result = data.build(asked if as_of or monthly else data.cutoffs(), labels=labels, note=note)
    if output is not None:
        write_table(result.frame, output, raw=raw)
    return result
