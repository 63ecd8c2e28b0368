"""`powerml log`: what was kept aside goes to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("log", short_help="Send sessions kept aside to the store.")
def command(config: Path, out: common.Output) -> None:
    """Sends sessions that were trained while the store elsewhere did not answer, each once, the oldest first."""
    from powerml.workflows.log import send

    where, sent = send(common.project_or_store(config))
    if not sent:
        out.say(f"Nothing is kept aside for {where}.")
    for one in sent:
        also = " and, there being none, as champion" if one.champion is not None else ""
        out.say(f"Sent to {where}: run {one.logged.run_id}, registered as {one.version.shown}, challenger{also}.")
    out.result(
        {
            "store": where,
            "sent": [
                {
                    "run": one.logged.run_id,
                    "model": one.version.model,
                    "version": one.version.number,
                    "champion": one.champion is not None,
                }
                for one in sent
            ],
        }
    )
