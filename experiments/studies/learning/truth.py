"""Do the heads find what was planted in the simulated product, and may their probabilities be believed?

    powerml simulate OUT --preset validation --users 50000 --months 24 --seed 101
    python experiments/studies/learning/simulated_rows.py OUT
    python experiments/studies/learning/truth.py OUT --results experiments/studies/learning/results \\
        [--heads card logistic ...]

Each head is trained as `powerml train` trains it (its folds inside, directions declared, document D's structure, the
screen `auto`) on what is mature before each of the last three mature months, and judged on that month.
`stack` is trained on 40,000 rows of whole accounts, because above 50,000 it is made on request only. The bound is what
the simulator's true hazards say of the same rows; with `--oracle MANY.parquet` (rows of a product of many more users)
also a large LightGBM on the observed metrics. With `--others MANY.parquet` every model is judged on these people, too,
in the same month: nobody it learnt from, and more of them, so that chance is less of an excuse. Results are appended
head by head, so that a run may be cut.
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

from powerml.scoring.heads.training import rehearsal_rows
from powerml.scoring.outcome.rows import STRUCTURE
from powerml.statistics.bootstrap import AccountBootstrap
from powerml.statistics.splits import SnapshotSplit
from powerml.training.rows import Rows

if TYPE_CHECKING:
    from powerml.scoring.outcome.model import NestedOutcomeModel

HEADS = ("weights", "card", "logistic", "lightgbm", "auto", "stack")
STACK_ROWS = 40_000
GRACE_DAYS = 30


def of_size(head: str, rows: Rows, *, seed: int) -> NestedOutcomeModel:
    """The model of one head on rows; `stack` on some whole accounts, for its cost."""
    if head == "stack":
        codes = np.unique(rows.accounts, return_inverse=True)[1]
        rows = rows.take(rehearsal_rows(codes, STACK_ROWS))
    return trained(head, rows, seed=seed)


def observed_oracle(path: Path, rows: pd.DataFrame, *, seed: int, most: int = 600_000) -> pd.DataFrame:
    """What a large LightGBM, trained on the rows of a product of many more users, says of `rows`."""
    from lightgbm import LGBMClassifier

    many = pd.read_parquet(path)
    if len(many) > most:
        many = many.sample(most, random_state=seed)
    columns = [name for name in rows if name not in STRUCTURE]
    said = []
    for happened, kept in (
        (many["label"] == "churn", many["label"] != ""),
        (many["label"] == "expand", many["label"] != "churn"),
    ):
        model = LGBMClassifier(
            n_estimators=500, learning_rate=0.04, num_leaves=48, min_child_samples=100, subsample=0.7, subsample_freq=1,
            colsample_bytree=0.5, reg_lambda=5, random_state=seed, n_jobs=1, verbose=-1,
        )  # fmt: skip
        model.fit(many.loc[kept, columns], happened[kept])
        said.append(np.asarray(model.predict_proba(rows[columns]))[:, 1])
    churn, given = said
    return judged.as_probabilities(churn, (1 - churn) * given)


def append(table: pd.DataFrame, file: Path) -> None:
    """Adds rows to a CSV, figures to six places."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table.round(6).to_csv(file, mode="a", header=not file.exists(), index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--heads", nargs="+", default=list(HEADS))
    parser.add_argument("--oracle", type=Path)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    world = given.folder.name
    frame = pd.read_parquet(given.folder / "labelled.parquet").sort_values(["as_of", "user_id"], ignore_index=True)
    rows = Rows(frame, "user_id", 90)
    split = SnapshotSplit(90, GRACE_DAYS, test_months=given.months, held_out_share=0.0)
    folds = list(split.rows(frame, rows.accounts))
    others = None if given.others is None else Rows(pd.read_parquet(given.others), "user_id", 90)
    truth = pd.read_parquet(given.folder / "truth" / "labels.parquet")
    truth["as_of"] = pd.to_datetime(truth["as_of"]).dt.tz_localize(None).astype(frame["as_of"].dtype)
    said: dict[str, list[pd.DataFrame]] = {}
    tests, base = [rows.take(test) for _, test in folds], []
    bounds: dict[str, list[pd.DataFrame]] = {"true hazards": []}
    for (train, _), test in zip(folds, tests, strict=True):
        known = test.frame[["as_of", "account_id"]].merge(truth, on=["as_of", "account_id"], how="left", validate="m:1")
        assert known["p_churn"].notna().all()
        bounds["true hazards"].append(
            judged.as_probabilities(known["p_churn"].to_numpy(), known["p_expand"].to_numpy())
        )
        rates = rows.take(train).rates(judged.OUTCOMES)
        base.append(judged.as_probabilities(np.full(len(known), rates["churn"]), np.full(len(known), rates["expand"])))
    if given.oracle is not None:
        together = observed_oracle(given.oracle, pd.concat([t.frame for t in tests]), seed=given.seed)
        ends = np.cumsum([len(t.frame) for t in tests])
        bounds["observed metrics"] = [
            together.iloc[end - len(t.frame) : end] for end, t in zip(ends, tests, strict=True)
        ]
    for head in given.heads:
        said[head] = []
        for (train, _), test in zip(folds, tests, strict=True):
            begun = time.process_time()
            model = of_size(head, rows.take(train), seed=given.seed)
            p = model.predict_proba_outcomes(test.frame).reset_index(drop=True)
            said[head].append(p)
            about = {"world": world, "scorer": head, "month": str(pd.Timestamp(test.times[0]).date())}
            found = judged.calibration(p, test.y, test.accounts)
            kind = {side.outcome: side.head.kind for side in model.sides_.all}
            maps = {side.outcome: side.calibrator.map_.kind for side in model.sides_.all}
            found.insert(1, "chosen", [kind["churn"], kind["expand"]])
            found.insert(2, "calibrator", [maps["churn"], maps["expand"]])
            append(
                _about(found, about).assign(cpu_seconds=time.process_time() - begun), given.results / "calibration.csv"
            )
            append(_about(judged.bands(p, test.y, test.accounts), about), given.results / "bands.csv")
            if others is not None:
                judge_others(model, others, test.times[0], about, given.results)
            tried = _about(model.heads_tried(), about)
            if len(tried) > 2:
                append(tried, given.results / "heads_tried.csv")
            print(about, kind, maps, f"{time.process_time() - begun:.0f} s", flush=True)
            print(
                found[["head", "slope", "slope_low", "slope_high", "observed_expected", "oe_low", "oe_high", "auroc"]]
                .round(3)
                .to_string(),
                flush=True,
            )
        append(skills(world, head, said[head], tests, base, bounds, seed=given.seed), given.results / "skill.csv")
    for name, bound in bounds.items():
        append(skills(world, name, bound, tests, base, bounds, seed=given.seed), given.results / "skill.csv")
        for p, test in zip(bound, tests, strict=True):
            about = {"world": world, "scorer": name, "month": str(pd.Timestamp(test.times[0]).date())}
            append(
                _about(judged.calibration(p, test.y, test.accounts), about),
                given.results / "bounds.csv",
            )
            append(_about(judged.bands(p, test.y, test.accounts), about), given.results / "bounds_bands.csv")


