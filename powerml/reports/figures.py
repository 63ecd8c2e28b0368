"""Pictures of what was measured, drawn without a display; the numbers come as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


def reliability_figure(curves: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """Observed against predicted rates, one line per outcome.

    `curves` maps an outcome to a frame with `predicted` and `observed`, `low` and `high` where it has intervals.
    """
    figure, axes = _canvas(5.5, 5)
    top = 0.05
    for outcome, curve in curves.items():
        curve = curve.dropna(subset=["predicted", "observed"])
        if curve.empty:
            continue
        top = max(top, float(curve[["predicted", "observed"]].to_numpy().max()))
        colour = _colour(outcome)
        axes.plot(curve["predicted"], curve["observed"], marker="o", color=colour, label=outcome)
        if {"low", "high"} <= set(curve):
            axes.vlines(curve["predicted"], curve["low"], curve["high"], color=colour, alpha=0.5)
            top = max(top, float(curve["high"].max()))
    top = min(1.0, 1.05 * top)
    axes.plot([0, top], [0, top], color="#1c2530", linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="predicted", ylabel="observed", title=title)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return figure


def band_figure(report: pd.DataFrame, *, title: str) -> Figure:
    """Outcome rates per band with their intervals, drawn from a band report."""
    figure, axes = _canvas(7, 4)
    places = np.arange(len(report))
    outcomes = [str(name).removeprefix("rate_") for name in report if str(name).startswith("rate_")]
    width = 0.8 / max(len(outcomes), 1)
    for i, outcome in enumerate(outcomes):
        rate = report[f"rate_{outcome}"].to_numpy(dtype=float)
        at = places + (i - (len(outcomes) - 1) / 2) * width
        axes.bar(at, rate, width=width, color=_colour(outcome), label=outcome)
        if f"low_{outcome}" in report:
            axes.vlines(at, report[f"low_{outcome}"], report[f"high_{outcome}"], color="#1c2530", linewidth=1)
    axes.set_xticks(places, [f"{band}\nn = {n:.0f}" for band, n in zip(report["band"], report["n"], strict=True)])
    axes.set(ylim=(0, 1), ylabel="observed rate", title=title)
    axes.legend(frameon=False)
    return figure
