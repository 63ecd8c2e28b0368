"""How well do the heads choose and blend on products of 2,000 people, and on real sets?

    for s in 21 22 23 24 25 26; do
      powerml simulate P$s --preset validation --users 2000 --months 24 --seed $s
      python experiments/studies/learning/simulated_rows.py P$s
    done
    powerml simulate P99 --preset validation --users 30000 --months 24 --seed 99
    python experiments/studies/learning/simulated_rows.py P99
    python experiments/studies/learning/small_products.py --others P99 --products P21 P22 ... --results FOLDER

Every scorer is trained on all labelled rows of a small product, as `powerml train` trains it, and judged on the last
three mature months of other people, by the simulator's own 90-day probabilities: three-way log-loss skill over the
product's own rates, slope and total (expected by the truth over expected by us) per head. With `--rows NAME=FILE ...`
also on tables of labelled snapshots (Parquet, as `data.labelled.frame`), forward in time: the last three blocks of
cutoffs (a year of quarters, or a month), each after what was known by then, judged by what came.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import judged
import numpy as np
import pandas as pd
from as_trained import trained

from powerml.statistics.logistic import sigmoid
from powerml.training.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADS = ("weights", "card", "logistic", "lightgbm", "stack", "auto")


def figures(said: pd.DataFrame, truth: np.ndarray, rates: np.ndarray) -> dict[str, float]:
    """Skill in per cent, and slope and total per head, by probabilities or outcomes (rows, 3) in place of draws."""
    p = np.clip(said[["p_churn", "p_stay", "p_expand"]].to_numpy(), 1e-12, 1.0)
    skill = 100 * (1 - (truth * np.log(p)).sum() / (truth * np.log(rates)).sum())
    stays = 1 - truth[:, 0]
    slope, total = line(p[:, 0], truth[:, 0], np.ones(len(p)))
    grows, expected = line(p[:, 2] / (1 - p[:, 0]), truth[:, 2] / np.maximum(stays, 1e-12), stays)
    return {"skill": skill, "slope_churn": slope, "total_churn": total, "slope_expand": grows, "total_expand": expected}


def line(said: np.ndarray, true: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Calibration slope on the logit, and the true over the said total, of weighted rows."""
    z = np.log(said) - np.log1p(-said)
    beta = np.array([0.0, 1.0])
    for _ in range(30):
        q = sigmoid(beta[0] + beta[1] * z)
        w, r = weight * q * (1 - q), weight * (true - q)
        hessian = np.array([[w.sum(), (w * z).sum()], [(w * z).sum(), (w * z * z).sum()]])
        beta += np.linalg.solve(hessian + 1e-9 * np.eye(2), [r.sum(), (r * z).sum()])
    return float(beta[1]), float((weight * true).sum() / (weight * said).sum())


def simulated(folder: Path, others: Path) -> Iterator[tuple[str, Rows, pd.DataFrame, np.ndarray]]:
    """A small product's rows, and other people's last three months with the simulator's probabilities."""
    rows = Rows(in_order(pd.read_parquet(folder / "labelled.parquet"), "user_id"), "user_id", 90)
    frame = in_order(pd.read_parquet(others / "labelled.parquet"), "user_id")
    frame = frame[frame["as_of"].isin(np.sort(frame["as_of"].unique())[-3:])].reset_index(drop=True)
    truth = pd.read_parquet(others / "truth" / "labels.parquet")
    truth["as_of"] = pd.to_datetime(truth["as_of"]).dt.tz_localize(None).astype(frame["as_of"].dtype)
    keys = ["as_of", "account_id"]
    known = frame[keys].merge(truth, on=keys, how="left", validate="m:1")[["p_churn", "p_expand"]].to_numpy()
    yield folder.name, rows, frame, np.column_stack([known[:, 0], 1 - known.sum(axis=1), known[:, 1]])


def forward(name: str, file: Path) -> Iterator[tuple[str, Rows, pd.DataFrame, np.ndarray]]:
    """The last three blocks of cutoffs of a real set, each with all rows whose outcomes were known by then."""
    rows = Rows(in_order(pd.read_parquet(file), "user_id"), "user_id", 90)
    at = pd.to_datetime(pd.Series(rows.times))
    cutoffs = np.sort(at.unique())
    size = 4 if np.diff(cutoffs).max() > np.timedelta64(80, "D") else 1
    for back in (3, 2, 1):
        tested = cutoffs[len(cutoffs) - size * back : len(cutoffs) - size * (back - 1)]
        train = rows.take(np.flatnonzero((at + pd.Timedelta(days=90) <= tested[0]).to_numpy()))
        test = rows.take(np.flatnonzero(at.isin(tested))).frame
        truth = np.column_stack([test["label"] == outcome for outcome in judged.OUTCOMES]).astype(float)
        yield f"{name} {pd.Timestamp(tested[0]).date()}", train, test, truth


def in_order(frame: pd.DataFrame, id_column: str) -> pd.DataFrame:
    """Rows as training has them."""
    return frame.sort_values(["as_of", id_column], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", nargs="*", type=Path, default=[])
    parser.add_argument("--others", type=Path)
    parser.add_argument("--rows", nargs="*", default=[], help="NAME=FILE")
    parser.add_argument("--heads", nargs="+", default=list(HEADS))
    parser.add_argument("--screen", choices=["auto", "off"], default="auto")
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    sets = [simulated(folder, given.others) for folder in given.products]
    sets += [forward(*text.split("=", 1)) for text in given.rows]
    given.results.mkdir(parents=True, exist_ok=True)
    target = given.results / "small_products.csv"
    for one in sets:
        for name, rows, test, truth in one:
            rates = np.array([(rows.y == outcome).mean() for outcome in judged.OUTCOMES])
            for head in given.heads:
                begun = time.process_time()
                model = trained(head, rows, screen=given.screen == "auto")
                spent = time.process_time() - begun
                row = {"set": name, "head": head, "screen": given.screen, "rows": len(rows.frame)}
                row |= figures(model.predict_proba_outcomes(test), truth, rates)
                row |= {f"took_{s.outcome}": s.head.kind for s in model.sides_.all} | {"cpu_seconds": spent}
                pd.DataFrame([row]).round(4).to_csv(target, mode="a", header=not target.exists(), index=False)
                print(row, flush=True)
    told = pd.read_csv(target).assign(
        kind=lambda t: t["set"].str.split().str[0].str.replace(r"^p\d+$", "sim", regex=True)
    )
    numbers = ["skill", "slope_churn", "total_churn", "slope_expand", "total_expand", "cpu_seconds"]
    print(told.groupby(["kind", "head", "screen"], sort=False)[numbers].mean().round(3).to_string())


if __name__ == "__main__":
    main()
