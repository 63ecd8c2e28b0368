"""`powerml score`: the scores table, from the registry or a weight set."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.workflows.scored_on_spark import WrittenScores


@common.command("score", short_help="Write the scores table, from the registry or a weight set.")
@click.option("--model", metavar="NAME@ALIAS", help="A registered version: NAME@champion, NAME@challenger, a number.")
@click.option("--weights", metavar="FILE|NAME", help="A weight set instead, by its name or its file.")
@click.option("--as-of", type=common.DATE, help="The snapshot to score; by default the latest.")
@click.option("--metrics", type=common.FILE, help="A table whose columns carry metric names, instead of a snapshot.")
@click.option("--set", "settings", multiple=True, metavar="NAME=NUMBER", help="A number of the weight set to change.")
@click.option("--reasons", default="top:3", show_default=True, metavar="top:N|all|none", help="Reasons per row.")
@click.option(
    "--reference", type=click.Choice(["stored", "batch"]), default="stored", help="Rank in the stored snapshot or here."
)
@click.option("-o", "--output", type=common.FILE, required=True, help="Where to write: .csv or .parquet.")
def command(
    model: str | None,
    weights: str | None,
    as_of: date | None,
    metrics: Path | None,
    settings: tuple[str, ...],
    reasons: str,
    reference: str,
    output: Path,
    config: Path,
    out: common.Output,
) -> None:
    """Scores a snapshot with the project's champion, or with a weight set; writes one row per entity.

    With --metrics it scores a table made elsewhere, in its order; with --weights that needs no project file. With
    `engine: spark` in the project file Spark makes and scores the snapshot, and -o names a folder.
    """
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows import score

    _exclusive(model=model, weights=weights)
    _exclusive(as_of=as_of, metrics=metrics)
    if settings and not weights:
        raise UsageError("--set changes a weight set; name it with --weights")
    numbers = common.settings(settings)
    wanted, now = _reasons(reasons), datetime.now(UTC)
    ranking: Literal["stored", "batch"] = "batch" if reference == "batch" else "stored"
    needs_project = not (weights and metrics) or common.is_named("config") or config.is_file()
    project = common.project_or_store(config) if needs_project else None
    on_spark = project is not None and project.engine == "spark" and not metrics
    if not on_spark:
        check_target(output)
    done: score.ScoreResult | WrittenScores
    if on_spark:
        assert project is not None
        if weights:
            raise UsageError("engine: spark scores with a registered version; register the set: train with it first")
        with out.progress() as note:
            done = score.score_on_spark(
                project, as_of, output, model=model, reasons=wanted, ranking=ranking, now=now, note=note
            )
    elif metrics:
        done = score.score_metrics(
            metrics, project=project, model=model, weights=weights, settings=numbers,
            reasons=wanted, ranking=ranking, now=now,
        )  # fmt: skip
    else:
        assert project is not None
        with out.progress() as note:
            done = score.score_snapshot(
                project, as_of, model=model, weights=weights, settings=numbers,
                reasons=wanted, ranking=ranking, now=now, note=note,
            )  # fmt: skip
    if isinstance(done, score.ScoreResult):
        write_table(done.frame, output, raw=out.raw)
    status = ", ".join(f"{n:,} {name}" for name, n in done.status.items())
    out.say(f"{done.rows:,} rows ({status}) by {done.scorer.shown} in {output}")
    if done.baseline is not None:
        out.say(f"Reasons add up to the score from a baseline of {done.baseline:.4g}.")
    for sentence in (*done.untold, *done.crowded):
        out.say(sentence)
    for sentence in done.due:
        out.note(sentence)
    out.result(
        {
            "file": output,
            "model": done.scorer.name,
            "model_version": done.scorer.version,
            "rows": done.rows,
            "status": dict(done.status),
            "bands": dict(done.bands),
            "baseline": done.baseline,
            "due": list(done.due),
            "told_nothing_of": list(done.untold),
        }
    )


def _exclusive(**options: object) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other; give one of them")


def _reasons(text: str) -> int | None:
    """How many reasons per row: None for all, 0 for none."""
    if text in ("all", "none"):
        return None if text == "all" else 0
    head, colon, number = text.partition(":")
    if head != "top" or not colon or not number.isdigit() or int(number) < 1:
        raise UsageError(f"--reasons {text}: expected top:3 (or another number), all or none")
    return int(number)
