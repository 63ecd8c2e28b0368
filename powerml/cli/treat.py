"""`powerml treat`: who of a list is touched, and who is held out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from powerml.cli import common


@common.command("treat", short_help="Draw who of a list is touched, and who is held out.")
@click.argument("path", type=click.Path(path_type=Path), metavar="LIST")
@click.option("--playbook", required=True, metavar="NAME", help="What is done to them.")
@click.option("--holdout", type=click.FloatRange(0, 0.9), default=0.2, show_default=True, help="The share held out.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same arms.")
@click.option("-o", "--output", type=common.FILE, help="The list with its arm; .csv or .parquet.")
def command(
    path: Path, playbook: str, holdout: float, seed: int, output: Path | None, config: Path, out: common.Output
) -> None:
    """Draws the accounts of a list to `treat` or `hold` within its bands, and writes that down for 'powerml impact'.

    The held out are touched by nobody until the outcome is known: against them the effect is told.
    """
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.treat import draw

    if output is not None:
        check_target(output)
    done = draw(load_project(config), path, playbook=playbook, holdout=holdout, seed=seed, now=datetime.now(UTC))
    if output is not None:
        write_table(done.rows, output, raw=out.raw)
    had = f"; {done.before} had an arm already and keep it" if done.before else ""
    out.say(f"{playbook}: {done.treat} to treat, {done.hold} held out{had}.")
    if holdout and done.treat and not done.hold:
        out.say("The list is too short to hold anybody out: 'powerml impact' will compare with others who are alike.")
    if output is not None:
        out.say(f"The list with its arms: {output}")
    out.result({"playbook": playbook, "treat": done.treat, "hold": done.hold, "before": done.before, "file": output})
