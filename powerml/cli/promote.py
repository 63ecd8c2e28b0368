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
@click.option(
    "--force", is_flag=True, help="Promote although the overall verdict is not 'skill', or the champion is better."
)
def command(wanted: str, alias: str, force: bool, config: Path, out: common.Output) -> None:
    """Gives a version (by its number, or the id of its run) the alias champion, and writes the calibration record.

    Where there is a champion, both are compared on labels that neither learned from. An earlier champion comes back by
    its number.
    """
    from powerml.workflows.promote import promote

    project = common.project_or_store(config)
    with out.progress() as note:
        done = promote(project, wanted, alias=alias, force=force, now=datetime.now(UTC), note=note)
    instead = "" if done.before in (None, done.version.number) else f" instead of version {done.before}"
    if done.compared:
        out.say(done.compared)
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
            "against_champion": done.answer or None,
            "compared": done.compared or None,
            "record": done.record,
            "recalibrate_by": done.due,
        }
    )
