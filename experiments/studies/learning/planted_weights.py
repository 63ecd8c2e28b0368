"""Do fitted weights recover weights that were planted? Documents A and E, on the simulated product's own metrics.

    python experiments/studies/learning/planted_weights.py OUT --results experiments/studies/learning/results

Outcomes are drawn anew from a composite with weights in another order than the document's, on real combinations of
metrics (so the parts are as correlated as they are); a fitted weight should have the planted order and an interval that
holds the planted value.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.scoring.heads.weights import documented_weights
from powerml.scoring.load import load_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.statistics.logistic import sigmoid

PLANTED = {
    "power_user": {"depth": 0.10, "tenure": 0.35, "collaboration": 0.05, "expansion": 0.30, "sentiment": 0.20},
    "activity": {"logins_30d": 1.0, "workflows_completed_30d": 2.0, "invites_30d": 12.0},
}
SIZES = (1_000, 4_000, 15_000)
STEEPNESS = 1.5  # logit per standard deviation of the planted score: AUROC about .83


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    frame = pd.read_parquet(given.folder / "labelled.parquet")
    frame = frame[frame["as_of"] == frame["as_of"].max()].reset_index(drop=True)
    table = []
    for name, weights in PLANTED.items():
        scorer = load_weights(name, params={"max_features": 20, "max_advanced": 5} if name == "power_user" else {})
        scorer = scorer.fit(frame)
        parts = scorer.unit_parts(frame)
        planted = np.array([weights[part] for part in documented_weights(scorer)])
        score = np.where(np.isnan(parts), np.nanmean(parts, axis=0), parts) @ planted
        usual = np.clip((score - np.mean(score)) / np.std(score), -3, 3) if name == "power_user" else score
        logit = -1.3 - STEEPNESS * (usual - usual.mean()) / usual.std()
        for draw in range(given.draws):
            rng = np.random.default_rng(draw)
            left = rng.random(len(frame)) < sigmoid(logit)
            for size in SIZES:
                some = rng.permutation(len(frame))[: min(size, len(frame))]
                own = frame.iloc[some]
                model = NestedOutcomeModel("weights", prior=scorer, seed=draw)
                model.fit(own, np.where(left[some], "churn", "stay"), groups=own["account_id"], ids=own["user_id"])
                found = model.fitted_weights().set_index("part")
                values = scorer.normalised(planted)
                for k, (part, row) in enumerate(found.iterrows()):
                    table.append({
                        "document": name, "rows": len(some), "events": int(left[some].sum()), "draw": draw,
                        "part": part, "documented": row["documented"], "planted": values[k], "fitted": row["fitted"],
                        "low": row["low"], "high": row["high"], "held": row["low"] <= values[k] <= row["high"],
                    })  # fmt: skip
    found = pd.DataFrame(table)
    summary = found.groupby(["document", "rows", "part"], sort=False).agg(
        events=("events", "mean"), documented=("documented", "first"), planted=("planted", "first"),
        fitted=("fitted", "mean"), spread=("fitted", "std"), held=("held", "mean"),
    ).reset_index()  # fmt: skip
    order = found.groupby(["document", "rows", "draw"], sort=False)[["planted", "fitted"]].corr("spearman").iloc[::2, 1]
    summary["order_recovered"] = summary.set_index(["document", "rows"]).index.map(
        (order.droplevel(-1) > 0.999).groupby(["document", "rows"]).mean()
    )
    given.results.mkdir(parents=True, exist_ok=True)
    summary.round(4).to_csv(given.results / "planted_weights.csv", index=False)
    print(summary.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
