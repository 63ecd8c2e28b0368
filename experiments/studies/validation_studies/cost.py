"""What honesty costs: screen report, verdict, band report and comparison of eight scorers against one LightGBM fit.

    python experiments/studies/validation_studies/cost.py --rounds 3 -o experiments/studies/validation_studies/cost.csv

15,000 entities x 12 snapshots x 60 metrics; LightGBM with default settings on one thread, churn or not. Screening is
over all rows, judging over the last three snapshots, as in
training. CPU time of this process, all threads counted, rounds interleaved, medians.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.calibration.links import best_single_metric
from powerml.screening.correlation import CorrelationScreen
from powerml.screening.report import screen_report
from powerml.statistics.logistic import sigmoid
from powerml.validation.band_report import band_report
from powerml.validation.comparison import compare
from powerml.validation.held_rows import HeldRows, Said
from powerml.validation.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable

ENTITIES, SNAPSHOTS, METRICS, SCORERS, TESTS = 15_000, 12, 60, 8, 3
BANDS = {90: "Champions", 70: "Healthy", 50: "Stable", 30: "At Risk", 0: "High Risk"}


def world(seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Metrics of users of 5,000 accounts with outcomes (7 % churn, 8 % expand), and eight scores of different worth."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=ENTITIES)
    parts, labels = [], []
    for _ in range(SNAPSHOTS):
        now = level + 0.5 * rng.normal(size=ENTITIES)
        c, e = sigmoid(-3.2 - 1.2 * now), sigmoid(-3.0 + 1.1 * now)
        u = rng.random(ENTITIES)
        labels.append(np.select([u < c, u < c + (1 - c) * e], ["churn", "expand"], "stay"))
        x = rng.normal(size=(ENTITIES, METRICS)) + now[:, None] * np.linspace(0, 1, METRICS)
        x[:, ::3] = np.floor(np.exp(x[:, ::3] / 2))  # a third are counts, with ties
        parts.append(x)
    x = np.concatenate(parts)
    x[rng.random(x.shape) < 0.05] = np.nan
    y = np.concatenate(labels)
    groups = np.tile(np.arange(ENTITIES) // 3, SNAPSHOTS)
    times = np.repeat(pd.date_range("2025-01-01", periods=SNAPSHOTS, freq="MS"), ENTITIES)
    clean = np.nan_to_num(x)
    scores = [np.clip(50 + 12 * clean[:, -1 - k] + k * rng.normal(size=len(y)), 0, 100) for k in range(SCORERS)]
    scores = [np.round(s) if k % 2 else s for k, s in enumerate(scores)]
    return pd.DataFrame(x, columns=[f"m{i:02d}" for i in range(METRICS)]), y, groups, times, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "cost.csv")
    asked = parser.parse_args()
    from lightgbm import LGBMClassifier

    x, y, groups, times, scores = world(0)
    train = np.arange(len(y)) < (SNAPSHOTS - TESTS) * ENTITIES
    test = ~train
    base = {o: float((y[train] == o).mean()) for o in ("churn", "stay", "expand")}
    outcomes = ("churn", "stay", "expand")
    said = {}

    def links() -> None:
        for k, s in enumerate(scores):
            score = pd.DataFrame({"score": s})
            link = best_single_metric(score[train], y[train], outcomes)
            said[f"scorer {k}"] = link.probabilities(score[test])

    def verdicts() -> None:
        for k, p in enumerate(said.values()):
            held = HeldRows(y[test], groups[test], np.asarray(times)[test])
            verdict(held, Said(p, base, scores[k][test]), rivals={"another": said["scorer 0"]})

    def bands() -> None:
        for k, p in enumerate(said.values()):
            band_report(scores[k][test], y[test], bands=BANDS, groups=groups[test], probabilities=p)

    work: dict[str, Callable[[], object]] = {
        "lightgbm fit": lambda: LGBMClassifier(verbose=-1, n_jobs=1).fit(x, y == "churn"),
        "screen report": lambda: screen_report(
            x, y, groups=groups, times=times, screen=CorrelationScreen(threshold=0.3)
        ),
        "links": links,
        "verdicts": verdicts,
        "band reports": bands,
        "comparison": lambda: compare(y[test], said, groups=groups[test]),
    }
    rows = []
    for number in range(asked.rounds):
        for name, step in work.items():
            started = time.process_time()
            step()
            rows.append({"round": number, "step": name, "cpu_seconds": time.process_time() - started})
            print(rows[-1], flush=True)
    medians = pd.DataFrame(rows).groupby("step", sort=False)["cpu_seconds"].median()
    table = medians.to_frame().assign(times_lightgbm=medians / medians["lightgbm fit"])
    table.loc["all but lightgbm"] = table.drop("lightgbm fit").sum()
    table.round(3).to_csv(asked.output)
    print(table.round(2))


if __name__ == "__main__":
    main()
