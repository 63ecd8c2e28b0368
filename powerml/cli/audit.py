"""`powerml audit CLAIMS.yaml`: what a published scorecard's own numbers imply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from pathlib import Path


@common.command("audit", short_help="What a published scorecard's own numbers imply.")
@click.argument("claims", metavar="CLAIMS.yaml")
@click.option("--table", type=common.FILE, help="Scores or a snapshot, to hold shares of tiers and of metrics against.")
def command(claims: str, table: Path | None, config: Path, out: common.Output) -> None:
    """What a published scorecard's own numbers imply.

    CLAIMS.yaml is a claim file, or the name of a shipped one: engagement, power_user, power_user_rule,
    power_user_signals. With --table, claimed shares of users are held against yours. Exits with 1 if any of its
    numbers contradict each other.
    """
    from powerml.workflows.audit import audit

    done = audit(claims, table=table, base=config.resolve().parent)
    out.say(f"Document {done.document}\n")
    for check in done.checks:
        out.say(f"{check.verdict.upper():<18}  {check.code}")
        out.say(f"    claimed  {check.claimed}")
        out.say(f"    implied  {check.implied}")
        out.say(f"    section  {check.section}\n" if check.section else "")
    found = len(done.contradictions)
    unknown = sum(check.verdict == "cannot be checked" for check in done.checks)
    many = f"{len(done.checks)} check{'' if len(done.checks) == 1 else 's'}"
    wrong = f"{found} contradiction{'' if found == 1 else 's'}"
    out.say(f"{many}: {wrong}, {len(done.checks) - found - unknown} consistent, {unknown} cannot be checked")
    out.result({"document": done.document, "contradictions": found, "checks": done.frame()})
    if found:
        sys.exit(1)
