"""`powerml init`: a project file from one's own data; with --check what no longer fits it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from powerml.cli import common
from powerml.errors import UsageError


@common.command("init", short_help="A project file from your own files; --check: what no longer fits.")
@click.argument("paths", nargs=-1, type=common.FILE)
@click.option("-o", "target", type=common.FILE, default=Path("powerml.yaml"), show_default=True, help="File to write.")
@click.option("--database", metavar="NAME", help="In place of paths: environment variable with a PostgreSQL address.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; say what in the data the project file lacks.")
def command(
    paths: tuple[Path, ...],
    target: Path,
    database: str | None,
    check_only: bool,
    config: Path,
    out: common.Output,
) -> None:
    """Look at files, folders, a DuckDB file or a PostgreSQL server and find which table is which.

    What is found becomes the project file and its vocabulary.
    What it is not sure of is marked in the file. Nothing is overwritten. With --check exit status 1 where event names,
    columns or plans came that the project file does not name.
    """
    if check_only and database:
        raise UsageError("init --check: reads what the project file names; leave --database out")
    if check_only:
        _check(paths, config, out)
    from powerml.workflows.init import init

    if bool(paths) == bool(database):
        raise UsageError("init: name the files or folders to look at, like: powerml init export/; or a --database")
    with out.progress() as note:
        begun = init(paths, target, database=database, note=note)
    out.table(begun.loads, title="Rows = loaded + quarantined + ignored")
    for title, said in (("Sure of", begun.sure), ("Guessed", begun.guessed), ("Needs", begun.needed)):
        if said:
            out.say(f"{title}:")
            for sentence in said:
                out.say(f"- {sentence}")
    names = f"{len(begun.names):,} event name{'s'[: len(begun.names) != 1]}"
    out.say(f"{names}. Wrote {begun.files[0]} and {begun.files[1]}; next: powerml check")
    out.result(
        {
            "files": [str(file) for file in begun.files],
            "sure": list(begun.sure),
            "guessed": list(begun.guessed),
            "needed": list(begun.needed),
            "loads": begun.loads,
            "event_names": len(begun.names),
        }
    )


def _check(paths: tuple[Path, ...], config: Path, out: common.Output) -> None:
    from powerml.config.project import load_project
    from powerml.workflows.init import no_longer_fits

    if paths:
        raise UsageError("init --check: reads what the project file names; leave the paths out")
    with out.progress() as note:
        found = no_longer_fits(load_project(config), note=note)
    out.say("The data fits the project file." if not found else f"{len(found)} finding{'s'[: len(found) != 1]}:")
    for sentence in found:
        out.say(f"- {sentence}")
    out.result({"findings": list(found)})
    sys.exit(1 if found else 0)
