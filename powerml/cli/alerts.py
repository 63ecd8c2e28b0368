"""`powerml alerts`: what rang, and whether each rule tells anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

ALERTS_SHOWN = 25


@common.command("alerts", short_help="What rang, for whom and why; whether each rule tells anything.")
@click.option("--since", type=common.DATE, help="What rang on that night or later; by default all.")
@click.option("--judge", is_flag=False, flag_value="", metavar="[RULE.yaml]", help="The scorecard; of a file's rules.")
@click.option("-o", "--output", type=common.FILE, help="Where to write; .csv or .parquet.")
def command(since: date | None, judge: str | None, output: Path | None, config: Path, out: common.Output) -> None:
    """Lists what rang, newest first: whom it is about, why, what to do, and whether somebody was told.

    With --judge nights a week apart are replayed: how often what a rule warns of came after it rang, against how often
    it came anyway; and whether what each metric gives to the score still goes with the outcome in the newest months.
    """
    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.alert_card import judge_alerts
    from powerml.workflows.alerts import fired_since

    if output is not None:
        check_target(output)
    if judge is not None and since is not None:
        raise UsageError("--judge goes over the whole history; leave --since out")
    project = load_project(config)
    if judge is not None:
        with out.progress() as note:
            card = judge_alerts(project, Path(judge) if judge else None, note=note)
        shown = card.rules.assign(**{name: (100 * card.rules[name]).round(1) for name in ("base_rate", "share_warned")})
        titles = {"base_rate": "base %", "share_warned": "warned %", "lead_days": "lead d"}
        out.table(shown.rename(columns=titles), title=f"Over {card.nights} nights", digits=2)
        for sentence in card.sentences:
            out.say(sentence)
        out.table(
            card.metrics[["metric", "share", "auroc_before", "auroc_now", "now_low", "now_high", "verdict"]],
            title="Gaming monitor: whether what each metric gives still goes with who stays",
            digits=2,
        )
        table = card.rules
    else:
        table = fired_since(project, since)
        plain = table.rename_axis("who").reset_index().head(ALERTS_SHOWN)
        if len(table):
            out.table(plain[["fired_at", "alert", "who", "owner", "because", "state"]])
        span = "" if since is None else f" since {since}"
        more = f"; the newest {ALERTS_SHOWN} are shown, -o writes all" if len(table) > ALERTS_SHOWN else ""
        out.say(f"{len(table):,} alerts{span}{more}.")
    if output is not None:
        write_table(table, output, raw=out.raw)
        out.say(f"{len(table):,} rows in {output}")
    if judge is not None:
        out.result({"rules": table, "sentences": card.sentences, "metrics": card.metrics, "file": output})
    else:
        out.result({"rows": table, "file": output})
