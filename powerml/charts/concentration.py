"""How much a few do: the power-user curve (L30) and the Lorenz curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from powerml.charts.theme import DOCUMENT, MUTED, OURS, inline, themed

if TYPE_CHECKING:
    from powerml.charts.theme import AnyChart

POINTS = 200  # of a Lorenz curve that are drawn


def day_curve(table: pd.DataFrame, *, title: str = "On how many of 30 days they were active") -> AnyChart:
    """`days` (1 to 30), `users`, `share` of those active at all."""
    chart = alt.Chart(inline(table)).mark_bar(color=OURS, opacity=0.85).encode(
        x=alt.X("days:O", title="active days in 30").axis(labelAngle=0, values=[1, 5, 10, 15, 20, 25, 30]),
        y=alt.Y("share:Q").axis(format="%", title=None),
        tooltip=["days:O", "users:Q", alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    return themed([chart], title=title, told="A smile, high at the right end, is a habit.", height=200)


def lorenz_curve(
    curve: pd.DataFrame, claim: tuple[float, float, float, float] | None = None, *, title: str = "How much a few do"
) -> AnyChart:
    """`users` (share of users, least first) against `amount` (the share they make).

    `claim`: what a document says: tops from, to, make shares from, to; drawn as a box.
    """
    step = max(1, len(curve) // POINTS)
    thin = pd.concat([curve.iloc[::step], curve.tail(1)]).drop_duplicates()
    x = alt.X("users:Q", title="share of users, least active first").axis(format="%").scale(domain=[0, 1])
    y = alt.Y("amount:Q", title="share of key actions").axis(format="%").scale(domain=[0, 1])
    even = alt.Chart(inline(pd.DataFrame({"users": [0.0, 1.0], "amount": [0.0, 1.0]})))
    layers: list[alt.Chart] = [
        even.mark_line(color=MUTED, strokeDash=[2, 3]).encode(x=x, y=y),
        alt.Chart(inline(thin)).mark_line(color=OURS, strokeWidth=2.5).encode(
            x=x, y=y, tooltip=[alt.Tooltip("users:Q", format=".1%"), alt.Tooltip("amount:Q", format=".1%")]
        ),
    ]  # fmt: skip
    told = "On the dotted line all do the same."
    if claim is not None:
        box = pd.DataFrame(
            {"users": [1 - claim[1]], "to": [1 - claim[0]], "amount": [1 - claim[3]], "top": [1 - claim[2]]}
        )
        area = alt.Chart(inline(box)).mark_rect(filled=False, stroke=DOCUMENT, strokeWidth=2)
        layers.append(area.encode(x=x, x2="to:Q", y=y, y2="top:Q"))
        told += " The box: where the document's claim would put the curve."
    return themed(layers, title=title, told=told, height=260)
