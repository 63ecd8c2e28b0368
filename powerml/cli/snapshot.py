"""`powerml snapshot`: the snapshot table of a project at a date, or at the first of each month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common
from powerml.cli.common import DATE, FILE, Output
from powerml.errors import UsageError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


@common.command("snapshot", short_help="Write the snapshot table: every metric at a date.")
@click.option(
    "--as-of", type=DATE, multiple=True, help="Cutoff: the local midnight at which this day begins; as often as needed."
)
@click.option("--monthly", nargs=2, type=DATE, metavar="FROM TO", help="The first of each month, both ends included.")
@click.option("--labels", is_flag=True, help="Also what happened in the window after each cutoff.")
@click.option("-o", "--output", type=FILE, help="Where to write; .parquet or .csv.")
def command(
    config: Path,
    as_of: tuple[date, ...],
    monthly: tuple[date, date] | None,
    labels: bool,
    output: Path | None,
    out: Output,
) -> None:
    """Write the snapshot table: every metric of every entity, as known at a date.

    Without --as-of or --monthly the project's own `snapshots` setting says when. With `engine: spark` in the project
    file Spark makes them, and FILE is a folder of Parquet files.
    """
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target
    from powerml.snapshots.vocabulary import unmapped_sentence
    from powerml.workflows.snapshot import write_snapshots

    if as_of and monthly:
        raise UsageError("--as-of and --monthly exclude each other; give one of them")
    if output is None and not out.as_json:
        raise UsageError("nowhere to write; give -o FILE.parquet or -o FILE.csv")
    project = load_project(config)
    if output is not None and project.engine == "duckdb":
        check_target(output)
    with out.progress() as note:
        result = write_snapshots(project, output, as_of=as_of, monthly=monthly, labels=labels, raw=out.raw, note=note)
    gone = result.coverage[~result.coverage["available"]]
    out.table(result.loads)
    if len(gone):
        out.say(f"{len(gone)} of {len(result.coverage)} metrics not available (null columns):")
        out.table(gone[["metric", "reason"]])
    if result.unmapped:
        out.say(unmapped_sentence(result.unmapped, shown=10))
    cutoffs = len(result.dates)
    where = f" -> {output}" if output else ""
    if result.plan:
        out.say(f"{result.plan}.")
    out.say(f"{result.rows:,} rows at {cutoffs} cutoff{'s'[: cutoffs != 1]}{where}")
    out.result(
        {
            "rows": result.rows,
            "cutoffs": [day.isoformat() for day in result.dates],
            "file": output,
            "loads": result.loads,
            "unavailable": dict(zip(gone["metric"], gone["reason"], strict=True)),
            "unmapped_events": list(result.unmapped),
            "plan": result.plan,
        }
    )
