"""What came of each band beside what was said and what a document prints; shares observed against expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from powerml.charts.theme import DOCUMENT, INK, OURS, cut, inline, outcome_colour, themed

if TYPE_CHECKING:
    from powerml.charts.theme import AnyChart
    from powerml.validation.band_report import BandReport

PERCENT = alt.Axis(format="%", title=None)


def bands(report: BandReport | pd.DataFrame, *, title: str = "What came of each band") -> AnyChart:
    """Outcome rates per band, best first, with intervals; a document's own rates as diamonds where they are given.

    `report`: a band report, or its `rates` (band, outcome, n, rate, low, high, predicted, and maybe reference).
    """
    rates = report if isinstance(report, pd.DataFrame) else report.rates
    seen = rates["rate"].notna() | rates.get("reference", rates["rate"]).notna()
    rates = rates[seen]
    names, outcomes = list(dict.fromkeys(cut(rates["band"]))), list(dict.fromkeys(rates["outcome"]))
    base = alt.Chart(inline(rates)).encode(
        y=alt.Y("band:N", sort=names, title=None).axis(domain=False, ticks=False),
        yOffset=alt.YOffset("outcome:N", sort=outcomes),
        tooltip=[
            alt.Tooltip("band:N"), alt.Tooltip("outcome:N"), alt.Tooltip("n:Q", title="events"),
            alt.Tooltip("rate:Q", format=".1%", title="observed"), alt.Tooltip("low:Q", format=".1%"),
            alt.Tooltip("high:Q", format=".1%"),
            *([alt.Tooltip("predicted:Q", format=".1%")] if "predicted" in rates else []),
            *([alt.Tooltip("reference:Q", format=".1%", title="document")] if "reference" in rates else []),
        ],
    )  # fmt: skip
    x = alt.X("rate:Q", axis=PERCENT).scale(domain=[0, 1])
    layers: list[alt.Chart] = [
        base.mark_bar(opacity=0.85).encode(x=x, color=outcome_colour(outcomes)),
        base.mark_rule(color=INK, strokeWidth=1.2).encode(x="low:Q", x2="high:Q"),
    ]
    told = "Bars: observed rate, with its 95 % interval."
    if "reference" in rates and rates["reference"].notna().any():
        mark = base.mark_point(shape="diamond", filled=False, size=55, color=DOCUMENT, strokeWidth=2, opacity=1)
        layers.append(mark.encode(x="reference:Q"))
        told += " Diamonds: the document's own table."
    height = max(120, 16 * len(names) * len(outcomes) + 20)
    return themed(layers, title=title, told=told, height=height)


def share_beside(table: pd.DataFrame, *, title: str = "How many stand in each band") -> AnyChart:
    """Share per band as bars beside what the document expects: `band`, `n`, `share`, maybe `expected_share`."""
    names = list(dict.fromkeys(cut(table["band"])))
    expects = "expected_share" in table and table["expected_share"].notna().any()
    hints = [alt.Tooltip("band:N"), alt.Tooltip("n:Q"), alt.Tooltip("share:Q", format=".1%")]
    if expects:
        hints.append(alt.Tooltip("expected_share:Q", format=".1%", title="document"))
    base = alt.Chart(inline(table)).encode(
        y=alt.Y("band:N", sort=names, title=None).axis(domain=False, ticks=False), tooltip=hints
    )
    layers = [base.mark_bar(color=OURS, opacity=0.85, height={"band": 0.6}).encode(x=alt.X("share:Q", axis=PERCENT))]
    if expects:
        mark = base.mark_point(shape="diamond", filled=False, size=60, color=DOCUMENT, strokeWidth=2)
        layers.append(mark.encode(x="expected_share:Q"))
    told = "Bars: here. Diamonds: what the document expects." if expects else "Bars: share of all who are scored."
    return themed(layers, title=title, told=told, height=max(90, 30 * len(names)))
