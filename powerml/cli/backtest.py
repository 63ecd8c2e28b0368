"""`powerml backtest`: the list we would have had then, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from powerml.cli import common, options

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_SECTIONS = {
    "cs": {
        "hit": "Hits: listed, and churned",
        "false alarm": "False alarms: listed, and did not churn",
        "missed": "Missed churners",
    },
    "sales": {
        "hit": "Hits: listed, and expanded",
        "false alarm": "False alarms: listed, and did not expand",
        "missed": "Missed expansions",
    },
}


@common.command("backtest", short_help="The list we would have had then, and what happened.")
@click.option("--as-of", type=common.DATE, required=True, help="The day of the list.")
@click.option("--team", type=click.Choice(["cs", "sales"]), default="cs", show_default=True, help="Churn or expansion.")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many the list holds.")
@options.scorer("the champion, else the weights engagement")
@options.output("the list")
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
    from powerml.sinks.files import write_table
    from powerml.workflows.backtest import run_backtest

    with out.progress() as note:
        done = run_backtest(load_project(config), as_of, model=model, weights=weights, team=team, top=top, note=note)
    if output:
        write_table(done.result.rows, output, raw=out.raw)
    for sentence in done.sentences:
        out.say(sentence)
    out.say()
    rows = done.result.rows.drop(columns=["reasons", "p_stay"], errors="ignore")
    for which, words in _SECTIONS[team].items():
        mine = rows[rows["result"] == which].drop(columns="result").head(top)
        if len(mine):
            count = int((rows["result"] == which).sum())
            out.table(mine, f"{words} ({len(mine)} of {count}; why: points against the mean of that day)", digits=2)
    if done.expected is not None:
        out.table(done.expected, "Expected then", digits=2)
    if done.path is not None:
        out.table(done.path, "Churners in the months before they left, beside document D's path", digits=1)
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
            "path_before_churn": done.path,
        }
    )
