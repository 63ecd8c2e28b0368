"""`powerml sync`: scores into PostHog, Attio, a webhook, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from powerml.workflows.sync import Synced

SAMPLE, ASIDE_SHOWN = 3, 10
SIGNS = {"create": "+", "update": "~", "remove": "-", "adopt": "="}


@common.command("sync", short_help="Scores into PostHog, Attio, a webhook, tables; a dry run unless --apply.")
@click.argument("sinks", nargs=-1, metavar="[SINK...]")
@click.option("--dry-run", is_flag=True, help="Say what would be done; so it is without --apply.")
@click.option("--apply", is_flag=True, help="Do it.")
@click.option("--max-writes", type=click.IntRange(0), metavar="N", help="At most so many writes to each sink.")
@click.option("--adopt", is_flag=True, help="Take over attributes, a list, a dashboard or tables that others made.")
@click.option("--force", is_flag=True, help="Lift the brakes of the night.")
@click.option("--from", "since", type=common.DATE, help="PostHog: earlier nights, too, as a migration.")
@click.pass_context
def command(
    context: click.Context,
    sinks: tuple[str, ...],
    dry_run: bool,
    apply: bool,
    max_writes: int | None,
    adopt: bool,
    force: bool,
    since: date | None,
    config: Path,
    out: common.Output,
) -> None:
    """Brings the sinks under `sync:` of the project to the newest night of the history.

    Without --apply it says what it would write, and with it does exactly that, unless a brake of the night holds, or
    would have held a night that was never run; --force lifts it, and is written down. Exit status 1 where it holds,
    where somebody was set aside or a sink did not take everything, which then waits for the next time.
    """
    from powerml.config.project import load_project
    from powerml.workflows.sync import SyncOptions, sync

    if dry_run and apply:
        raise UsageError("--dry-run and --apply exclude each other; give one")
    project = load_project(config)
    with out.progress() as note:
        found = sync(project, sinks, SyncOptions(apply, max_writes, adopt, since, force), note=note)
    for one in found:
        _show(one, out)
    out.result({"applied": apply, "sinks": [_plain(one) for one in found]})
    context.exit(1 if any(one.findings for one in found) else 0)


def _show(one: Synced, out: common.Output) -> None:
    plan, done = one.plan, one.done
    what = "would write" if done is None else "was to write"
    out.say(f"{plan.sink}, {plan.as_of}: {what} {len(plan.writes):,}; {plan.stays:,} stay as they are")
    for kind, actions in plan.counts().items():
        out.say("  " + f"{kind}: " + ", ".join(f"{action} {n:,}" for action, n in actions.items()))
    for write in plan.writes[:SAMPLE] if done is None else ():
        out.say(f"    {SIGNS[write.action]} {write.kind} {write.shown}")
    if plan.waiting:
        out.say(f"  {plan.waiting:,} more wait for the next time (--max-writes)")
    for remark in plan.remarks:
        out.say(f"  {remark}")
    aside = [*plan.aside, *(done.aside if done else ())]
    for one_aside in aside[:ASIDE_SHOWN]:
        out.say(f"  set aside: {one_aside.id[:60]!r}: {one_aside.why}")
    if len(aside) > ASIDE_SHOWN:
        out.say(f"  and {len(aside) - ASIDE_SHOWN:,} more set aside (--json names all)")
    if plan.refusal:
        out.say(f"  nothing is written: {plan.refusal}")
    failed = plan.failed if done is None else done.failed
    if failed:
        out.say(f"  not all of it: {failed}")
    if done is not None:
        out.say(f"  written: {done.written:,}")


def _plain(one: Synced) -> dict[str, Any]:
    plan, done = one.plan, one.done
    aside = [*plan.aside, *(done.aside if done else ())]
    sample = [{"action": w.action, "kind": w.kind, "what": w.shown} for w in plan.writes[:SAMPLE]]
    return {
        "sink": plan.sink,
        "as_of": plan.as_of,
        "writes": plan.counts(),
        "stays": plan.stays,
        "waiting": plan.waiting,
        "sample": sample,
        "aside": [{"id": a.id, "why": a.why} for a in aside],
        "remarks": list(plan.remarks),
        "refusal": plan.refusal or None,
        "failed": (plan.failed if done is None else done.failed) or None,
        "written": None if done is None else done.written,
    }
