"""`powerml promote RUN|VERSION`: lock a version, and write the calibration record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("promote", short_help="Give a registered version the alias champion.")
@click.argument("wanted", metavar="RUN|VERSION")
@click.option("--alias", default="champion", show_default=True, help="The alias to give.")
@click.option("--force", is_flag=True, help="Promote although the overall verdict is not 'skill'.")
def command(wanted: str, alias: str, force: bool, config: Path, out: common.Output) -> None:
    """Gives a version (by its number, or the id of its run) the alias champion, and writes the calibration record."""
    from powerml.workflows.promote import promote

    done = promote(common.project_or_store(config), wanted, alias=alias, force=force, now=datetime.now(UTC))
    instead = "" if done.before is None else f" instead of version {done.before}"
    scorer, verdict = done.version.tags.get("powerml.scorer"), done.version.tags.get("powerml.verdict")
    out.say(f"{done.version.shown} ({scorer}, verdict {verdict!r}) is @{done.alias} now{instead}.")
    out.say(f"Recorded in {done.record}; recalibrate by {done.due}, or when the vocabulary changes.")
    out.result(
        {
            "model": done.version.model,
            "version": done.version.number,
            "alias": done.alias,
            "replaces_version": done.before,
            "verdict": verdict,
            "record": done.record,
            "recalibrate_by": done.due,
        }
    )
