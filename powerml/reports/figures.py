"""Pictures of what was measured, drawn without a display; the numbers come as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.tables import is_rest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from powerml.validation.band_report import BandReport

COLOURS = {"churn": "#b5392f", "stay": "#8a97a6", "expand": "#2f6db5"}


def _colour(outcome: str) -> str:
    """An outcome's colour: grey for what is left where none came, blue for a custom one."""
    return COLOURS.get(outcome, COLOURS["stay" if is_rest(outcome) else "expand"])


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def reliability_figure(curves: pd.DataFrame, *, title: str) -> Figure:
    """Observed against predicted rates with their intervals, one line per outcome, drawn from a reliability curve."""
    figure, axes = _canvas(5.5, 5)
    top = 0.05
    for outcome, part in curves.groupby("outcome", sort=False):
        curve = part.dropna(subset=["predicted", "observed"])
        if curve.empty:
            continue
        top = max(top, float(curve[["predicted", "observed"]].to_numpy().max()))
        colour = _colour(str(outcome))
        axes.plot(curve["predicted"], curve["observed"], marker="o", color=colour, label=outcome)
        axes.vlines(curve["predicted"], curve["low"], curve["high"], color=colour, alpha=0.5)
        top = max(top, float(curve["high"].max()))
    top = min(1.0, 1.05 * top)
    axes.plot([0, top], [0, top], color="#1c2530", linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="predicted", ylabel="observed", title=title)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return figure


def band_figure(report: BandReport, *, title: str) -> Figure:
    """Outcome rates per band with their intervals."""
    figure, axes = _canvas(7, 4)
    places, width = np.arange(len(report.bands)), 0.8 / max(len(report.outcomes), 1)
    for i, outcome in enumerate(report.outcomes):
        part = report.rates[report.rates["outcome"] == outcome]
        at = places + (i - (len(report.outcomes) - 1) / 2) * width
        axes.bar(at, part["rate"].to_numpy(dtype=float), width=width, color=_colour(outcome), label=outcome)
        axes.vlines(at, part["low"], part["high"], color="#1c2530", linewidth=1)
    rows = zip(report.bands["band"], report.bands["n"], strict=True)
    axes.set_xticks(places, [f"{band}\nn = {n:.0f}" for band, n in rows])
    axes.set(ylim=(0, 1), ylabel="observed rate", title=title)
    axes.legend(frameon=False)
    return figure
