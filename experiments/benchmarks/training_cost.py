"""What does the whole `auto` training cost, beside one default LightGBM fit on the same rows?

    powerml simulate OUT --preset validation --users 50000 --months 24 --seed 101
    python experiments/benchmarks/training_cost.py OUT [--rounds 3] [--score-rows 1000000]

Twelve monthly snapshots of some 15,000 entities with an outcome and 60 metrics. Timed is all that `powerml train`
does once the snapshots are built: leak probe, screen, folds forward in time, heads compared, calibration, verdict,
band report, closer look, the final fit, reports and MLflow (in OUT/.powerml). Beside it `LGBMClassifier()` as it
comes, churn or not, one thread, the same rows and metrics. CPU seconds, interleaved rounds, medians. Then scoring: a
million rows with their top three reasons, against LightGBM's own `predict(pred_contrib=True)` summed over the
boosters the model holds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from powerml.config.experiment import ExperimentSpec, FittedEntry
from powerml.config.project import SnapshotsSpec, load_project
from powerml.scoring.heads.lightgbm import LightGBMHead
from powerml.scoring.heads.stack import StackHead
from powerml.scoring.heads.threads import one_thread
from powerml.scoring.named import NamedScorer
from powerml.scoring.scores_table import score_rows
from powerml.training.candidates import Candidate
from powerml.workflows.project import gather
from powerml.workflows.train import train_on

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from powerml.scoring.model import ScoringModel
    from powerml.training.rows import TrainingData


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def default_fit(data: TrainingData) -> None:
    """One LightGBM as it comes."""
    from lightgbm import LGBMClassifier

    frame = data.labelled.frame
    LGBMClassifier(n_jobs=1, verbose=-1).fit(frame[data.available], frame["label"] == "churn")


def experiment(screen: str) -> ExperimentSpec:
    """The head `auto` alone, screened or on all metrics; or the default session, with its five scorers."""
    if screen == "session":
        return ExperimentSpec(seed=7)
    entry = FittedEntry(fit="auto", screen="off" if screen == "off" else None)
    return ExperimentSpec(scorers=(entry,), seed=7)


def boosters(model: ScoringModel) -> list[object]:
    """All the boosters that a model holds."""
    heads = [side.head for side in model.scorer.sides_.all]
    members = [m for head in heads for m in (head.members_ if isinstance(head, StackHead) else (head,))]
    return [booster for head in members if isinstance(head, LightGBMHead) for booster in head.boosters_]


def scoring(model: ScoringModel, rows: pd.DataFrame, rounds: int) -> None:
    """Prints the cost of scoring with reasons against that of the boosters' own contributions."""
    held = boosters(model)
    kinds = [side.head.kind for side in model.scorer.sides_.all]
    print(f"scoring {len(rows):,} rows: heads {kinds}, {len(held)} boosters", flush=True)
    matrix = model.scorer.encoder_.encode(rows, asked_by="benchmark")
    scorer, now = NamedScorer(model, "benchmark", "1"), datetime(2026, 1, 1, tzinfo=UTC)
    ours, theirs, parts = [], [], []
    with one_thread():
        for _ in range(rounds):
            theirs.append(sum(cpu(lambda b=b: b.predict(matrix, pred_contrib=True, num_threads=1)) for b in held))
            parts.append(cpu(lambda: (model.score(rows), model.contributions(rows))))
            ours.append(cpu(lambda: score_rows(scorer, rows, ids=["user_id"], reasons=3, ranking="stored", now=now)))
    base = statistics.median(theirs)
    print(f"  boosters' contributions: {base:.1f} s CPU")
    for name, seconds in (("scores and contributions", parts), ("the whole scores table, reasons as text", ours)):
        print(
            f"  {name}: {statistics.median(seconds):.1f} s CPU, {statistics.median(seconds) / base:.2f} times",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--score-rows", type=int, default=1_000_000)
    parser.add_argument("--screens", nargs="*", default=["on", "off"], help="on, off, session")
    given = parser.parse_args()
    project = load_project(given.folder / "powerml.yaml")
    months = SnapshotsSpec.model_validate({"every": "month", "from": date(2024, 10, 1), "to": date(2025, 9, 1)})
    data = gather(project, months)
    rows = data.labelled.frame
    print(
        f"{len(rows):,} rows at {rows['as_of'].nunique()} snapshots "
        f"({len(rows) / rows['as_of'].nunique():,.0f} entities each), {len(data.available)} metrics", flush=True,
    )  # fmt: skip
    taken: dict[str, list[float]] = {"default": [], **{screen: [] for screen in given.screens}}
    for number in range(given.rounds):
        taken["default"].append(cpu(lambda: default_fit(data)))
        for screen in given.screens:
            taken[screen].append(cpu(lambda screen=screen: train_on(data, experiment(screen))))
        print(f"round {number + 1}: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in taken.items()), flush=True)
    base = statistics.median(taken["default"])
    print(f"default LightGBM: {base:.2f} s CPU")
    for screen in given.screens:
        seconds = statistics.median(taken[screen])
        name = {"session": "the default session"}.get(screen, f"auto, screen {screen}")
        print(f"{name}: {seconds:.1f} s CPU, {seconds / base:.1f} times")
    if given.score_rows:
        candidate = Candidate(FittedEntry(fit="lightgbm"), data, 7)
        model = candidate.make(data.labelled, data.reference(data.whole["as_of"].max()))
        some = np.random.default_rng(7).integers(0, len(rows), given.score_rows)
        scoring(model, rows.drop(columns=["label"]).iloc[some].reset_index(drop=True), 2)


if __name__ == "__main__":
    main()
