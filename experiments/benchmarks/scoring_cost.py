"""What scoring 100,000 rows with a fitted model of trees costs, against another checkout of the package.

Two processes fit the same model, each with its own package, and score the same rows by turns, so that what else the
machine does falls on both alike. Printed: CPU and wall-clock seconds per round, and the ratio of the medians.

    git worktree add --detach /path/to/old e1dc94a
    python experiments/benchmarks/scoring_cost.py --old /path/to/old
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parents[2]


def work(rows: int, training: int) -> None:
    """Fits a model of trees, then scores `rows` rows whenever a line comes in, and says what that took."""
    import numpy as np
    import pandas as pd

    ScoringModel, NestedOutcomeModel = _models()
    rng = np.random.default_rng(0)

    def frame(n: int) -> pd.DataFrame:
        columns = {f"metric_{i}": rng.poisson(5, n).astype(float) for i in range(60)}
        return pd.DataFrame({**columns, "events_30d": rng.poisson(8, n).astype(float)})

    X = frame(training)
    z = (X["metric_0"] - X["metric_1"]) / 3
    left = rng.random(training) < 1 / (1 + np.exp(1.2 + z))
    grew = rng.random(training) < 1 / (1 + np.exp(1.0 - z))
    y = np.where(left, "churn", np.where(grew, "expand", "stay"))
    model = ScoringModel(NestedOutcomeModel("lightgbm").fit(X, y)).with_reference(X)
    scored = frame(rows)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        table = model.score(scored)
        took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        print(json.dumps({**took, "sum": float(table["score"].sum())}), flush=True)


def _models() -> tuple[Any, Any]:
    """The two classes, where they stand in this checkout or stood at e1dc94a."""
    try:
        names = ("powerml.scoring.model", "powerml.scoring.outcome.model")
        found = [importlib.import_module(name) for name in names]
    except ImportError:
        names = ("powerml.tracking.scoring_model", "powerml.scoring.outcome")
        found = [importlib.import_module(name) for name in names]
    return found[0].ScoringModel, found[1].NestedOutcomeModel


def main() -> None:
    """Starts both, takes turns, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, help="a checkout to compare with")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--training", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.rows, asked.training)
        return
    folders = {"new": HERE, **({"old": asked.old} if asked.old else {})}
    workers = {name: _started(folder, asked.rows, asked.training) for name, folder in folders.items()}
    took: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    for turn in range(asked.rounds + 1):
        for name, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            said = json.loads(worker.stdout.readline())
            if turn:  # the first round warms up
                took[name].append(said)
                print(f"{name}: {said['cpu']:.2f} s CPU, {said['wall']:.2f} s wall clock")
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    if asked.old:
        for clock in ("cpu", "wall"):
            new, old = (median(one[clock] for one in took[name]) for name in ("new", "old"))
            print(f"{clock}: {new:.2f} s against {old:.2f} s, ratio {new / old:.2f}")
        assert abs(took["new"][0]["sum"] / took["old"][0]["sum"] - 1) < 1e-9, "both must give the same scores"


def _started(folder: Path, rows: int, training: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--work", "--rows", str(rows), "--training", str(training)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main()
