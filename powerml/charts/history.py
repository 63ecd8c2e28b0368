"""What changes: scores and bands over time, flows between bands, held-out months, the path of churners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from powerml.charts.theme import DOCUMENT, MUTED, OURS, SERIES, cut, inline, outcome_colour, themed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.charts.theme import AnyChart

FEW_DATES = 8  # so many are written one by one


def _dates(table: pd.DataFrame) -> alt.X:
    """The axis of `as_of`."""
    dates = sorted({f"{each:%Y-%m-%d}" for each in pd.to_datetime(table["as_of"])})
    monthly = all(each.endswith("-01") for each in dates)
    written = [alt.DateTime(year=int(d[:4]), month=int(d[5:7]), date=int(d[8:])) for d in dates]
    axis = alt.Axis(format="%b %y" if monthly or len(dates) > FEW_DATES else "%d %b", title=None, labelOverlap=True)
    axis = alt.Axis(**axis.to_dict(), **({"values": written} if len(dates) <= FEW_DATES else {"tickCount": 6}))
    return alt.X("as_of:T", axis=axis)


def trend(
    table: pd.DataFrame, *, title: str = "The mean score over time", told: str = "", y: str = "mean_score"
) -> AnyChart:
    """One line over `as_of`: the column `y`, with a band from `low` to `high` where the table has them."""
    has_ends = {"low", "high"} <= set(table.columns)
    hints = [alt.Tooltip("as_of:T", format="%Y-%m-%d", title="date"), alt.Tooltip(f"{y}:Q", format=".2f")]
    hints += [alt.Tooltip("n:Q")] if "n" in table else []
    base = alt.Chart(inline(table)).encode(x=_dates(table), tooltip=hints)
    layers = [base.mark_area(color=OURS, opacity=0.18).encode(y="low:Q", y2="high:Q")] if has_ends else []
    scale = alt.Scale(zero=False)
    layers += [
        base.mark_line(color=OURS).encode(y=alt.Y(f"{y}:Q", title=None, scale=scale)),
        base.mark_circle(color=OURS, size=40, opacity=1).encode(y=f"{y}:Q"),
    ]
    return themed(layers, title=title, told=told, height=180)


def band_shares(
    table: pd.DataFrame, names: Sequence[str], *, title: str = "How full the bands are over time"
) -> AnyChart:
    """Shares per band, stacked, over `as_of`: `as_of`, `band`, `n`, `share`; `names` highest first."""
    order = cut(names)
    colours = _ladder_colours(len(order))
    frame = table.assign(place=[-order.index(name) for name in cut(table["band"])])
    legend = alt.Legend(title=None, orient="bottom", columns=3)
    chart = alt.Chart(inline(frame)).mark_area().encode(
        x=_dates(table), y=alt.Y("share:Q", stack="zero").axis(format="%", title=None),
        color=alt.Color("band:N", sort=order, legend=legend).scale(domain=order, range=colours),
        order=alt.Order("place:Q"),
        tooltip=[alt.Tooltip("as_of:T", format="%Y-%m-%d", title="date"), "band:N", "n:Q",
                 alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    return themed([chart], title=title, told="Best band at the top.", height=220)


def flows(table: pd.DataFrame, names: Sequence[str], *, title: str = "Who moved between bands") -> AnyChart:
    """How many moved from each band (rows) to each (columns): `from_band`, `to_band`, `n`; `names` highest first."""
    order = cut(names)
    base = alt.Chart(inline(table)).encode(
        x=alt.X("to_band:N", sort=order, title="to").axis(
            orient="top", labelAngle=0, labelLimit=62, labelFontSize=10, domain=False, ticks=False
        ),
        y=alt.Y("from_band:N", sort=order, title="from").axis(domain=False, ticks=False),
        tooltip=["from_band:N", "to_band:N", "n:Q"],
    )
    shade = alt.Color("n:Q", legend=None).scale(type="sqrt", range=["#e8eff7", "#3d7fc1"])
    layers = [
        base.mark_rect(stroke="#ffffff").encode(color=shade),
        base.mark_text(color="#16202b", fontSize=11).encode(text="n:Q"),
    ]
    told = "Rows: where they were; columns: where they are. On the diagonal they stayed."
    return themed(layers, title=title, told=told, height=max(120, 34 * len(order)))


def months(table: pd.DataFrame, *, title: str = "Month by month on what was held out") -> AnyChart:
    """AUROC per `outcome` over `as_of` with its interval: `as_of`, `outcome`, `auroc`, `low`, `high`, `events`."""
    outcomes = list(dict.fromkeys(table["outcome"]))
    hints = [
        alt.Tooltip("as_of:T", format="%Y-%m-%d", title="cutoff"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("auroc:Q", format=".3f"),
    ]
    hints += [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("low", "high")]
    hints += [alt.Tooltip("events:Q")] if "events" in table else []
    base = alt.Chart(inline(table)).encode(x=_dates(table), color=outcome_colour(outcomes), tooltip=hints)
    y = alt.Y("auroc:Q", title="AUROC").scale(zero=False)
    even = alt.Chart(inline(table.head(1).assign(even=0.5)[["even"]])).mark_rule(color=MUTED, strokeDash=[2, 3])
    layers = [
        even.encode(y="even:Q"),
        base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", title="AUROC").scale(zero=False), y2="high:Q"),
        base.mark_line().encode(y=y),
        base.mark_circle(size=40, opacity=1).encode(y=y),
    ]
    told = "Bars: 95 % intervals by account. At the dotted line (0.5) a score is a coin."
    return themed(layers, title=title, told=told, height=220)


def path(table: pd.DataFrame, *, title: str = "The score of churners before they left") -> AnyChart:
    """`months_before` (6 to 1), `n`, `mean_score`, `low`, `high`, and `document`: the path that a document prints."""
    hints = [
        alt.Tooltip("months_before:O", title="months before"),
        alt.Tooltip("n:Q"),
        alt.Tooltip("mean_score:Q", format=".1f"),
    ]
    hints += [alt.Tooltip("document:Q")] if "document" in table else []
    known = table.dropna(subset=["mean_score"])
    x = alt.X("months_before:O", sort="descending", title="months before leaving").axis(labelAngle=0)
    base = alt.Chart(inline(known)).encode(x=x, tooltip=hints)
    y = alt.Y("mean_score:Q", title="mean score").scale(domain=[0, 100])
    layers = [
        base.mark_rule(color=OURS, opacity=0.5).encode(y=alt.Y("low:Q", title="mean score"), y2="high:Q"),
        base.mark_line(color=OURS).encode(y=y),
        base.mark_circle(color=OURS, size=45, opacity=1).encode(y=y),
    ]
    told = "Points: here, with 95 % intervals."
    if "document" in table:
        layers.append(
            base.mark_point(shape="diamond", filled=False, color=DOCUMENT, size=60, strokeWidth=2).encode(
                y="document:Q"
            )
        )
        told += " Diamonds: what document D prints."
    return themed(layers, title=title, told=told, height=220)


def _ladder_colours(n: int) -> list[str]:
    """Colours from good to bad for `n` bands; further ones from the series."""
    ladder = {1: ["#3d7fc1"], 2: ["#3a9b6f", "#cc5245"], 3: ["#3a9b6f", "#d1b04b", "#cc5245"]}
    ladder[4] = ["#3a9b6f", "#7fb069", "#e0a458", "#cc5245"]
    ladder[5] = ["#2f8f63", "#7fb069", "#d8c05a", "#e0935a", "#cc5245"]
    return ladder.get(n, list(SERIES[:n]))
