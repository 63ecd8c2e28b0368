"""`powerml report`: the page, one HTML file that opens offline."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from powerml.cli import common, options


@common.command("report", short_help="Write the page: one HTML file for Monday and for every doubt.")
@click.option("--as-of", type=common.DATE, help="The night it is about; by default the newest.")
@options.page_file("-o", "--output", what="the page [default: report.html]")
@options.scorer("the champion")
def command(
    as_of: date | None, page: Path | None, model: str | None, weights: str | None, config: Path, out: common.Output
) -> None:
    """Writes the page: verdict, what changed, whom to call, bands, calibration, movement, lists, data.

    It is made of the history that 'powerml night' keeps, and of the session behind the champion; without a kept night
    it reads the events. What is missing is said in its section, with the way to supply it.
    """
    from powerml.config.project import load_project
    from powerml.sinks.files import check_page_target
    from powerml.workflows.report import make_report
    from powerml.writing import write_whole

    target = Path("report.html") if page is None else page
    check_page_target(target)
    with out.progress() as note:
        project, now = load_project(config), datetime.now(UTC)
        made = make_report(project, as_of=as_of, model=model, weights=weights, now=now, note=note)
    write_whole(target, made.html)
    facts = made.facts
    out.say(f"The page of {facts.night.as_of}, {len(made.html.encode()) / 1e6:.1f} MB: {target}")
    for remark in facts.remarks:
        out.say(remark)
    out.result({
        "page": target, "as_of": facts.night.as_of, "model": facts.scorer.name, "model_version": facts.scorer.version,
        "scored": len(facts.scored), "from_history": facts.kept, "remarks": list(facts.remarks),
    })  # fmt: skip
