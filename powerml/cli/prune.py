"""`powerml prune`: old sessions removed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("prune", short_help="Remove old sessions, versions and their files.")
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="The N newest sessions stay (10 if nothing is said)."
)
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Only those older than so many days.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and stop.")
def command(keep: int | None, older_than: int | None, dry_run: bool, config: Path, out: common.Output) -> None:
    """Removes old sessions with their runs, versions and files; what an alias, a night or a way back needs stays."""
    from powerml.workflows.prune import prune

    project = common.project_or_store(config)
    with out.progress() as note:
        done = prune(project, keep=keep, older_than_days=older_than, is_tried=dry_run, now=datetime.now(UTC), note=note)
    for sentence in done.sentences:
        out.say(sentence)
    out.result(
        {
            "dry_run": dry_run,
            "sessions": [
                {"name": one.name, "began": one.began, "runs": one.run_ids, "versions": [v.shown for v in one.versions]}
                for one in done.sessions
            ],
            "runs": done.runs,
            "versions": [version.shown for version in done.versions],
            "bytes": done.bytes,
            "left": done.left,
            "kept_for": done.needed,
        }
    )
