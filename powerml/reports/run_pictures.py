"""Which pictures a run has, by their paths among its files; how they are drawn is `powerml.charts`' affair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml import charts
from powerml.charts.reasons import Points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.charts.theme import AnyChart
    from powerml.scoring.model import ScoringModel
    from powerml.training.judged import Judged

BANDS, RELIABILITY, SCORE, REASONS = "bands/rates", "calibration/reliability", "calibration/score", "reasons/beeswarm"
FITTED_WEIGHTS, SCORERS = "weights/fitted", "scorers/parallel"
SIDE_BY_SIDE = ("skill/overall", "churn/auroc", "expand/auroc")
"""The figures that end the weights' axes, for a custom outcome its own AUROC."""
DRAWN_WEIGHTS = 10
"""So many weights are drawn, those first that differ most."""
SWARM_ROWS, SWARM_LINES = 100, 10


def judged_pictures(judged: Judged) -> dict[str, AnyChart]:
    """What came of the bands, and whether probabilities and score mean what they say."""
    name = judged.name
    return {
        BANDS: charts.bands(judged.bands, title=f"{name}: what came of each band"),
        RELIABILITY: charts.reliability(judged.reliability, title=f"{name}: observed against predicted"),
        SCORE: charts.score_against_outcome(judged.score_curve, title=f"{name}: does 70 mean 70?"),
    }


def judged_tables(judged: Judged) -> dict[str, pd.DataFrame]:
    """The numbers of those pictures, by the paths of their files."""
    return {
        f"{BANDS}.csv": judged.bands.rates,
        f"{RELIABILITY}.csv": judged.reliability,
        f"{SCORE}.csv": judged.score_curve,
    }


def reasons_picture(model: ScoringModel, rows: pd.DataFrame) -> AnyChart | None:
    """What the metrics give to some of `rows`, evenly chosen; None where there is no row or nothing to give."""
    some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(SWARM_ROWS, len(rows))).astype(int))]
    if some.empty:
        return None
    given = model.contributions(some)
    if given.values.empty:
        return None
    points = Points.of(given.values, given.baseline, some)
    return charts.beeswarm(points, title=f"What moves {model.name}", lines=SWARM_LINES)


def weights_picture(table: pd.DataFrame | None, *, name: str) -> AnyChart | None:
    """Fitted beside documented weights where a head has them, in shares of their sum."""
    if table is None or table.empty or not {"part", "documented", "fitted"} <= set(table.columns):
        return None
    shown = table.groupby("part", sort=False, as_index=False)[["documented", "fitted", "low", "high"]].mean()
    fitted = shown["fitted"].sum()
    shown["documented"] = 100 * shown["documented"] / shown["documented"].abs().sum()
    shown[["fitted", "low", "high"]] = 100 * shown[["fitted", "low", "high"]] / (fitted if fitted > 0 else 1.0)
    return charts.weights(shown, title=f"{name}: fitted beside documented weights, in % of their sum")


def scorers_picture(
    shares: Mapping[str, Mapping[str, float]], figures: Mapping[str, Mapping[str, float]]
) -> tuple[AnyChart, pd.DataFrame]:
    """Scorers in parallel coordinates over the weights that differ and their figures; and the table.

    `shares`: per scorer the share of each metric in %; `figures`: per scorer its figures (see `three_of`).
    """
    weights = pd.DataFrame(shares).T.fillna(0.0)
    spread = (weights.max() - weights.min()).sort_values(ascending=False, kind="stable")
    table = weights[list(spread[spread > 0].index[:DRAWN_WEIGHTS])].copy()
    for name, values in pd.DataFrame({name: dict(each) for name, each in figures.items()}).T.items():
        table[name] = values.reindex(table.index).astype(float)
    table = table.rename_axis("scorer").reset_index()
    axes = [str(name) for name in table.columns if name != "scorer"]
    told = "One line a scorer: share of its weight in %, then how well it predicts; each axis from least to most."
    return charts.parallel(table, axes, told=told), table


def three_of(figures: Mapping[str, float]) -> dict[str, float]:
    """Skill and the AUROC of both outcomes, of a run's figures; of a custom outcome its own."""
    wanted = [name for name in SIDE_BY_SIDE if name in figures]
    wanted += [name for name in figures if name.endswith("/auroc") and name not in wanted][: 3 - len(wanted)]
    return {name.replace("skill/overall", "skill").replace("/", " "): figures[name] for name in wanted}
