"""Runs experiments: a folder NN_question holds what is asked (README, experiment.yaml) and what came of it (results).

    python experiments/run.py 03_card_points                         # a simulated product; results beside the README
    python experiments/run.py 03_card_points -c powerml.yaml --out F  # your own project
    python experiments/run.py --all --users 300 --months 15 --out F   # every question, smaller, elsewhere

Without `-c` the product is simulated in a folder that goes away again, store and all. A question answered by training
sessions alone needs nothing but its files, `powerml train experiments/NN_question/*.yaml`; what this script adds are
the product, other settings of the project, and the tables.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import yaml
from sklearn.metrics import log_loss, roc_auc_score

from powerml import Project, score, simulate, snapshot, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from powerml.config.project import ProjectSpec
    from powerml.workflows.train import TrainResult

HERE = Path(__file__).parent
SEED = 21
Tables = dict[str, pd.DataFrame]


@dataclass
class Bench:
    """What an experiment runs on: a project of the caller's, or products simulated in `folder`, each made once."""

    folder: Path
    users: int
    months: int
    own: ProjectSpec | None = None
    made: dict[str, ProjectSpec] = field(default_factory=dict)

    def project(self, preset: str = "validation") -> ProjectSpec:
        """The caller's project, or the product simulated from a preset."""
        if self.own is not None:
            return self.own
        if preset not in self.made:
            at = self.folder / preset
            self.made[preset] = simulate(preset, users=self.users, months=self.months, seed=SEED, folder=at)
        return self.made[preset]


def scorers(result: TrainResult) -> pd.DataFrame:
    """One row per scorer: verdict, skill and log loss of all outcomes together, AUROC and slope of each."""
    if result.scorers.empty:
        raise SystemExit(f"nothing could be judged: {result.headline}")
    kept = ["scorer", "verdict", "skill", "skill_low", "skill_high", "log_loss", "bands"]
    table = result.scorers[kept].set_index("scorer")
    told = result.part("outcomes").table
    for outcome in [name for name in dict.fromkeys(told["outcome"]) if name != "overall"]:
        its = told[told["outcome"] == outcome].set_index("scorer")
        for column in ("events", "auroc", "auroc_low", "auroc_high", "slope"):
            table[f"{outcome}_{column}"] = its[column]
    table["challenger"] = table.index == result.challenger
    return table.reset_index().rename_axis(columns=None)


def sessions(bench: Bench, here: Path) -> Tables:
    """A training session for each experiment file, on the same project."""
    files = sorted(here.glob("*.yaml"), key=lambda path: (path.stem != "experiment", path.stem))
    found, bands = [], []
    for file in files:
        result = train(bench.project(), file)
        asked = {} if len(files) == 1 else {"experiment": file.stem}
        found.append(scorers(result).assign(**asked))
        if result.bands is not None:
            bands.append(result.bands.assign(**asked))
    tables = {"scorers": pd.concat(found)}
    return tables | ({"bands": pd.concat(bands)} if bands else {})


def horizons(bench: Bench, here: Path) -> Tables:
    """The same session with labels of 30, 60 and 90 days; a project of its own name each, so models stay apart."""
    project, found = bench.project(), []
    for days in (30, 60, 90):
        outcome = project.outcome.model_copy(update={"horizon_days": days})
        aimed = project.model_copy(update={"project": f"{project.project}-{days}-days", "outcome": outcome})
        found.append(scorers(train(aimed, here / "experiment.yaml")).assign(horizon_days=days))
    return {"scorers": pd.concat(found)}


def one_or_two(bench: Bench, here: Path) -> Tables:
    """The same rows with the outcome in three words (two heads), and as churn or not (one head)."""
    project = bench.project()
    rows = snapshot(project, labels=True).frame
    rows = rows[rows["label"].isin(["churn", "stay", "expand"])].reset_index(drop=True)
    targets = {"two heads": rows["label"], "one outcome": rows["label"].eq("churn").astype(int)}
    found = []
    for name, target in targets.items():
        table = rows.drop(columns="label").assign(came=target)
        kept_at = project.model_copy(update={"project": f"{project.project} {name}"})
        result = train(table, here / "experiment.yaml", target="came", group="account_id", time="as_of",
                       id_column="user_id", project=kept_at)  # fmt: skip
        found.append(scorers(result).assign(target=name))
    return {"scorers": pd.concat(found)}


