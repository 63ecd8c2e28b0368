"""`powerml forget`: somebody removed from all that a project keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.workflows.forget import Forgot

FORGOT_SHOWN = 20
_WORDS = {
    "history": "rows of the history", "exports": "rows of the tables in exports/", "treatments": "drawn treatments",
    "ledger": "rows of the ledger", "pages": "pages in exports/ (powerml report makes them anew)",
    "caches": "caches (made anew when they are needed)",
}  # fmt: skip


@common.command("forget", short_help="Remove somebody from all that the project keeps, for good.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--dry-run", is_flag=True, help="Say what would go, and stop.")
def command(ids: tuple[str, ...], dry_run: bool, config: Path, out: common.Output) -> None:
    """Removes users (accounts, where those are scored) from history, lists, exports, caches and ledgers.

    A keyed hash stays, by which loading leaves them out from then on. Sources are not touched: it prints which of them
    still name somebody, and which sinks still hold them.
    """
    from powerml.config.project import load_project
    from powerml.workflows.forget import forget

    project = load_project(config)
    with out.progress() as note:
        done = forget(project, ids, tried=dry_run, now=datetime.now(UTC), note=note)
    _show(done, out)
    out.result(
        {
            "dry_run": done.tried,
            "ids": list(done.ids),
            "removed": done.rows,
            "sinks": [{"sink": sink, "holds": what} for sink, what in done.sinks],
            "sources": [{"table": table, "file": file, "rows": rows} for table, file, rows in done.sources],
            "files": list(done.files),
            "remarks": list(done.remarks),
        }
    )


def _show(done: Forgot, out: common.Output) -> None:
    verb = "would go" if done.tried else "gone"
    told = [f"{n:,} {_WORDS[place]}" for place, n in done.rows.items() if n]
    out.say(f"{verb}: {', '.join(told) or 'nothing was kept'}")
    for sink, what in done.sinks[:FORGOT_SHOWN]:
        out.say(f"still held by {sink}: {what}; remove it there")
    for table, file, rows in done.sources[:FORGOT_SHOWN]:
        out.say(f"still named by {file} ({table}, {rows:,} rows); loading leaves them out")
    for file in done.files[:FORGOT_SHOWN]:
        out.say(f"still named in {file}; remove it, or make it anew")
    more = sum(max(0, len(some) - FORGOT_SHOWN) for some in (done.sinks, done.sources, done.files))
    if more:
        out.say(f"and {more:,} more (--json names all)")
    for remark in done.remarks:
        out.say(remark)
