"""`powerml doctor`: what keeps this machine or project from working; exit 1 when there is something."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("doctor", short_help="What keeps this machine or project from working, with fixes.")
def command(config: Path, out: common.Output) -> None:
    """Look at Python, packages, DuckDB, time zones, folders, disk, memory, environment variables and the MLflow store.

    Exit status 1 where there are findings; each says what to do.
    """
    from powerml.workflows.doctor import doctor

    looked, found = doctor(config)
    out.say(f"Looked at: {', '.join(looked)}.")
    out.say("Nothing to mend." if not found else f"{len(found)} finding{'s'[: len(found) != 1]}:")
    for one in found:
        out.say(f"- {one.about}: {one.what}; {one.fix}")
    out.result({"looked_at": looked, "findings": [{"about": f.about, "what": f.what, "fix": f.fix} for f in found]})
    sys.exit(1 if found else 0)
