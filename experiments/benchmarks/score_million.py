"""How long does it take to score a million rows, beside reading them?

    python experiments/benchmarks/score_million.py [--rows 1000000] [--rounds 5]

Writes one Parquet file with every catalogue metric, then in each round reads it with pandas and scores it with
document D and document A (parts, score, band, coverage: the whole scores table). The rounds are interleaved, so that a
busy machine slows both alike; printed are the medians and their ratios, which the specification wants under 10.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.config.metrics import catalogue
from powerml.scoring.load import load_weights

SETS: dict[str, dict[str, float]] = {"engagement": {}, "power_user": {"max_features": 20, "max_advanced": 5}}


def metric_table(n: int, seed: int) -> pd.DataFrame:
    """A table of every catalogue metric: counts, ratios and reals with a tenth of them null where a metric may be."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    for name, spec in catalogue().items():
        if spec.unit in ("ratio", "0 to 1"):
            values = rng.uniform(-1 if "change" in name or "growth" in name else 0, 1.2, n)
        elif "days_since" in name or "mean" in name or "per_" in name:
            values = rng.gamma(1.0, 5.0, n)
        else:
            values = rng.poisson(3, n).astype(float)
        values[rng.random(n) < 0.1] = np.nan
        columns[name] = values
    return pd.DataFrame({"user_id": np.char.add("u", np.arange(n).astype(str)), **columns})


def seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.parquet"
        frame = metric_table(given.rows, seed=7)
        frame.to_parquet(path, index=False)
        scorers = {name: load_weights(name, params=params) for name, params in SETS.items()}
        taken: dict[str, list[float]] = {f"{what} {name}": [] for name in scorers for what in ("read", "score")}
        taken["read all"] = []
        for _ in range(given.rounds):
            taken["read all"].append(seconds(lambda: pd.read_parquet(path)))
            for name, scorer in scorers.items():
                columns = list(scorer.metrics_)
                taken[f"read {name}"].append(seconds(lambda columns=columns: pd.read_parquet(path, columns=columns)))
                taken[f"score {name}"].append(seconds(lambda scorer=scorer: scorer.score_table(frame)))
    median = {what: statistics.median(times) for what, times in taken.items()}
    print(f"{given.rows:,} rows of {frame.shape[1]} columns, medians of {given.rounds} interleaved rounds")
    print(f"reading the whole file: {median['read all']:.2f} s")
    for name, scorer in scorers.items():
        score, read = median[f"score {name}"], median[f"read {name}"]
        print(
            f"{name}: scored in {score:.2f} s, {score / median['read all']:.2f} x reading the file, "
            f"{score / read:.2f} x reading only the {len(scorer.metrics_)} columns it needs ({read:.2f} s)"
        )


if __name__ == "__main__":
    main()
