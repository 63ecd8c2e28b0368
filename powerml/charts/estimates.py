"""Numbers with their intervals, one a line, beside a reference where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from powerml.charts.theme import DOCUMENT, MUTED, OURS, OUTCOME_COLOURS, SERIES, cut, inline, themed

if TYPE_CHECKING:
    import pandas as pd

    from powerml.charts.theme import AnyChart


def estimates(
    table: pd.DataFrame, *, title: str, told: str = "", number_format: str = ".1%", zero: float | None = None
) -> AnyChart:
    """One line per `name`: `value` with `low` and `high`, `reference` as a diamond where the table has it.

    `series` (where the table has it) tells several values of one name apart by colour, and where there are intervals by
    lines of their own; `zero` draws a line there.
    """
    names = list(dict.fromkeys(cut(table["name"])))
    grouped = "series" in table
    hints = [alt.Tooltip("name:N", title=" "), *([alt.Tooltip("series:N", title="of")] if grouped else [])]
    hints += [alt.Tooltip(f"{each}:Q", format=number_format) for each in ("value", "low", "high")]
    has_reference = "reference" in table and bool(table["reference"].notna().any())
    if has_reference:
        hints.append(alt.Tooltip("reference:Q", format=number_format, title="document"))
    if "n" in table:
        hints.append(alt.Tooltip("n:Q"))
    base = alt.Chart(inline(table)).encode(
        y=alt.Y("name:N", sort=names, title=None).axis(domain=False, ticks=False, labelLimit=190), tooltip=hints
    )
    series = list(dict.fromkeys(cut(table["series"]))) if grouped else []
    told_apart = grouped and bool(table["low"].notna().any())
    if grouped:
        legend = alt.Legend(title=None, orient="top", columns=2 if len(series) > 2 else 0)
        colours = [OUTCOME_COLOURS.get(each, other) for each, other in zip(series, SERIES, strict=False)]
        colour = alt.Color("series:N", sort=series, legend=legend).scale(domain=series, range=colours)
        base = base.encode(color=colour)
        if told_apart:
            base = base.encode(yOffset=alt.YOffset("series:N", sort=series))
    else:
        base = base.encode(color=alt.value(OURS))
    line = 18 * (len(series) if told_apart else 1) + 8
    axis = alt.Axis(format=f"{number_format[:-1]}~{number_format[-1]}", title=None)  # 10 %, not 10.0 %
    layers = [] if zero is None else [
        alt.Chart(inline(table.head(1).assign(zero=zero)[["zero"]])).mark_rule(color=MUTED, strokeDash=[2, 3])
        .encode(x="zero:Q")
    ]  # fmt: skip
    if table["low"].notna().any():
        rule = base.mark_rule(strokeWidth=2.5, opacity=0.6)
        layers.append(rule.encode(x=alt.X("low:Q", axis=axis).scale(zero=False), x2="high:Q"))
    layers.append(base.mark_circle(size=60, opacity=1).encode(x=alt.X("value:Q", axis=axis).scale(zero=False)))
    if has_reference:
        point = base.mark_point(shape="diamond", filled=False, size=60, strokeWidth=2)
        layers.append(point.encode(x="reference:Q", color=alt.value(DOCUMENT)))
    return themed(layers, title=title, told=told, height=max(70, line * len(names)))
