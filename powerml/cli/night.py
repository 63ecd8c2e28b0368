"""`powerml night`: the product from one night to the next."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.workflows.night.run import Filled, NightResult


@common.command("night", short_help="Check, snapshot, score, keep, list, alert: each night's work, once.")
@click.option("--as-of", type=common.DATE, help="The night's date; by default `observed_until`, else today.")
@click.option("--dry-run", is_flag=True, help="Say what every step would write or send; write and send nothing.")
@click.option("--force", is_flag=True, help="Lift the brakes, which is written down; with --only, do steps again.")
@click.option("--only", multiple=True, metavar="STEP", help="This step alone; as often as needed.")
@click.option("--from", "first", type=common.DATE, help="Fill the history from this date: sends nothing.")
@click.option("--to", "last", type=common.DATE, help="… to this date.")
@click.option("--every", type=click.Choice(["day", "week", "month"]), help="… a night a day (default), week or month.")
@click.pass_context
def command(
    context: click.Context,
    as_of: date | None,
    dry_run: bool,
    force: bool,
    only: tuple[str, ...],
    first: date | None,
    last: date | None,
    every: Literal["day", "week", "month"] | None,
    config: Path,
    out: common.Output,
) -> None:
    """Runs what is not done yet of a night; a finished night is left as it is.

    Exit status 1 where a brake holds back lists, alerts and sync. With --from and --to it fills the history instead,
    from the events as they were known at each date.
    """
    from powerml.config.project import load_project
    from powerml.errors import did_you_mean
    from powerml.workflows.night.run import ORDER, fill, run_night

    if (first is None) != (last is None):
        raise UsageError("--from and --to go together; give both")
    if first is not None and (as_of or force or only or dry_run):
        raise UsageError("--from fills the history; leave --as-of, --dry-run, --force and --only out")
    if every and first is None:
        raise UsageError("--every says how often --from … --to fills in; give both dates")
    for step in only:
        if step not in ORDER:
            raise UsageError(
                f"--only {step}: no such step{did_you_mean(step, ORDER) or '; there are ' + ', '.join(ORDER)}"
            )
    project, now = load_project(config), datetime.now(UTC)
    with out.progress() as note:
        if first is not None and last is not None:
            _show_filled(fill(project, first, last, every=every or "day", now=now, note=note), out)
            return
        done = run_night(project, as_of=as_of, force=force, only=only, now=now, dry=dry_run, note=note)
    _show(done, out)
    context.exit(1 if done.findings else 0)


def _show(done: NightResult, out: common.Output) -> None:
    """A line per step, three sentences."""
    for row in done.steps:
        seconds = "" if row.seconds is None else f"{row.seconds:6.1f} s"
        state = "would" if done.dry and row.state == "done" and not done.before else row.state
        out.say(f"{row.step:<9}{state:<6}{seconds:<10}{row.sentence}")
    for sentence in done.summary:
        out.say(sentence)
    steps = [
        {"step": row.step, "state": row.state, "seconds": row.seconds, "sentence": row.sentence, "counts": row.counts}
        for row in done.steps
    ]
    out.result(
        {
            "as_of": done.as_of,
            "state": done.state,
            "finished_before": done.before,
            "dry_run": done.dry,
            "steps": [{**step, "counts": _short(step["counts"])} for step in steps],
            "held": list(done.held),
            "summary": list(done.summary),
        }
    )


def _short(counts: object) -> dict[str, object]:
    """The counts of a step without what the next one is handed."""
    return {name: value for name, value in counts.items() if name != "nights"} if isinstance(counts, dict) else {}


def _show_filled(done: Filled, out: common.Output) -> None:
    dates = [night.as_of for night in done.made]
    span = f" from {min(dates)} to {max(dates)}" if dates else ""
    out.say(f"{len(dates)} nights filled in{span}; {done.there} were there already and stay as they are.")
    if done.removed:
        out.say(f"{done.removed} of them are older than the history is kept whole, and not the first of a month.")
    for remark in dict.fromkeys(remark for night in done.made for remark in night.remarks):
        out.say(remark)
    out.result({"filled": [d.isoformat() for d in dates], "there": done.there, "removed": done.removed})
