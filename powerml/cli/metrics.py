"""`powerml metrics`: the catalogue and the project's own metrics, with definition, unit, window, direction, source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.cli.common import Output


@common.command("metrics", short_help="List the metrics: definition, unit, window, direction, source.")
@click.argument("names", nargs=-1)
def command(config: Path, names: tuple[str, ...], out: Output) -> None:
    """List the metrics (or those NAMES) with definition, unit, window, direction and source.

    The project's own are listed too where there is a project file.
    """
    from powerml.workflows.metrics import list_metrics

    frame = list_metrics(config, names)
    out.table(frame.drop(columns=["quote"]) if not names else frame)
    out.say(f"{len(frame)} metrics")
    out.result(frame)
