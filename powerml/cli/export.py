"""`powerml export --canonical DIR`: the project's cleaned tables as folders of Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.cli.common import Output


@common.command("export", short_help="The project's cleaned tables as folders of Parquet.")
@click.option("--canonical", "folder", type=common.FILE, required=True, metavar="DIR", help="New folder to write.")
def command(folder: Path, config: Path, out: Output) -> None:
    """Write each table as DIR/TABLE/part-0.parquet: canonical columns, UTC instants, no bad row and no repeat.

    Whatever reads Parquet can read them, another powerml project too: files: DIR/events.
    """
    from powerml.config.project import load_project
    from powerml.workflows.export import export_canonical

    with out.progress() as note:
        report = export_canonical(load_project(config), folder, note=note)
    out.table(report, title="Rows = loaded + quarantined + ignored; those loaded were written")
    out.say(f"Wrote {folder}")
    out.result({"folder": str(folder), "tables": report})
