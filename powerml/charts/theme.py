"""One look for all charts: colours that hold on light and dark, sizes that hold at 380 pixels, data as plain values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from powerml.shown import legible
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


AnyChart = alt.LayerChart
WIDTH = 460
OURS, DOCUMENT, MUTED = "#3d7fc1", "#c0841a", "#8593a3"
INK, PAPER, GRID = "#2b3642", "#ffffff", "#dfe4ea"
OUTCOME_COLOURS = {"churn": "#cc5245", "stay": MUTED, "expand": OURS}
SERIES = ("#3d7fc1", "#cc5245", "#3a9b6f", "#c0841a", "#8a63b8", "#4aa3b5", "#b85c8e", "#7d8a3c", "#6b7785", "#a3684a")
FALL, RISE = "#cc5245", "#3a9b6f"
DRAWN_DIGITS = 6  # significant ones: enough for a picture and its tooltip, and a page stays small
LONGEST_TITLE = 200
LONGEST_LABEL = 60  # characters of a name that a picture holds; its table holds all of it
MARGIN = {"left": 24, "top": 10, "right": 10, "bottom": 10}
"""Left of the longest name, too, where a browser has a wider font than the one by which it was laid out."""


def inline(frame: pd.DataFrame) -> alt.InlineData:
    """A frame as values that stand in the chart: nulls for what is missing, days as text, texts cut to a label."""
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    rows = [dict(zip(map(str, frame.columns), row, strict=True)) for row in zip(*columns, strict=True)]
    return alt.InlineData(values=rows)


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%dT00:00:00")  # without a zone: read where it is shown, the day stays
    if isinstance(value, str):
        return legible(value, LONGEST_LABEL)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DRAWN_DIGITS}g}") if math.isfinite(value) else None
    return value


def cut(names: Iterable[object]) -> list[str]:
    """Names as `inline` writes them, for the order of an axis."""
    return [str(_plain(str(name))) for name in names]


def outcome_colour(outcomes: Sequence[str]) -> alt.Color:
    """The colour of `outcome`: red for churn, grey for what is left where none came, blue for the good ones."""
    colours = [OUTCOME_COLOURS.get(each, MUTED if is_rest(each) else OURS) for each in outcomes]
    legend = alt.Legend(title=None, orient="top", symbolType="circle", labelLimit=160)
    return alt.Color("outcome:N", legend=legend).scale(domain=list(outcomes), range=colours)


def themed(layers: Sequence[alt.Chart], *, title: str, told: str = "", height: float = 260) -> AnyChart:
    """The layers as one chart with title, a sentence below it that tells how to read it, its size, and the look of all.

    `told` is the chart's description for screen readers too.
    """
    title = legible(title, LONGEST_TITLE)
    head = alt.TitleParams(text=_lines(title, 52), subtitle=_lines(told, 78) if told else [])
    made: alt.LayerChart = alt.LayerChart(layer=list(layers))
    sized = made.properties(title=head, width=WIDTH, height=height, description=f"{title}. {told}".strip())
    look = alt.Config(
        background=PAPER, padding=MARGIN, font="system-ui, -apple-system, 'Segoe UI', sans-serif",
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(anchor="start", color=INK, fontSize=14, subtitleColor="#5d6b7a", subtitleFontSize=11,
                              subtitleLineHeight=14, offset=12, frame="group"),
        axis=alt.AxisConfig(labelColor=INK, titleColor=INK, gridColor=GRID, domainColor=MUTED, tickColor=MUTED,
                            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", labelLimit=150),
        legend=alt.LegendConfig(labelColor=INK, titleColor=INK, labelFontSize=11, symbolStrokeWidth=2),
    )  # fmt: skip
    sized.config = look
    coloured: AnyChart = sized.configure_text(color=INK)
    return coloured


def _lines(text: str, width: int) -> list[str]:
    """A text in lines of about `width` characters, for Vega breaks none by itself."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
