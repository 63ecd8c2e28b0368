"""`powerml demo`: the whole way on a simulated product with known truth, in a fresh folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.project import load_project, slug
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.explain.shares import weight_shares
from powerml.scoring.scores_table import score_rows
from powerml.simulation import Manifest, write_product
from powerml.sinks.files import write_table
from powerml.tracking.scorers import RegisteredScorer
from powerml.workflows.report import PAGE, report_of_training
from powerml.workflows.score import ScoreResult
from powerml.workflows.train import TrainResult, train
from powerml.writing import whole_folder, write_whole

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

PRESET = "validation"
MONTHS = 24
DEMO_TOP, NIGHTS = 10, 60
SCORES = "scores.csv"


@dataclass(frozen=True, eq=False)
class Demo:
    """What was simulated, trained and scored, and where it lies."""

    folder: Path
    manifest: Manifest
    trained: TrainResult
    scores: ScoreResult
    scores_file: Path
    page: Path

    @property
    def nights(self) -> tuple[date, date]:
        """The first and the last of the sixty nights that can be filled in and leave two more to be run."""
        last: date = pd.Timestamp(self.scores.frame["as_of"].iloc[0]).date()
        return last - timedelta(days=NIGHTS + 1), last - timedelta(days=2)

    @property
    def top(self) -> pd.DataFrame:
        """The ten highest scores of the latest snapshot, with their reasons."""
        frame = self.scores.frame
        best = frame[frame["status"] == "scored"].nlargest(DEMO_TOP, "score")
        band = self.scores.scorer.model.band_column
        shown = best[[self.trained.data.project.id_column, "score", band, "percentile"]].copy()
        for name in ("p_churn", "p_expand"):
            shown[name] = best[name]
        return shown.assign(reasons=best["reasons"].map(_in_words))

    @property
    def card(self) -> pd.DataFrame:
        """What the score is made of: the lines of a documented card, or the share of each metric in a fitted score."""
        scorer = self.trained.model.scorer
        if scorer.document is not None:
            return scorer.document.table()[["part", "when", "gives", "quote"]]
        shares = weight_shares(scorer, ())
        told = pd.Series(shares, name="share_percent").sort_values(ascending=False)
        return told[told > 0].rename_axis("metric").reset_index()


def demo(
    folder: Path,
    *,
    users: int = 2000,
    seed: int = 7,
    force: bool = False,
    now: datetime,
    note: Note = silent,
) -> Demo:
    """Simulates two years of a product, trains on it and scores its latest snapshot, all inside `folder`.

    Raises UsageError where `folder` holds something already, unless `force` says to replace it.
    """
    check_place(folder, force=force)
    note(f"simulating {users:,} users over {MONTHS} months")
    with whole_folder(folder) as draft:
        workers = min(2, os.cpu_count() or 1)
        manifest = write_product(draft, PRESET, users=users, months=MONTHS, seed=seed, workers=workers, chunk=1)
        trained, scores = _train_and_score(draft, now=now, note=note)
        write_table(scores.frame, draft / SCORES)
        write_whole(draft / PAGE, report_of_training(trained.data, scores.scorer, now=now, note=note).html)
    return Demo(folder, manifest, trained, scores, folder / SCORES, folder / PAGE)


def _train_and_score(folder: Path, *, now: datetime, note: Note) -> tuple[TrainResult, ScoreResult]:
    project = load_project(folder / "powerml.yaml")
    trained = train(project, note=note)
    note("scoring the latest snapshot")
    scorer = RegisteredScorer(trained.model, slug(project.project), str(trained.version.number), trained.version)
    ids = ["as_of", *(name for name in ("user_id", "account_id") if name in trained.data.latest)]
    frame, baseline = score_rows(
        scorer, trained.data.latest, ids=ids, reasons=3, ranking="stored", now=now, metrics=trained.data.metrics,
        left=trained.data.left,
    )  # fmt: skip
    return trained, ScoreResult(frame, scorer, baseline)


def check_place(folder: Path, *, force: bool) -> None:
    """Raises UsageError for a folder that holds something, unless it is a project of ours and `force` is given."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name another folder with --out")
    if not any(folder.iterdir()):
        return
    if not force:
        raise UsageError(f"{folder}: is there already and not empty; name another folder with --out, or give --force")
    if not (folder / "powerml.yaml").is_file() or not (folder / "truth").is_dir():
        raise UsageError(
            f"{folder}: was not made by 'powerml demo', so --force does not remove it; name another folder"
        )


def _in_words(reasons: str) -> str:
    import json

    return "; ".join(reason["text"] for reason in json.loads(reasons))
