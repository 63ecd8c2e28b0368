"""`powerml validate`: the band report of any score column against any labels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from powerml.cli import common, options

if TYPE_CHECKING:
    from pathlib import Path


@common.command("validate", short_help="Band report of any score column against any labels.")
@click.option("--scores", type=common.FILE, required=True, help="Table with as_of, an id and the column to judge.")
@click.option("--labels", type=common.FILE, required=True, help="Table with as_of, the same id and label.")
@click.option("--column", default="score", show_default=True, help="The column to judge.")
@click.option("--bands", help="Ladder or weight set whose bands to use [default: the scores' own, else fifths].")
@options.output("the band report")
def command(
    scores: Path, labels: Path, column: str, bands: str | None, output: Path | None, config: Path, out: common.Output
) -> None:
    """Band report of any score column against any labels, joined on as_of and id.

    Exits with 1 if what came contradicts the order of the bands.
    """
    from powerml.config.project import load_project
    from powerml.reports.band_page import band_table, calibration_table, ranking_table
    from powerml.sinks.files import write_table
    from powerml.workflows.validate import validate

    project = load_project(config) if config.is_file() else None
    done = validate(scores, labels, column=column, bands=bands, base=config.resolve().parent, project=project)
    if output:
        write_table(done.report.table, output, raw=out.raw)
    for sentence in (done.joined.sentence, *done.cautions):
        out.say(sentence)
    for sentence in done.report.sentences:
        out.say(sentence)
    out.say()
    out.table(band_table(done.report), "Bands (95 % intervals, by account)", digits=2)
    out.table(ranking_table(done.ranking), "Ranking (95 % intervals, by account)", digits=2)
    if len(done.calibration):
        out.table(calibration_table(done.calibration), "Probabilities (95 % intervals, by account)")
    if done.path is not None:
        out.table(done.path, "Churners in the months before they left, beside document D's path", digits=1)
    if done.untreated is not None:
        out.say("Without the treated rows: " + done.untreated.sentences[0])
    out.result(
        {
            "verdict": done.report.verdict,
            "sentences": list(done.report.sentences),
            "cautions": done.cautions,
            "left_out": done.joined.left_out,
            "bands": done.report.table,
            "detail": done.report.detail,
            "reversals": done.report.reversals,
            "ranking": done.ranking,
            "calibration": done.calibration,
            "path_before_churn": done.path,
            "without_treated": None if done.untreated is None else done.untreated.table,
        }
    )
    if done.violated:
        sys.exit(1)
