"""`powerml simulate FOLDER`: a simulated product with known truth."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from powerml.workflows.simulate import Description

_PRESETS = "history, validation, interaction, drift, null or leak."


@common.command("simulate", short_help="Write a simulated product and its truth.")
@click.argument("folder", type=common.FILE)
@click.option("--preset", default="validation", show_default=True, help=_PRESETS)
@click.option("--users", type=click.IntRange(min=1), default=2000, show_default=True, help="Users ever seen.")
@click.option("--months", type=click.IntRange(min=1), default=24, show_default=True, help="Calendar months of data.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Same seed, same bytes.")
@click.option("--start", type=common.DATE, default="2024-01-01", show_default=True, help="First of the first month.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--describe", is_flag=True, help="Also measure it: documented against achieved effect sizes.")
def command(
    folder: Path,
    preset: str,
    users: int,
    months: int,
    seed: int,
    start: date,
    workers: int,
    describe: bool,
    config: Path,
    out: common.Output,
) -> None:
    """Write a simulated product with known truth into the new folder FOLDER.

    It is a project like anybody's: powerml -c FOLDER/powerml.yaml works on it. What really happened stands in
    FOLDER/truth.
    """
    from powerml.simulation import write_product

    with _users_done(out, users) as progress:
        manifest = write_product(
            folder, preset, users=users, months=months, seed=seed, start=start, workers=workers, progress=progress
        )
    out.say(
        f"{manifest.users:,} users, {manifest.rows['accounts']:,} accounts, {manifest.events:,} events "
        f"(and {manifest.duplicates:,} exact duplicates) over {months} months -> {folder}"
    )
    result: dict[str, object] = {"manifest": asdict(manifest)}
    if describe:
        from powerml.workflows.simulate import describe as measure

        with out.progress() as note:
            measured = measure(folder, manifest, note=note)
        _show(measured, out)
        result |= {name: getattr(measured, name) for name in ("effects", "rates", "path", "oracles")}
    else:
        out.say(f"Next: powerml check -c {folder / 'powerml.yaml'}")
    out.result(result)


@contextmanager
def _users_done(out: common.Output, users: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar with the rate in users per second on a terminal; nothing in a pipe or when quiet."""
    if out.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} users, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=users, rate=0.0)
        yield lambda done, _total: bar.update(task, completed=done, rate=bar.tasks[task].speed or 0.0)


def _show(measured: Description, out: common.Output) -> None:
    effects = measured.effects
    out.table(effects.drop(columns=["n_with", "n_without"]), "Documented effect sizes (with / without the outcome)")
    out.say(f"{int(effects['within_15_percent'].sum())} of {len(effects)} within 15 % on both sides.\n")
    out.table(measured.rates, "Outcomes per 90 days")
    out.table(measured.path, "Mean engagement score of churners by months before they left", digits=1)
    out.table(measured.oracles, "What can be known at all")
