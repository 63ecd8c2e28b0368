"""`powerml ui`: the MLflow UI on the project's store."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from powerml.cli import common
from powerml.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


@common.command("ui", short_help="Open the MLflow UI on the project's store.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Port to listen on.")
@click.option("--print", "only_print", is_flag=True, help="Print the command and stop.")
def command(host: str, port: int, only_print: bool, config: Path, out: common.Output) -> None:
    """Serves the MLflow UI on the project's store until you press Ctrl-C; prints the links where a server runs it."""
    from powerml.tracking.store import environment, store_of
    from powerml.tracking.views import prepare_views

    project = common.project_or_store(config)
    store = store_of(project)
    if not store.exists:
        raise StoreError(f"{store.folder}: nothing is tracked here yet; run 'powerml train' first")
    arguments = [] if store.serves_itself else ["mlflow", *store.command(host=host, port=port)]
    at = store.shown.rstrip("/") if store.serves_itself else f"http://{host}:{port}"
    views = prepare_views(store, project.project)
    if views is None and not store.is_own:
        raise StoreError(f"{store.shown}: holds no run of {project.project!r} yet; run 'powerml train' first")
    links = {} if views is None else {"runs": at + views.table}
    if views is not None and views.comparison is not None:
        links["comparison"] = at + views.comparison
    if arguments:
        out.say(" ".join([*store.served_address_shown, shlex.join(arguments)]))
    out.result({"command": arguments, "url": at, "links": links})
    for name, words in (("runs", "All runs"), ("comparison", "The newest session's scorers side by side")):
        if name in links:
            out.say(f"{words}: {links[name]}")
    if store.serves_itself:
        out.say(f"{at}  (its server runs already)")
    if only_print or not arguments:
        return
    out.say(f"{at}  (Ctrl-C ends it)")
    # addresses in the store are relative to the project's folder; what MLflow writes is its owner's alone
    started = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment(), **store.served_address},
        cwd=store.folder.parent,
        umask=0o077,
    )
    try:
        sys.exit(started.wait())
    except KeyboardInterrupt:
        started.wait()
