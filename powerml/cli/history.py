"""`powerml history`: which nights are kept, and what was said of one entity night by night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NIGHTS_SHOWN = 60


@common.command("history", short_help="What was said, night by night; of one entity, too.")
@click.argument("entity", metavar="[ID]", required=False)
@click.option("--every", is_flag=True, help="Also other sets of a night and earlier revisions.")
@click.option("-o", "--output", type=common.FILE, help="Where to write; .parquet or .csv.")
def command(entity: str | None, every: bool, output: Path | None, config: Path, out: common.Output) -> None:
    """Lists the nights that are kept; with an ID its score, band, main reasons and what changed, night by night."""
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.history import nights_table, record

    if output is not None:
        check_target(output)
    project = load_project(config)
    table = nights_table(project, every=every) if entity is None else record(project, entity)
    if output is not None:
        write_table(table, output, raw=out.raw)
    shown = table.tail(NIGHTS_SHOWN)
    if len(shown) < len(table):
        out.say(f"The last {len(shown)} of {len(table)} nights; -o writes them all.")
    if entity is None:
        out.table(_short(shown), digits=2)
    else:
        out.say(f"{entity}, oldest night first:")
        out.table(shown[["as_of", "score", "band", "change", "because"]], digits=1)
        last = table.iloc[-1]
        if last["changed"]:
            out.say(f"Since the night before: {last['changed']}.")
    if output is not None:
        out.say(f"{len(table):,} rows in {output}")
    out.result({"rows": table, "file": output})


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """The table of nights as a terminal of 100 columns holds it: version beside the name, shares in per cent."""
    import pandas as pd

    fixed = ["as_of", "model", "model_version", "revision", "made_by", "entities", "mean_score"]
    shown = pd.DataFrame({"as_of": table["as_of"].astype(str)})
    shown["model"] = table["model"] + "@" + table["model_version"]
    shown["by"] = table["made_by"] + [f" r{n}" if n > 1 else "" for n in table["revision"]]
    shown["n"], shown["mean"] = table["entities"], table["mean_score"].round(1)
    for name in table.columns.difference(fixed, sort=False):
        shown[f"{name} %"] = (100 * table[name]).round(1)
    return shown
