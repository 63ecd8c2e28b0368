"""The whole page: its sections in their order, under their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.reports.document.blocks import Page
from powerml.reports.document.render import render
from powerml.reports.sections.belief import backtest_section, bands_section, calibration_section, verdict_section
from powerml.reports.sections.made_of import data_section, impact_section, weights_section
from powerml.reports.sections.monday import monday_section
from powerml.reports.sections.people import alerts_section, lists_section, movement_section, spread_section, top_section
from powerml.reports.sections.product import curve_section, tree_section
from powerml.reports.sections.programme import programme_section
from powerml.reports.sections.segments import segments_section

if TYPE_CHECKING:
    from powerml.reports.sections.facts import Facts

SECTIONS = (
    monday_section,
    verdict_section,
    bands_section,
    calibration_section,
    backtest_section,
    spread_section,
    movement_section,
    top_section,
    lists_section,
    alerts_section,
    curve_section,
    segments_section,
    programme_section,
    tree_section,
    weights_section,
    impact_section,
    data_section,
)


def whole_page(facts: Facts) -> str:
    """The page as HTML."""
    source = "from the history" if facts.kept else "from the events"
    told = (
        f"Scores of {facts.night.as_of}",
        f"by {facts.scorer.shown}",
        f"{len(facts.scored):,} of {len(facts.night.scores):,} {facts.entities} scored",
        source,
    )
    state = facts.project.state
    page = Page(facts.project.project, told, tuple(section(facts) for section in SECTIONS))
    return render(page, kept_in=state / "cache" if state.is_dir() else None)
