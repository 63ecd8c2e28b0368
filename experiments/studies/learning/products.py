"""Small products judged on other people: what is registered, `auto`, each head, and `auto` of an earlier version.

    git worktree add OLD e1dc94a
    python experiments/studies/learning/products.py --work WORK --seeds 21 22 --others 99 --old OLD --results FOLDER

For every seed a product of 2,000 people (24 months, preset `validation`) is simulated into WORK/pSEED, where it is not
there yet, and its session is held as `powerml train` holds it: the default scorers, the challenger chosen by
out-of-fold predictions of the last fold's training rows, each scorer fitted on all mature rows (verdicts and MLflow
are left out, for they choose nothing). Beside them every head by itself, and with `--old` that version's `auto` with
`screen: off` on the same rows, in a process of its own. All are judged on the last three mature months of 30,000 other
people (WORK/pOTHERS), by the simulator's own 90-day probabilities: three-way log-loss skill (%) over the product's own
rates, slope and total (expected by the truth over expected by us) of churn and of expansion. Written are
`products.csv`, a row per product and scorer as they come (what is there already is not run again), and
`products_summary.csv`. Some three CPU minutes a product; the others some twenty, once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import judged
import numpy as np
import pandas as pd
from simulated_rows import product
from small_products import figures, simulated

from powerml.config.experiment import ExperimentSpec, FittedEntry
from powerml.config.heads import HEADS
from powerml.config.project import load_project
from powerml.training.candidates import Candidate, candidates
from powerml.training.choice import challenger
from powerml.training.folds import out_of_fold
from powerml.training.rows import Split
from powerml.training.screening import plan_screening
from powerml.workflows.project import gather

if TYPE_CHECKING:
    from powerml.training.rows import Rows, TrainingData

OLD_AUTO = Path(__file__).with_name("old_auto.py")
REGISTERED = "registered"
NUMBERS = ["skill", "slope_churn", "total_churn", "slope_expand", "total_expand", "cpu_seconds"]


def session(data: TrainingData, *, seed: int = 0) -> tuple[list[Candidate], str]:
    """The default session's scorers, and the name of the one that it registers."""
    experiment = ExperimentSpec(seed=seed)
    chosen = candidates(experiment, data, plan_screening(experiment, data))
    split = data.split(seed=seed)
    last = Split(split.folds[-1:], split.unseen, split.variance_factor)  # the one that chooses, see `training.choice`
    return chosen, challenger(chosen, out_of_fold(chosen, data, last), few=False).best.name


def said_of(candidate: Candidate, data: TrainingData, others: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Probabilities for other people by the scorer as it is registered, and the CPU seconds of its fit."""
    begun = time.process_time()
    model = candidate.make(data.labelled, data.current.reset_index(drop=True))
    spent = time.process_time() - begun
    return model.probabilities(others).reset_index(drop=True), spent


def old_said(checkout: Path, rows: Rows, others: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """The same of an earlier version's `auto`, in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs, target = (Path(folder) / name for name in ("rows.parquet", "others.parquet", "said.parquet"))
        rows.frame.to_parquet(mine)
        others.to_parquet(theirs)
        environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
        subprocess.run(
            [sys.executable, str(OLD_AUTO), str(mine), str(theirs), str(target)], env=environment, check=True
        )
        said = pd.read_parquet(target)
    return said, float(said.pop("cpu_seconds").iloc[0])


def judge_product(folder: Path, others: Path, old: Path | None, target: Path, heads: list[str]) -> None:
    """Appends a row per scorer of one product."""
    ((name, rows, test, truth),) = simulated(folder, others)
    rates = np.array([(rows.y == outcome).mean() for outcome in judged.OUTCOMES])
    done = set(pd.read_csv(target).query("product == @name")["scorer"]) if target.exists() else set()

    def note(scorer: str, said: pd.DataFrame, seconds: float, *, scorers: str) -> None:
        row: dict[str, object] = {"product": name, "scorer": scorer, "of": scorers, "rows": len(rows.frame)}
        row |= figures(said, truth, rates) | {"cpu_seconds": seconds}
        pd.DataFrame([row]).round(4).to_csv(target, mode="a", header=not target.exists(), index=False)
        print(row, flush=True)

    if REGISTERED not in done:
        data = gather(load_project(folder / "powerml.yaml"), None, earlier=True)
        chosen, registered = session(data)
        told = {c.name: said_of(c, data, test) for c in chosen}
        screening = next(c.screening for c in chosen if c.is_fitted)
        alone = [head for head in heads if head not in told]
        told |= {h: said_of(Candidate(FittedEntry(fit=h), data, 0, None, screening), data, test) for h in alone}
        for scorer, (said, seconds) in told.items():
            note(scorer, said, seconds, scorers="head" if scorer in alone else "session")
        note(REGISTERED, *told[registered], scorers=registered)
    if old is not None and "old auto" not in done:
        note("old auto", *old_said(old, rows, test), scorers="old")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Means by scorer, with the standard error of skill over products, and of its difference from the old `auto`."""
    skill = table.pivot_table(index="product", columns="scorer", values="skill")
    found = table.groupby("scorer", sort=False)[NUMBERS].mean()
    found.insert(1, "skill_se", skill.std() / np.sqrt(skill.count()))
    if "old auto" in skill:
        apart = skill.sub(skill["old auto"], axis=0)
        found.insert(2, "over_old", apart.mean())
        found.insert(3, "over_old_se", apart.std() / np.sqrt(apart.count()))
    best = skill[list(table.loc[table["of"] == "session", "scorer"].unique())].max(axis=1)
    found.insert(2, "under_best_of_session", (best - skill.T).T.mean())
    return found.sort_values("skill", ascending=False).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where products are simulated")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--others", type=int, required=True, help="the seed of the people judged on")
    parser.add_argument("--old", type=Path, help="a checkout of e1dc94a")
    parser.add_argument("--heads", nargs="*", default=[head for head in HEADS if head != "auto"])
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    target = given.results / "products.csv"
    others = product(given.work / f"p{given.others}", seed=given.others, users=30_000)
    for seed in given.seeds:
        folder = product(given.work / f"p{seed}", seed=seed, users=2000)
        judge_product(folder, others, given.old, target, given.heads)
    found = summary(pd.read_csv(target)).round(4)
    found.to_csv(given.results / "products_summary.csv", index=False)
    print(found.to_string(index=False))


if __name__ == "__main__":
    main()
