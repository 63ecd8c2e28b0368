"""What a score is made of: fitted beside documented weights, and scorers in parallel coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from powerml.charts.theme import DOCUMENT, GRID, MUTED, OURS, SERIES, cut, inline, themed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from powerml.charts.theme import AnyChart


def weights(table: pd.DataFrame, *, title: str = "Fitted weights beside the documented ones") -> AnyChart:
    """One line per `part`: `fitted` with `low` and `high` where the table has them, `documented` as a diamond."""
    names = cut(table["part"])
    hints = [alt.Tooltip("part:N"), alt.Tooltip("fitted:Q", format=".3g"), alt.Tooltip("documented:Q", format=".3g")]
    if has_ends := {"low", "high"} <= set(table.columns):
        hints += [alt.Tooltip("low:Q", format=".3g"), alt.Tooltip("high:Q", format=".3g")]
    base = alt.Chart(inline(table)).encode(
        y=alt.Y("part:N", sort=names, title=None).axis(domain=False, ticks=False, labelLimit=190), tooltip=hints
    )
    layers = [base.mark_rule(color=GRID, strokeWidth=2).encode(x=alt.X("fitted:Q", title=None), x2="documented:Q")]
    if has_ends:
        layers.append(base.mark_rule(color=OURS, strokeWidth=2.5, opacity=0.6).encode(x="low:Q", x2="high:Q"))
    layers += [
        base.mark_circle(color=OURS, size=60, opacity=1).encode(x="fitted:Q"),
        base.mark_point(shape="diamond", filled=False, size=60, strokeWidth=2, color=DOCUMENT).encode(x="documented:Q"),
    ]
    told = f"Points: fitted{', with 95 % intervals' if has_ends else ''}. Diamonds: documented."
    return themed(layers, title=title, told=told, height=max(80, 24 * len(names)))


def parallel(
    table: pd.DataFrame, axes: Sequence[str], *, title: str = "Scorers side by side", told: str = ""
) -> AnyChart:
    """Parallel coordinates: one line per `scorer` over `axes` (columns of the table), each axis from its least to most.

    A scorer that lacks a number has a gap there. Hovering a line, or clicking its name, lights it up.
    """
    long = table.melt("scorer", list(axes), var_name="axis", value_name="value")
    ends = long.groupby("axis", sort=False)["value"].agg(["min", "max"]).reindex(list(axes))
    low, width = long["axis"].map(ends["min"]), long["axis"].map(ends["max"] - ends["min"])
    long["place"] = ((long["value"] - low) / width.where(width > 0)).where(width > 0, 0.5).where(long["value"].notna())
    long["position"] = long["axis"].map({name: i for i, name in enumerate(axes)})
    names, order = list(dict.fromkeys(cut(table["scorer"]))), cut(axes)
    chosen = alt.selection_point(fields=["scorer"], bind="legend")
    over = alt.selection_point(fields=["scorer"], on="pointerover", clear="pointerout", nearest=False)
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=190, symbolType="stroke")
    colour = alt.Color("scorer:N", sort=names, legend=legend).scale(domain=names, range=list(SERIES))
    x = alt.X("axis:N", sort=order, title=None).axis(
        labelAngle=-50, labelLimit=140, domain=False, ticks=False, grid=True
    )
    y = alt.Y("place:Q", axis=None).scale(domain=[-0.06, 1.06])
    lit = alt.when(over | chosen)
    base = alt.Chart(inline(long)).encode(
        x=x, color=colour,
        tooltip=[alt.Tooltip("scorer:N"), alt.Tooltip("axis:N"), alt.Tooltip("value:Q", format=".4g")],
    )  # fmt: skip
    line = base.mark_line(strokeWidth=2, invalid="break-paths-show-domains").encode(
        y=y,
        detail="scorer:N",
        order=alt.Order("position:Q"),
        opacity=lit.then(alt.value(0.95)).otherwise(alt.value(0.15)),
    )
    dots = base.mark_circle(size=40).encode(y=y, opacity=lit.then(alt.value(1)).otherwise(alt.value(0.2)))
    marks = ends.reset_index().melt("axis", ["min", "max"], var_name="end", value_name="value").dropna()
    marks["place"] = marks["end"].map({"min": -0.03, "max": 1.03})
    marks["text"] = [f"{value:.3g}" for value in marks["value"]]
    written = alt.Chart(inline(marks)).encode(x=x, y=y, text="text:N")
    layers = [
        line.add_params(chosen, over), dots,
        written.transform_filter("datum.end == 'min'").mark_text(baseline="top", fontSize=9, color=MUTED),
        written.transform_filter("datum.end == 'max'").mark_text(baseline="bottom", fontSize=9, color=MUTED),
    ]  # fmt: skip
    said = told or "One line a scorer; each axis runs from the least to the most of these scorers."
    return themed(layers, title=title, told=said, height=300)
