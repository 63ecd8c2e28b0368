"""`powerml ids PSEUDONYM...`: pseudonyms of the store turned back into ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("ids", short_help="Turn pseudonyms of the store back into ids.")
@click.argument("pseudonyms", metavar="PSEUDONYM...", nargs=-1, required=True)
def command(pseudonyms: tuple[str, ...], config: Path, out: common.Output) -> None:
    """Says whose pseudonyms these are; the project's key (.powerml/pseudonym.key) and its data must be here."""
    from powerml.config.project import load_project
    from powerml.errors import DataError
    from powerml.workflows.ids import resolve_ids

    done = resolve_ids(load_project(config), pseudonyms, now=datetime.now(UTC))
    if len(done.table):
        out.table(done.table, "Behind the pseudonyms")
    out.result({"ids": done.table, "unknown": done.unknown})
    if done.unknown:
        raise DataError(f"{', '.join(done.unknown)}: of nobody in the project's data, or made with another key")
