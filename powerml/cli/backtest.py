"""`powerml backtest`: the list we would have had then, and what happened."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import click

from powerml.cli import common


@common.command("backtest", short_help="The list we would have had then, and what happened.")
@click.option("--as-of", type=common.DATE, required=True, help="The day of the list.")
@click.option("--team", type=click.Choice(["cs", "sales"]), default="cs", show_default=True, help="Churn or expansion.")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many the list holds.")
@click.option("--model", metavar="NAME@ALIAS", help="A registered version [default: the champion, else engagement].")
@click.option("--weights", metavar="FILE|NAME", help="A weight set instead.")
@click.option("-o", "output", type=common.FILE, help="Write the list to this .csv or .parquet file.")
def command(
    as_of: date,
    team: Literal["cs", "sales"],
    top: int,
    model: str | None,
    weights: str | None,
    output: Path | None,
    config: Path,
    out: common.Output,
) -> None:
    """The list we would have had on a day, by a scorer made from what was known then: hits, false alarms, misses."""
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.backtest import run_backtest

    if output:
        check_target(output)
    with out.progress() as note:
        done = run_backtest(load_project(config), as_of, model=model, weights=weights, team=team, top=top, note=note)
    if output:
        write_table(done.result.rows, output)
    for sentence in done.sentences:
        out.say(sentence)
    shown = done.result.rows.drop(columns="reasons", errors="ignore")
    out.table(shown[shown["result"] != "missed"], "The list", digits=2)
    out.table(shown[shown["result"] == "missed"].head(top), "Missed", digits=2)
    if done.expected is not None:
        out.table(done.expected, "Expected then", digits=2)
    result = done.result
    out.result(
        {
            "as_of": as_of,
            "team": team,
            "scorer": done.scorer,
            "listed": result.listed,
            "hits": result.hits,
            "events": result.events,
            "sentences": done.sentences,
            "rows": result.rows,
            "expected": done.expected,
        }
    )
