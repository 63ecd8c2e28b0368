"""Why scores are what they are, drawn from the values of a `shap.Explanation`: beeswarm of many, waterfall of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from powerml.charts.theme import FALL, MUTED, RISE, cut, inline, themed

if TYPE_CHECKING:
    import shap
    from numpy.typing import NDArray

    from powerml.charts.theme import AnyChart

MOST_DOTS = 120  # rows that a beeswarm draws, evenly from all
LINES = 12
FOR_POINTS = 36  # pixels beside the longest bar of a waterfall, for its points


@dataclass(frozen=True, eq=False)
class Points:
    """What is taken of a `shap.Explanation`, under its names, for who has the numbers without shap.

    `values`: points per row and feature; `base_values`: what they start from; `data`: the features' values.
    """

    values: NDArray[np.float64]
    base_values: NDArray[np.float64]
    data: NDArray[np.float64]
    feature_names: list[str]

    @classmethod
    def of(cls, values: pd.DataFrame, baseline: float, data: pd.DataFrame) -> Points:
        """Points per row (frame of contributions), what they add to, and the rows that they are of."""
        names = [str(name) for name in values]
        numbers = [pd.to_numeric(data[n], errors="coerce") if n in data else np.full(len(data), np.nan) for n in names]
        shown = np.column_stack([np.asarray(each, dtype=float) for each in numbers])
        return cls(values.to_numpy(dtype=float), np.full(len(values), baseline), shown, names)


def beeswarm(given: shap.Explanation | Points, *, title: str = "What moves the scores", lines: int = LINES) -> AnyChart:
    """One line per feature, the weightiest first; a dot per row at what the feature gives it, coloured by its value."""
    values, data = np.asarray(given.values, dtype=float), np.asarray(given.data, dtype=float)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:lines]
    rows = np.unique(np.linspace(0, len(values) - 1, min(MOST_DOTS, len(values))).round().astype(int))
    span = float(np.abs(values[:, order]).max()) or 1.0
    parts = []
    for column in order:
        points, raw = values[rows, column], data[rows, column]
        place = pd.Series(raw).rank(pct=True).to_numpy()
        name = str(given.feature_names[column])
        parts.append(pd.DataFrame({
            "feature": name, "points": _short(points), "value": _short(raw), "place": place.round(2),
            "apart": _apart(points, span).round(3),
        }))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    names = cut(given.feature_names[column] for column in order)
    legend = alt.Legend(
        title="its value", orient="top", gradientLength=120, values=[0, 1],
        labelExpr="datum.value < 0.5 ? 'low' : 'high'",
    )  # fmt: skip
    dots = (
        alt.Chart(inline(frame))
        .mark_circle(size=16, opacity=0.75, aria=False)
        .encode(
            x=alt.X("points:Q", title="points of the score"),
            y=alt.Y("feature:N", sort=names, title=None).axis(domain=False, ticks=False, labelLimit=190, grid=True),
            yOffset=alt.YOffset("apart:Q").scale(domain=[-1, 1]),
            color=alt.Color("place:Q", legend=legend).scale(domain=[0, 1], range=["#3d7fc1", "#b07aa8", "#cc5245"]),
            tooltip=[
                alt.Tooltip("feature:N"),
                alt.Tooltip("value:Q", format=".4g"),
                alt.Tooltip("points:Q", format="+.2f"),
            ],
        )
    )
    told = f"A dot a row ({len(rows):,} of {len(values):,}): what the metric gives or costs it."
    return themed([_at_zero(), dots], title=title, told=told, height=max(80, 28 * len(names)))


def waterfall(given: shap.Explanation | Points, *, title: str = "Why this score", lines: int = 9) -> AnyChart:
    """One row's score, from the baseline by what each feature gives or costs to the score; small ones together.

    `given`: one row of an Explanation (`explanation[0]`).
    """
    values, data = np.asarray(given.values, dtype=float).ravel(), np.asarray(given.data, dtype=float).ravel()
    start = float(np.asarray(given.base_values, dtype=float).ravel()[0])
    order = np.argsort(-np.abs(values), kind="stable")
    steps = [(_named(given.feature_names[i], data[i]), values[i]) for i in order[:lines] if values[i]]
    rest = float(values.sum() - sum(step for _, step in steps))
    if abs(rest) > 1e-9:
        steps.append((f"{len(values) - len(steps)} others", rest))
    return falls(start, steps, title=title)


def falls(start: float, steps: list[tuple[str, float]], *, title: str) -> AnyChart:
    """A waterfall from `start` by named steps, in points, to where they end."""
    ends = start + np.cumsum([0.0, *(step for _, step in steps)])
    frame = pd.DataFrame({
        "name": ["starts at", *(name for name, _ in steps), "score"],
        "from": [0.0, *ends[:-1], 0.0], "to": [start, *ends[1:], ends[-1]],
        "points": [start, *(step for _, step in steps), ends[-1]],
    })  # fmt: skip
    frame["kind"] = np.where(
        frame.index.isin([0, len(frame) - 1]), "total", np.where(frame["points"] < 0, "costs", "gives")
    )
    frame["text"] = [
        f"{p:.1f}" if kind == "total" else f"{p:+.1f}" for p, kind in zip(frame["points"], frame["kind"], strict=True)
    ]
    frame["right"] = frame[["from", "to"]].max(axis=1)
    names = cut(frame["name"])
    base = alt.Chart(inline(frame)).encode(
        y=alt.Y("name:N", sort=names, title=None).axis(domain=False, ticks=False, labelLimit=230),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("points:Q", format="+.2f"),
            alt.Tooltip("to:Q", format=".1f", title="adds up to"),
        ],
    )
    colour = alt.Color("kind:N", legend=None).scale(domain=["gives", "costs", "total"], range=[RISE, FALL, MUTED])
    top = float(frame["right"].max())
    span = top - min(0.0, float(frame[["from", "to"]].to_numpy().min())) or 1.0
    beyond = f"{top:.4g} + {span:.4g} * {FOR_POINTS} / max(width - {FOR_POINTS}, {FOR_POINTS})"
    room = alt.Scale(domainMax=alt.ExprRef(beyond), nice=False)
    across = alt.X("from:Q", title="score", scale=room)
    bars = base.mark_bar(height={"band": 0.65}).encode(x=across, x2="to:Q", color=colour)
    words = base.mark_text(align="left", dx=4, fontSize=10).encode(x="right:Q", text="text:N")
    told = "From the baseline by what each metric gives (green) or costs (red) to the score."
    return themed([bars, words], title=title, told=told, height=24 * len(names))


def _short(numbers: NDArray[np.float64]) -> list[float]:
    """Four significant digits: a dot is drawn by them, and there are many."""
    return [float(f"{number:.4g}") for number in numbers]


def _named(name: str, value: float) -> str:
    return str(name) if np.isnan(value) else f"{name} = {value:.4g}"


def _apart(points: NDArray[np.float64], span: float) -> NDArray[np.float64]:
    """How far dots that lie upon each other are drawn apart: -1 to 1, wider where they are many."""
    near = np.round(points / span * 40)
    found = np.zeros(len(points))
    for place in np.unique(near):
        here = np.flatnonzero(near == place)
        steps = np.arange(len(here)) - (len(here) - 1) / 2
        found[here] = steps / max(12.0, len(here) / 1.8) * 0.9
    return found


def _at_zero() -> alt.Chart:
    line: alt.Chart = alt.Chart(inline(pd.DataFrame({"zero": [0.0]}))).mark_rule(color=MUTED).encode(x="zero:Q")
    return line
