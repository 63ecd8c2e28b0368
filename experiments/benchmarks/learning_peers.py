"""Our heads against default and regularised LightGBM, EBM, optbinning's scorecard and AutoGluon, on the same folds.

    python experiments/benchmarks/learning_peers.py --results experiments/benchmarks/learning \\
        --telco DATA/Telco-Customer-Churn.csv --git-brew configs/projects/git_brew.yaml \\
        --simulated OUT/validation OUT/interaction \\
        --peer autogluon=/envs/ag/bin/python --peer ebm=/envs/glass/bin/python --peer optbinning=/envs/glass/bin/python

Peers run in their own environments (`pip install torch "autogluon.tabular[lightgbm,catboost,xgboost]"`; `pip install
interpret-core optbinning "pandas<3"`). Simulated folders hold what simulated_rows.py of experiments/studies/learning
writes. The outcome is churn or not; our heads are trained through the outcome model, calibration and all. Written are
predictions per fold, costs, and the tables: AUROC and log loss over the pooled test rows, paired differences with
intervals by account. A data set that is there already is not run again; `--tables` only makes the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from learning_data import DIRECTIONS, Fold, git_brew, simulated, telco

from powerml.scoring.load import load_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.screening.auto import AutoScreen
from powerml.statistics.bootstrap import AccountBootstrap
from powerml.statistics.scores import auroc, log_loss_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = ("card", "logistic", "lightgbm", "stack", "auto")
WORKER = Path(__file__).with_name("learning_peer_worker.py")
REPEATS = 2000


def ours(head: str, fold: Fold) -> np.ndarray:
    """One of our heads as `powerml train` fits it: the screen `auto`, document D's structure where its metrics are."""
    documented = load_weights("engagement")
    prior = documented if set(documented.metrics_) <= set(fold.train) else None
    model = NestedOutcomeModel(
        head, prior=prior, outcomes=("churn", "stay"), directions=DIRECTIONS, screen=AutoScreen(), seed=7
    )
    y = np.where(fold.left, "churn", "stay")
    model.fit(fold.train, y, groups=fold.accounts, times=fold.times, ids=fold.ids)
    return model.predict_proba_outcomes(fold.test)["p_churn"].to_numpy()


LIGHTGBMS: dict[str, dict[str, float]] = {
    "lightgbm_default": {},
    "lightgbm_regularised": {"n_estimators": 200, "learning_rate": 0.03, "num_leaves": 15},
}


def plain_lightgbm(fold: Fold, settings: dict[str, float]) -> np.ndarray:
    """LightGBM with those settings and else as it comes, on one thread."""
    from lightgbm import LGBMClassifier

    texts = [c for c in fold.train if not pd.api.types.is_numeric_dtype(fold.train[c])]
    train, test = fold.train.astype(dict.fromkeys(texts, "category")), fold.test.copy()
    for name in texts:
        test[name] = pd.Categorical(test[name], categories=train[name].cat.categories)
    model = LGBMClassifier(n_jobs=1, verbose=-1, **settings).fit(train, fold.left)
    return np.asarray(model.predict_proba(test))[:, 1]


