"""`powerml tree`: what a score is made of, and what moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


@common.command("tree", short_help="What the score is made of, branch by branch, and what moved it.")
@click.argument("given", metavar="[WEIGHTS] [ID]", nargs=-1)
@click.option("--weights", metavar="FILE|NAME", help="A weight set's tree; by default that of the night's scorer.")
@click.option("--as-of", type=common.DATE, help="The night; by default the newest.")
@click.option("--since", type=common.DATE, help="The night to compare with; by default the one a month before.")
@click.option("-o", "--output", type=common.FILE, help="Where to write; .csv or .parquet.")
def command(
    given: tuple[str, ...], weights: str | None, as_of: date | None, since: date | None, output: Path | None,
    config: Path, out: common.Output,
) -> None:  # fmt: skip
    """Shows the mean score of a kept night (or one entity's) as a tree: branches with their owners, metrics below.

    What moved it since an earlier night adds up at every level; `from movers` is due to who came and went. A weight
    set's name or file before the id is the same as --weights.
    """
    from powerml.config import shipped
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.tree import metric_tree_of

    if output is not None:
        check_target(output)
    if given and weights is None and (given[0] in shipped.names("weights") or given[0].endswith((".yaml", ".yml"))):
        weights, given = given[0], given[1:]
    if len(given) > 1:
        raise UsageError(f"{' '.join(given[1:])}: one id at a time; a weight set stands before it")
    entity = given[0] if given else None
    done = metric_tree_of(load_project(config), entity, weights=weights, as_of=as_of, since=since)
    whole = done.rows.iloc[0]
    who = entity or f"the mean of {done.n:,}"
    out.say(f"{done.night.as_of} by {done.scorer}: {who} scores {whole['contribution']:.1f}.")
    if done.before is not None:
        movers = "" if entity else f", {whole['from_movers']:+.1f} of it from who came and went"
        out.say(f"Since {done.before.as_of} it moved by {whole['change']:+.1f}{movers}.")
    shown = done.rows.copy()
    shown.insert(0, "tree", [f"  {m}" if m else b for b, m in zip(shown["branch"], shown["metric"], strict=True)])
    shown = shown.drop(columns=["branch", "metric"]).rename(columns={"from_movers": "movers"})
    moved = shown["contribution"].abs().ge(0.05) | shown["change"].abs().ge(0.05) | done.rows["metric"].eq("")
    out.table(shown[moved].dropna(axis=1, how="all"), digits=1)
    if output is not None:
        write_table(done.rows, output, raw=out.raw)
        out.say(f"{len(done.rows):,} rows in {output}")
    out.result({
        "as_of": done.night.as_of, "since": None if done.before is None else done.before.as_of, "rows": done.rows,
        "file": output,
    })  # fmt: skip
