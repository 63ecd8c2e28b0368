"""When should a calibrator be believed? Rules compared on draws of accounts from the simulated product.

    python experiments/studies/learning/calibration_rule.py OUT --results experiments/studies/learning/results

Each draw trains a head on a sample of whole accounts (by its own folds), picks a map by each rule from the same
out-of-fold logits, and judges it on the last mature month: what does it gain over leaving the logits alone? With
`--others MANY.parquet` it is judged on other people in that month, of whom there are more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from as_trained import trained
from truth import GRACE_DAYS, in_month

from powerml.calibration.head import HeadCalibrator
from powerml.calibration.maps import clip_logits, fit_map
from powerml.statistics.folds import group_codes
from powerml.statistics.logistic import log_losses
from powerml.statistics.splits import SnapshotSplit
from powerml.training.rows import Rows

RULES = {"best map": 0.0, "one standard error": 1.0, "two standard errors": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8_000, 20_000, 40_000])
    parser.add_argument("--heads", nargs="+", default=["card", "logistic", "lightgbm"])
    parser.add_argument("--others", type=Path)
    given = parser.parse_args()
    frame = pd.read_parquet(given.folder / "labelled.parquet").sort_values(["as_of", "user_id"], ignore_index=True)
    rows = Rows(frame, "user_id", 90)
    split = SnapshotSplit(90, GRACE_DAYS, test_months=1, held_out_share=0.0)
    ((train, test),) = list(split.rows(frame, rows.accounts))
    later = rows.take(test)
    if given.others is not None:
        later = in_month(Rows(pd.read_parquet(given.others), "user_id", 90), later.times[0])
    codes = group_codes(rows.accounts[train], len(train))
    table = []
    for draw in range(given.draws):
        order = np.random.default_rng(draw).permutation(codes.max() + 1)
        grown = np.cumsum(np.bincount(codes)[order])
        for size in given.sizes:
            own = rows.take(train[np.isin(codes, order[grown <= size])])
            for head in given.heads:
                table += judged(head, own, later, {"draw": draw, "rows": size, "head": head})
                pd.DataFrame(table).round(6).to_csv(given.results / "calibration_rule_draws.csv", index=False)
    found = pd.DataFrame(table)
    grouped = found.groupby(["outcome", "rows", "rule"], sort=False)
    summary = grouped.agg(
        changed=("changed", "mean"), gain=("gain", "mean"), worst=("gain", "min"), best=("gain", "max")
    )
    summary.round(5).to_csv(given.results / "calibration_rule.csv")
    print(summary.round(5).to_string())


def judged(head: str, own: Rows, later: Rows, about: dict[str, object]) -> list[dict[str, object]]:
    """Per outcome and rule: was the identity left, and the gain in log loss on the later month."""
    model, found = trained(head, own, seed=7), []
    left, gone = own.y == "churn", later.y == "churn"
    for side, kept, tested in zip(model.sides_.all, (left | True, ~left), (gone | True, ~gone), strict=True):
        y, accounts = (own.y[kept] == side.outcome).astype(float), own.accounts[kept]
        seen = np.isfinite(side.out_of_fold)
        z, y, accounts = side.out_of_fold[seen], y[seen], accounts[seen]
        inputs = model._inputs(later.frame[tested])
        raw, came = side.head.decision_function(inputs.matrix), (later.y[tested] == side.outcome).astype(float)
        plain = log_losses(came, raw).mean()
        tried = HeadCalibrator("auto").fit(z, y, groups=accounts).candidates_
        for rule, least in RULES.items():
            best = min(tried, key=lambda c: c.log_loss, default=None)
            method = best.method if best is not None and best.gain > least * best.gain_se else "identity"
            mapped = clip_logits(fit_map(method, z, y).apply(raw))
            gain = plain - log_losses(came, mapped).mean()
            found.append({**about, "outcome": side.outcome, "rule": rule, "map": method,
                          "changed": method != "identity", "gain": gain})  # fmt: skip
    return found


if __name__ == "__main__":
    main()
