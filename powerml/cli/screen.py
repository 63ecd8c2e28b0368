"""`powerml screen`: which metrics deserve points, which know too much, and what the rule throws away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common, options

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = ["metric", "outcome", "n", "events", "r_natural", "r_natural_max", "r_bal", "r_bal_low", "r_bal_high"]


_SHORT = {"r_natural": "r plain", "r_natural_max": "largest possible", "r_bal": "r balanced", "r_bal_low": "low",
          "r_bal_high": "high"}  # fmt: skip


class Threshold(click.ParamType):  # type: ignore[type-arg]  # no generic in older versions of Click
    """A number from 0 to 1, or `auto` (None)."""

    name = "number|auto"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """The number, None for `auto`."""
        if value == "auto":
            return None
        return float(click.FloatRange(0, 1).convert(str(value), param, ctx))  # type: ignore[arg-type]


@common.command("screen", short_help="Which metrics deserve points, and which know too much.")
@click.option(
    "--threshold",
    type=Threshold(),
    default="auto",
    show_default=True,
    help="The smallest |r| that is kept (document D: 0.45), or auto: noise is left out, heads take what gains.",
)
@click.option("--natural", is_flag=True, help="Plain correlation instead of balanced groups.")
@click.option("--keep", multiple=True, metavar="METRIC", help="A metric to keep whatever its r.")
@click.option("--drop", multiple=True, metavar="METRIC", help="A metric to leave out whatever its r.")
@options.seed()
@options.output("the report")
def command(
    threshold: float | None,
    natural: bool,
    keep: tuple[str, ...],
    drop: tuple[str, ...],
    seed: int,
    output: Path | None,
    config: Path,
    out: common.Output,
) -> None:
    """Correlates every metric with every outcome, names suspected leaks, and says what the rule throws away."""
    from powerml.config.project import load_project
    from powerml.sinks.files import write_table
    from powerml.workflows.screen import screen

    with out.progress() as note:
        done = screen(
            load_project(config), threshold=threshold, natural=natural, force_keep=keep, force_drop=drop,
            seed=seed, note=note,
        )  # fmt: skip
    if output:
        write_table(done.report, output, raw=out.raw)
    for sentence in done.sentences:
        out.say(sentence)
    out.say()
    shown = done.report[[*_SHOWN, "auroc", "kept"]].head(30)
    out.table(
        shown.rename(columns=_SHORT),
        f"The strongest {len(shown)} of {len(done.report)} (95 % intervals, by account)",
        digits=2,
    )
    out.table(done.screens, "A logistic head behind each screen, on held-out rows (skill in %, points against off)")
    out.table(done.differentiators.dropna().head(10), "Top decile of power_user against the median user", digits=2)
    out.result(
        {
            "kept": done.kept,
            "suspects": done.suspects,
            "sentences": done.sentences,
            "report": done.report,
            "leak_probe": done.probe,
            "audit": None if done.audit is None else done.audit.table,
            "screens": done.screens,
            "differentiators": done.differentiators,
        }
    )
