"""How scores are spread over bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from powerml.charts.theme import MUTED, OURS, inline, themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from powerml.charts.theme import AnyChart


def distribution(
    scores: ArrayLike, edges: Mapping[float, str] | None = None, *, title: str = "How the scores are spread"
) -> AnyChart:
    """A histogram of scores in steps of 4 points with the lower edges of the bands (edge -> name) as lines."""
    values = np.asarray(scores, dtype=float)
    counts, ends = np.histogram(values[~np.isnan(values)].clip(0, 100), bins=25, range=(0, 100))
    frame = pd.DataFrame({"from": ends[:-1], "to": ends[1:], "n": counts})
    bars = (
        alt.Chart(inline(frame))
        .mark_bar(color=OURS, opacity=0.85)
        .encode(
            x=alt.X("from:Q", title="score", bin="binned").scale(domain=[0, 100]), x2="to:Q",
            y=alt.Y("n:Q", title="how many"),
            tooltip=[alt.Tooltip("from:Q"), alt.Tooltip("to:Q"), alt.Tooltip("n:Q")],
        )
    )  # fmt: skip
    layers: list[alt.Chart] = [bars]
    if edges:
        lines = pd.DataFrame({"edge": list(edges), "band": list(edges.values())})
        base = alt.Chart(inline(lines)).encode(x="edge:Q", tooltip=["band:N", "edge:Q"])
        layers.append(base.mark_rule(color=MUTED, strokeDash=[3, 3]))
        layers.append(base.mark_text(angle=270, align="right", baseline="top", dx=-2, dy=2, fontSize=10).encode(
            text="band:N", y=alt.value(4)
        ))  # fmt: skip
    told = "Dashed lines: where a band begins." if edges else ""
    return themed(layers, title=title, told=told, height=220)
