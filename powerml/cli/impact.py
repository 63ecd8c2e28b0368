"""`powerml impact`: whether a playbook did anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("impact", short_help="Whether a playbook did anything, with its interval.")
@click.option("--playbook", metavar="NAME", help="One playbook; by default all.")
@click.option("-o", "--output", type=common.FILE, help="Where to write; .csv or .parquet.")
def command(playbook: str | None, output: Path | None, config: Path, out: common.Output) -> None:
    """Says what a playbook did to churn, expansion and the score: against its holdout, else against alike ones.

    `smallest visible` is the smallest effect that this many would have shown four times out of five.
    """
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.impact import impact

    if output is not None:
        check_target(output)
    done = impact(load_project(config), playbook)
    out.table(done.rows.rename(columns={"smallest_visible": "smallest"}))
    for sentence in done.sentences:
        out.say(sentence)
    if output is not None:
        write_table(done.rows, output, raw=out.raw)
        out.say(f"{len(done.rows):,} rows in {output}")
    out.result({"rows": done.rows, "sentences": list(done.sentences), "file": output})