def in_month(rows: Rows, month: np.datetime64) -> Rows:
    """The rows of one cutoff."""
    return rows.take(np.flatnonzero(rows.times == month))


def judge_others(
    model: NestedOutcomeModel, others: Rows, month: np.datetime64, about: dict[str, str], results: Path
) -> None:
    """Calibration and bands of a model on the people of another product in one month, as CSV."""
    there = in_month(others, month)
    p = model.predict_proba_outcomes(there.frame).reset_index(drop=True)
    append(_about(judged.calibration(p, there.y, there.accounts), about), results / "calibration_others.csv")
    append(_about(judged.bands(p, there.y, there.accounts), about), results / "bands_others.csv")


def _about(table: pd.DataFrame, about: dict[str, str]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame([about] * len(table), index=table.index), table], axis=1)


def skills(
    world: str,
    name: str,
    said: list[pd.DataFrame],
    tests: list[Rows],
    base: list[pd.DataFrame],
    bounds: dict[str, list[pd.DataFrame]],
    *,
    seed: int,
) -> pd.DataFrame:
    """Three-way log-loss skill over the training rates, and its share of each bound's, with 95 % intervals."""
    y = np.concatenate([t.y for t in tests])
    accounts = np.concatenate([t.accounts for t in tests])
    losses = {
        key: judged.log_losses(pd.concat(parts), y) for key, parts in {"own": said, "base": base, **bounds}.items()
    }
    draws = AccountBootstrap.of(accounts, repeats=judged.REPEATS, seed=seed)
    keys = list(losses)
    sums = pd.DataFrame(draws.sums(np.column_stack([losses[k] for k in keys])), columns=keys)
    row: dict[str, object] = {"world": world, "scorer": name, "n": len(y), "log_loss": losses["own"].mean()}
    skill = 1 - sums["own"] / sums["base"]
    row |= {"skill": 1 - losses["own"].sum() / losses["base"].sum()}
    row |= dict(zip(("skill_low", "skill_high"), np.quantile(skill, [0.025, 0.975]), strict=True))
    for bound in bounds:
        share = (sums["base"] - sums["own"]) / (sums["base"] - sums[bound])
        key = bound.replace(" ", "_")
        row[f"share_of_{key}"] = (losses["base"] - losses["own"]).sum() / (losses["base"] - losses[bound]).sum()
        row |= dict(zip((f"{key}_low", f"{key}_high"), np.quantile(share, [0.025, 0.975]), strict=True))
    return pd.DataFrame([row])


if __name__ == "__main__":
    main()
