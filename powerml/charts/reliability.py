"""Does 70 mean 70: observed against predicted rates per outcome, and the outcome value Y against the score S."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from powerml.charts.theme import MUTED, OURS, inline, outcome_colour, themed

if TYPE_CHECKING:
    from powerml.charts.theme import AnyChart


def reliability(curves: pd.DataFrame, *, title: str = "Do the probabilities mean what they say?") -> AnyChart:
    """Observed against predicted rates with intervals by account, one line per outcome.

    `curves`: outcome, n, predicted, observed, low, high (a `reliability_curve`).
    """
    known = curves.dropna(subset=["predicted", "observed"])
    outcomes = list(dict.fromkeys(known["outcome"]))
    ends = [known[name].max() for name in ("predicted", "observed", "high") if len(known)]
    top = min(1.0, 1.05 * max([0.05, *ends]))
    hints = [
        alt.Tooltip("outcome:N"), alt.Tooltip("n:Q", title="rows"), alt.Tooltip("predicted:Q", format=".1%"),
        alt.Tooltip("observed:Q", format=".1%"), alt.Tooltip("low:Q", format=".1%"),
        alt.Tooltip("high:Q", format=".1%"),
    ]  # fmt: skip
    x = alt.X("predicted:Q", title="predicted").scale(domain=[0, top]).axis(format="%")
    y = alt.Y("observed:Q", title="observed").scale(domain=[0, top], clamp=True).axis(format="%")
    base = alt.Chart(inline(known)).encode(x=x, color=outcome_colour(outcomes), tooltip=hints)
    layers = [
        _diagonal(0.0, float(top), x="predicted", y="observed"),
        base.mark_rule(opacity=0.55, strokeWidth=1.5).encode(y=alt.Y("low:Q", title="observed"), y2="high:Q"),
        base.mark_line(strokeWidth=1.5).encode(y=y),
        base.mark_circle(size=45, opacity=1).encode(y=y),
    ]
    told = "Each point a tenth of the rows, with its 95 % interval by account; on the dotted line what was said came."
    return themed(layers, title=title, told=told, height=300)


def score_against_outcome(curve: pd.DataFrame, *, title: str = "Does 70 mean 70?") -> AnyChart:
    """The mean outcome (0 churned, 60 stayed, 100 expanded) of those with a score, by tenths of the score.

    `curve`: n, mean_score, mean_outcome, low, high (from `score_calibration`).
    """
    hints = [
        alt.Tooltip("n:Q", title="rows"), alt.Tooltip("mean_score:Q", format=".1f", title="mean score"),
        alt.Tooltip("mean_outcome:Q", format=".1f", title="mean outcome"), alt.Tooltip("low:Q", format=".1f"),
        alt.Tooltip("high:Q", format=".1f"),
    ]  # fmt: skip
    x = alt.X("mean_score:Q", title="score S").scale(domain=[0, 100])
    y = alt.Y("mean_outcome:Q", title="mean outcome Y").scale(domain=[0, 100])
    base = alt.Chart(inline(curve)).encode(x=x, tooltip=hints)
    layers = [
        _diagonal(0.0, 100.0, x="mean_score", y="mean_outcome"),
        base.mark_rule(color=OURS, opacity=0.55, strokeWidth=1.5).encode(y="low:Q", y2="high:Q"),
        base.mark_line(color=OURS, strokeWidth=1.5).encode(y=y),
        base.mark_circle(color=OURS, size=45, opacity=1).encode(y=y),
    ]
    told = (
        "Each point a tenth of the rows, with its 95 % interval by account; on the dotted line a score is worth itself."
    )
    return themed(layers, title=title, told=told, height=300)


def _diagonal(low: float, high: float, *, x: str, y: str) -> alt.Chart:
    ends = inline(pd.DataFrame({x: [low, high], y: [low, high]}))
    line: alt.Chart = alt.Chart(ends).mark_line(color=MUTED, strokeDash=[2, 3]).encode(x=f"{x}:Q", y=f"{y}:Q")
    return line