def drift(bench: Bench, here: Path) -> Tables:
    """A version of long ago and a fresh one on the same last months, on a product that drifts and on one that does not.

    The fresh one knows every outcome that was over by then, the old one those of a year before.
    """
    declared, found = yaml.safe_load((here / "experiment.yaml").read_text()), []
    for preset in ("validation", "drift"):
        project = bench.project(preset)
        whole = snapshot(project, labels=True).frame
        rows = whole[whole["label"].isin(["churn", "stay", "expand"])]
        months = sorted(rows["as_of"].unique())
        judged = months[-3:]
        ripe = [month for month in months if month <= judged[0] - pd.Timedelta(days=120)]
        ends = {"old": ripe[max(0, len(ripe) - 9)], "fresh": ripe[-1]}
        for name, end in ends.items():
            aimed = project.model_copy(update={"project": f"{project.project}-{name}"})
            asked = {**declared, "snapshots": {**declared["snapshots"], "to": end.date()}}
            version = train(aimed, asked).version.number
            for month in judged:
                at = rows[rows["as_of"] == month]
                said = score(at, project=aimed, model=str(version), reasons=0)
                came = at["label"].eq("churn").to_numpy()
                known = said["p_churn"].notna().to_numpy()
                came, p = came[known], said["p_churn"].to_numpy()[known]
                found.append({
                    "product": preset, "version": name, "trained_to": end.date(), "as_of": pd.Timestamp(month).date(),
                    "rows": len(p), "churned": came.mean(), "said": p.mean(), "auroc": roc_auc_score(came, p),
                    "log_loss": log_loss(came, p),
                })  # fmt: skip
    return {"months": pd.DataFrame(found)}


def ready_made(bench: Bench, here: Path) -> Tables:
    """The shipped table, as a stranger's would be: own column names, a category, a date, no project file."""
    table = pd.read_csv(here / "customers.csv")
    with contextlib.chdir(bench.folder):  # where nothing says otherwise, `.powerml` is kept in the current folder
        result = train(
            table, here / "experiment.yaml", target="churned", group="account", time="month", id_column="person"
        )
    return {"scorers": scorers(result)}


QUESTIONS: dict[str, Callable[[Bench, Path], Tables]] = {
    "01_documented_against_fitted": sessions,
    "02_which_screen": sessions,
    "03_card_points": sessions,
    "04_horizon": horizons,
    "05_one_outcome_or_two_heads": one_or_two,
    "06_drift": drift,
    "07_own_outcome": sessions,
    "08_ready_made_table": ready_made,
}
SIMULATED_ONLY = ("06_drift", "08_ready_made_table")


def main(words: list[str] | None = None) -> None:
    """Answers the questions named, one after the other."""
    parser = argparse.ArgumentParser(description="Runs experiments and writes their results.")
    parser.add_argument("names", nargs="*", choices=[*QUESTIONS, []], metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument("--all", action="store_true", help="every experiment")
    parser.add_argument("-c", "--config", type=Path, help="your own project file, in place of a simulated product")
    parser.add_argument("--users", type=int, default=600, help="users of the simulated product")
    parser.add_argument("--months", type=int, default=20, help="its months")
    parser.add_argument("--out", type=Path, help="folder for the results; by default each experiment's own")
    asked = parser.parse_args(words)
    names = list(QUESTIONS) if asked.all else asked.names
    if not names:
        parser.error("name an experiment, or --all")
    if asked.config is not None and (barred := [name for name in names if name in SIMULATED_ONLY]):
        parser.error(f"{barred[0]} brings its own data; leave -c out")
    if asked.config is not None and asked.out is None:
        parser.error("say with --out where results of your own project go")
    with tempfile.TemporaryDirectory() as folder:
        own = None if asked.config is None else Project(asked.config)
        bench = Bench(Path(folder), asked.users, asked.months, own)
        for name in names:
            out = HERE / name / "results" if asked.out is None else asked.out / name
            out.mkdir(parents=True, exist_ok=True)
            for table, rows in QUESTIONS[name](bench, HERE / name).items():
                rows.round(4).to_csv(out / f"{table}.csv", index=False)
                print(f"\n{name}: {out / table}.csv\n{rows.round(3).to_string(index=False)}", flush=True)


if __name__ == "__main__":
    main()
