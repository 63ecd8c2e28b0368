"""`powerml snapshot`: the snapshot table of a project, at a date, monthly, or as the project says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.sinks.files import write_table
from powerml.snapshots.windows import cutoff_dates
from powerml.workflows.on_spark import check_folder, open_on_spark
from powerml.workflows.project import USUAL_DATES, SnapshotResult, open_project, until_when

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.workflows.on_spark import WrittenSnapshots


def build(
    project: ProjectSpec,
    cutoffs: Sequence[date],
    *,
    labels: bool = False,
    note: Note = silent,
) -> SnapshotResult:
    """The snapshot table of a project at the local midnights of `cutoffs`, labels beside it if asked for."""
    until = until_when(project, cutoffs, labels=labels)
    opened = open_project(project, dates=len(cutoffs), until=until, note=note)
    return opened.build(cutoffs, labels=labels, note=note)


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
) -> SnapshotResult | WrittenSnapshots:
    """Builds snapshots at some dates, monthly, or as the project says, and writes them whole or not at all.

    `raw` as in `write_table`. With `engine: spark` they are a folder of Parquet files and are not given.
    """
    cutoffs = _cutoffs(as_of, monthly)
    if project.engine == "spark":
        if output is None:
            raise UsageError("engine: spark writes its snapshots; give -o FOLDER.parquet")
        check_folder(output)
        with open_on_spark(project, note=note) as there:
            chosen = there.cutoffs() if cutoffs is None else cutoffs
            return there.write_snapshots(chosen, output, labels=labels, note=note)
    dates = USUAL_DATES if cutoffs is None else len(cutoffs) or USUAL_DATES
    until = until_when(project, cutoffs or (), labels=labels)
    data = open_project(project, cache=cache, dates=dates, until=until, note=note)
    result = data.build(data.cutoffs() if cutoffs is None else cutoffs, labels=labels, note=note)
    if output is not None:
        write_table(result.frame, output, raw=raw)
    return result


def _cutoffs(as_of: Sequence[date], monthly: tuple[date, date] | None) -> list[date] | None:
    """The dates that were asked for; None where the project says when."""
    if as_of:
        return sorted(set(as_of))
    if monthly is None:
        return None
    first, last = monthly
    if last < first:
        raise UsageError(f"--monthly {first} {last}: the second date lies before the first; swap them")
    return cutoff_dates("month", first, last)
