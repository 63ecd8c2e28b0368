"""`powerml recalibrate [VERSION]`: a version's base rates moved to the outcomes that came since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("recalibrate", short_help="Move a version's base rates to the outcomes that came since.")
@click.argument("wanted", metavar="[VERSION]", required=False)
def command(wanted: str | None, config: Path, out: common.Output) -> None:
    """Moves the intercepts of a version (by default the champion) to outcomes that came since, as a new version."""
    from powerml.config.project import load_project
    from powerml.workflows.recalibrate import recalibrate

    with out.progress() as note:
        done = recalibrate(load_project(config), wanted, note=note)
    for sentence in done.sentences:
        out.say(sentence)
    out.table(done.table, "Rates: expected before, came, expected now", digits=4)
    out.result(
        {
            "model": done.before.model,
            "version": done.before.number,
            "new_version": None if done.made is None else done.made.number,
            "since": done.since,
            "until": done.until,
            "rows": done.rows,
            "accounts": done.accounts,
            "moves": {
                name: {"by": m.by, "low": m.low, "high": m.high, "alarm": m.alarm} for name, m in done.moves.items()
            },
            "rates": done.table,
        }
    )
