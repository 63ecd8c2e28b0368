"""One peer on one fold, run by `learning_peers.py` with the peer's own Python: fits, predicts, says how long it took.

    python learning_peer_worker.py PEER FOLDER

`FOLDER` holds `train.parquet` (features, `left`, `account`) and `test.parquet` (features); written are `said.npy` and
`cost.json` (wall and CPU seconds of fit and prediction, child processes included).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd


def ebm(train: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, test: pd.DataFrame, folder: Path) -> np.ndarray:
    """Explainable boosting machine with its defaults, pairs included; 4 bags in place of 14 above 10,000 rows.

    Where accounts have several rows its bags hold out accounts: holding out rows, it does not notice when to stop.
    """
    from interpret.glassbox import ExplainableBoostingClassifier

    count = 14 if len(train) < 10_000 else 4
    model = ExplainableBoostingClassifier(random_state=0, n_jobs=1, outer_bags=count)
    codes = np.unique(accounts, return_inverse=True)[1]
    if codes.max() + 1 == len(codes):
        return model.fit(train, y).predict_proba(test)[:, 1]
    draws = np.random.default_rng(0)
    bags = np.array([np.where(draws.random(codes.max() + 1)[codes] < 0.15, -1, 1) for _ in range(count)])
    return model.fit(train, y, bags=bags.T.astype(np.int8)).predict_proba(test)[:, 1]


def optbinning(
    train: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, test: pd.DataFrame, folder: Path
) -> np.ndarray:
    """Optbinning's scorecard: optimal bins, then a logistic regression on weights of evidence."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    names = [str(c) for c in train if train[c].notna().any()]  # it cannot bin a column of nulls
    train, test = train[names], test[names]
    texts = [c for c in names if not pd.api.types.is_numeric_dtype(train[c])]
    binning = BinningProcess(names, categorical_variables=texts)
    card = Scorecard(binning, LogisticRegression(max_iter=2000), scaling_method="min_max",
                     scaling_method_params={"min": 0, "max": 100})  # fmt: skip
    return card.fit(train, y).predict_proba(test)[:, 1]


def autogluon(train: pd.DataFrame, y: np.ndarray, accounts: np.ndarray, test: pd.DataFrame, folder: Path) -> np.ndarray:
    """AutoGluon, best quality, log loss, 120 seconds.

    Where accounts have several rows its bags are told the accounts, which its search for leaks (dynamic stacking) does
    not work with (1.6.3: "Learner is already fit"), so that is off there; bagging and stacking stay on.
    """
    from autogluon.tabular import TabularPredictor

    table, groups = train.assign(left=y), None
    if len(np.unique(accounts)) < len(accounts):
        codes = np.unique(accounts, return_inverse=True)[1]
        place = np.random.default_rng(0).permutation(codes.max() + 1)
        table, groups = table.assign(bag=place[codes] % 8), "bag"
    predictor = TabularPredictor(
        "left", problem_type="binary", eval_metric="log_loss", groups=groups, path=str(folder / "ag"), verbosity=1
    )
    options = {} if groups is None else {"dynamic_stacking": False}
    seconds = float(os.environ.get("PEER_SECONDS", "120"))
    predictor.fit(table, presets="best_quality", time_limit=seconds, **options)
    said = predictor.predict_proba(test if groups is None else test.assign(bag=0))
    return said[True].to_numpy()


PEERS = {"ebm": ebm, "optbinning": optbinning, "autogluon": autogluon}


def main() -> None:
    peer, folder = sys.argv[1], Path(sys.argv[2])
    train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    y, accounts = train.pop("left").to_numpy(dtype=bool), train.pop("account").to_numpy()
    begun, before = time.perf_counter(), os.times()
    said = np.asarray(PEERS[peer](train, y, accounts, test, folder), dtype=float)
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    np.save(folder / "said.npy", said)
    (folder / "cost.json").write_text(json.dumps({"wall": time.perf_counter() - begun, "cpu": cpu}))
    shutil.rmtree(folder / "ag", ignore_errors=True)


if __name__ == "__main__":
    main()
