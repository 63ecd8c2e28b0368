"""The page of 8-page.md: its sections in their order, under their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.reports.document.blocks import Page
from powerml.reports.document.render import render
from powerml.reports.sections.belief import backtest, bands, calibration, verdict
from powerml.reports.sections.made_of import data, impact, weights
from powerml.reports.sections.monday import monday
from powerml.reports.sections.people import alerts, lists, movement, spread, top
from powerml.reports.sections.product import curve, programme, segments, tree

if TYPE_CHECKING:
    from powerml.reports.sections.facts import Facts

SECTIONS = (
    monday, verdict, bands, calibration, backtest, spread, movement, top, lists, alerts, curve, segments, programme,
    tree, weights, impact, data,
)  # fmt: skip


def whole_page(facts: Facts) -> str:
    """The page as HTML."""
    source = "from the history" if facts.kept else "from the events"
    told = (
        f"Scores of {facts.night.as_of}",
        f"by {facts.scorer.shown}",
        f"{len(facts.scored):,} of {len(facts.night.scores):,} {facts.entities} scored",
        source,
    )
    return render(Page(facts.project.project, told, tuple(section(facts) for section in SECTIONS)))
