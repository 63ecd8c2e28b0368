"""`powerml compare`: weight sets and runs against each other on the same rows."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from powerml.cli import common, options

if TYPE_CHECKING:
    from pathlib import Path


@common.command("compare", short_help="Compare weight sets on the same rows.")
@click.argument("scorers", nargs=-1, required=True, metavar="RUN|WEIGHTS ...")
@click.option("--set", "settings", multiple=True, metavar="NAME=NUMBER", help="A number of a weight set to change.")
@click.option("--metrics", type=common.FILE, help="A table whose columns carry metric names, instead of snapshots.")
@options.page_file()
@options.seed()
def command(
    scorers: tuple[str, ...],
    settings: tuple[str, ...],
    metrics: Path | None,
    page: Path | None,
    seed: int,
    config: Path,
    out: common.Output,
) -> None:
    """Compares weight sets, by name or file, and runs, by id, version or alias, on the same held-out rows.

    One weight set with --set is compared with its edited self. Exits with 1 if a later one is worse than the first.
    """
    from powerml.config.project import load_project
    from powerml.workflows.compare import compare_on_project, compare_on_table, write_comparison

    numbers = common.settings(settings)
    if metrics is not None:
        project = load_project(config) if config.is_file() else None
        done = compare_on_table(metrics, scorers, settings=numbers, project=project, now=datetime.now(UTC))
    else:
        with out.progress() as note:
            done = compare_on_project(load_project(config), scorers, settings=numbers, seed=seed, note=note)
    if page is not None:
        write_comparison(done, page)
    for sentence in done.sentences:
        out.say(sentence)
    if done.comparison is not None:
        out.say()
        out.table(done.comparison.measures, "Measures (95 % intervals, by account)")
        out.table(done.comparison.pairs, "Pairs (gain of the second, Holm over pairs)")
    for (first, second), told in done.agreements.items():
        out.table(told.moves[told.moves["from"] != told.moves["to"]], f"Bands, from {first} to {second}")
        out.table(told.top, f"Enters and leaves the 20 highest and lowest, from {first} to {second}", digits=1)
    if page is not None:
        out.say(f"The page: {page}")
    out.result(
        {
            "scorers": done.names,
            "sentences": done.sentences,
            "measures": None if done.comparison is None else done.comparison.measures,
            "pairs": None if done.comparison is None else done.comparison.pairs,
            "agreements": [
                {
                    "first": first,
                    "second": second,
                    "n": told.n,
                    "kendall_tau": None if told.kendall_tau != told.kendall_tau else told.kendall_tau,
                    "changed_band": told.changed_band,
                    "moves": told.moves,
                    "top": told.top,
                }
                for (first, second), told in done.agreements.items()
            ],
        }
    )
    if done.second_worse:
        sys.exit(1)