def peer(name: str, python: str, fold: Fold) -> tuple[np.ndarray, dict[str, float]]:
    """A peer in its own Python, over Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        fold.train.assign(left=fold.left, account=fold.accounts.astype(str)).to_parquet(here / "train.parquet")
        fold.test.to_parquet(here / "test.parquet")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if name != "autogluon":
            environment["OMP_NUM_THREADS"] = "1"
        done = subprocess.run([python, str(WORKER), name, folder], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
        return np.load(here / "said.npy"), json.loads((here / "cost.json").read_text())


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, dict[str, float]]:
    """What it says, and its wall and CPU seconds."""
    begun, cpu = time.perf_counter(), time.process_time()
    said = work()
    return said, {"wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu}


def run(name: str, folds: Iterator[Fold], peers: dict[str, str], results: Path, scorers: list[str]) -> None:
    """Every scorer on every fold; predictions and costs are written as they come."""
    target = results / "predictions"
    target.mkdir(parents=True, exist_ok=True)
    for number, fold in enumerate(folds):
        for scorer in scorers:
            file = target / f"{name}.{number}.{scorer}.parquet"
            if file.exists():
                continue
            if scorer in peers:
                said, cost = peer(scorer, peers[scorer], fold)
            elif scorer in LIGHTGBMS:
                said, cost = timed(lambda fold=fold, scorer=scorer: plain_lightgbm(fold, LIGHTGBMS[scorer]))
            else:
                said, cost = timed(lambda fold=fold, scorer=scorer: ours(scorer, fold))
            table = pd.DataFrame({"account": fold.test_accounts.astype(str), "left": fold.test_left, "said": said})
            table.assign(train_rows=len(fold.train), **cost).to_parquet(file)
            loss, shown = log_loss_rows(fold.test_left, said).mean(), auroc(fold.test_left, said)
            print(
                f"{name} {number} {scorer}: AUROC {shown:.4f}, log loss {loss:.4f}, {cost['cpu']:.1f} s CPU", flush=True
            )


def predictions(results: Path) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """What was written, by data set and scorer, one table a fold; folds that not all of ours ran are left out."""
    read: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for file in sorted((results / "predictions").glob("*.parquet")):
        data, _, scorer = file.stem.split(".")
        read.setdefault(data, {}).setdefault(scorer, []).append(pd.read_parquet(file))
    whole = {data: max(map(len, scorers.values())) for data, scorers in read.items()}
    return {
        data: {scorer: parts for scorer, parts in scorers.items() if len(parts) == whole[data]}
        for data, scorers in read.items()
    }


def tables(results: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Quality and cost per scorer, and paired differences from each peer, from the predictions written."""
    quality, pairs = [], []
    for data, scorers in predictions(results).items():
        rows = {scorer: pd.concat(parts, ignore_index=True) for scorer, parts in scorers.items()}
        cost = {s: pd.concat([part.iloc[:1] for part in parts])[["wall", "cpu"]].mean() for s, parts in scorers.items()}
        accounts, left = (next(iter(rows.values()))[name].to_numpy() for name in ("account", "left"))
        draws = AccountBootstrap.of(accounts, repeats=REPEATS, seed=7)
        said = {scorer: np.clip(table["said"].to_numpy(), 1e-6, 1 - 1e-6) for scorer, table in rows.items()}
        losses = {scorer: log_loss_rows(left, p) for scorer, p in said.items()}
        drawn = {scorer: draws.auroc(left, p) for scorer, p in said.items()}
        ranks = {scorer: auroc(left, p) for scorer, p in said.items()}
        for scorer, parts in scorers.items():
            row = {"data": data, "scorer": scorer, "folds": len(parts), "train_rows": parts[-1]["train_rows"].iloc[0]}
            row |= {"test_rows": len(left), "events": int(left.sum())}
            row |= {"auroc": ranks[scorer], "log_loss": losses[scorer].mean()}
            row |= {f"{kind}_seconds": cost[scorer][kind] for kind in ("wall", "cpu")}
            for other, kind in (("autogluon", "wall"), ("autogluon", "cpu"), ("lightgbm_default", "cpu")):
                row[f"{kind}_to_{other}"] = cost[scorer][kind] / cost[other][kind] if other in cost else np.nan
            quality.append(row)
        for scorer in [s for s in rows if s in OURS]:
            for other in [s for s in rows if s != scorer and (s not in OURS or s == "lightgbm")]:
                apart = losses[scorer] - losses[other]
                low, high = np.quantile(draws.means(apart), [0.025, 0.975])
                first, last = np.nanquantile(100 * (drawn[scorer] - drawn[other]), [0.025, 0.975])
                answer = "better" if high < 0 else "worse" if low > 0 else "cannot tell them apart"
                row = {"data": data, "scorer": scorer, "against": other, "log_loss_difference": apart.mean()}
                row |= {"low": low, "high": high, "answer": answer}
                row |= {"auroc_points": 100 * (ranks[scorer] - ranks[other]), "auroc_low": first, "auroc_high": last}
                pairs.append(row)
    return pd.DataFrame(quality), pd.DataFrame(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--telco", type=Path)
    parser.add_argument("--git-brew", type=Path)
    parser.add_argument("--simulated", type=Path, nargs="*", default=[])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--scorers", nargs="+")
    parser.add_argument("--tables", action="store_true")
    given = parser.parse_args()
    peers = dict(each.split("=", 1) for each in given.peer)
    scorers = given.scorers or [*OURS, *LIGHTGBMS, *peers]
    if not given.tables:
        if given.telco:
            run("telco", telco(given.telco), peers, given.results, scorers)
        if given.git_brew:
            run("git_brew", git_brew(given.git_brew), peers, given.results, scorers)
        for folder in given.simulated:
            run(folder.name, simulated(folder), peers, given.results, scorers)
    quality, pairs = tables(given.results)
    quality.round(5).to_csv(given.results / "quality.csv", index=False)
    pairs.round(5).to_csv(given.results / "pairs.csv", index=False)
    print(quality.round(4).to_string(index=False))
    print(pairs.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
