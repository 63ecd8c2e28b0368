"""Every picture, once: a table in, an Altair chart out; `svg` and `png` make pictures of it, offline.

The same charts stand on the page, in MLflow, in notebooks (where a chart shows itself) and in the README.
"""

from powerml.charts.bands import bands, share_beside
from powerml.charts.concentration import day_curve, lorenz_curve
from powerml.charts.estimates import estimates
from powerml.charts.history import band_shares, flows, months, path, trend
from powerml.charts.reasons import beeswarm, waterfall
from powerml.charts.reliability import reliability, score_against_outcome
from powerml.charts.scores import distribution
from powerml.charts.weights import parallel, weights
from powerml.charts.writing import png, svg

__all__ = [
    "band_shares",
    "bands",
    "beeswarm",
    "day_curve",
    "distribution",
    "estimates",
    "flows",
    "lorenz_curve",
    "months",
    "parallel",
    "path",
    "png",
    "reliability",
    "score_against_outcome",
    "share_beside",
    "svg",
    "trend",
    "waterfall",
    "weights",
]
