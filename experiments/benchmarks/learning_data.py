"""Folds of four data sets for `learning_peers.py`: a yes/no outcome (churn), features, accounts, directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.scoring.heads.training import rehearsal_rows
from powerml.scoring.outcome.rows import STRUCTURE
from powerml.statistics.splits import SnapshotSplit
from powerml.training.rows import Rows
from powerml.workflows.project import gather

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


DIRECTIONS = {name: spec.direction for name, spec in catalogue().items()}


@dataclass(frozen=True, eq=False)
class Fold:
    """Training and test rows: features, whether they left, accounts; cutoffs where there are any."""

    train: pd.DataFrame
    left: np.ndarray
    accounts: np.ndarray
    test: pd.DataFrame
    test_left: np.ndarray
    test_accounts: np.ndarray
    times: np.ndarray | None = None
    ids: np.ndarray | None = None


def telco(file: Path) -> Iterator[Fold]:
    """Five stratified folds of the telco table, text columns and all."""
    table = pd.read_csv(file)
    left = table.pop("Churn").eq("Yes").to_numpy()
    names = table.pop("customerID").to_numpy()
    table["TotalCharges"] = pd.to_numeric(table["TotalCharges"], errors="coerce")
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(table, left):
        yield Fold(table.iloc[train], left[train], names[train], table.iloc[test], left[test], names[test])


def git_brew(project: Path, *, years: int = 3) -> Iterator[Fold]:
    """The last years, four quarters each, with all quarters to train on whose outcomes were known by then."""
    data = gather(load_project(project), None)
    rows, features = data.labelled, [name for name in data.available if name in data.labelled.frame]
    times = pd.to_datetime(pd.Series(rows.times))
    quarters = np.sort(times.unique())
    for year in range(years, 0, -1):
        tested = quarters[len(quarters) - 4 * year : len(quarters) - 4 * (year - 1)]
        known = (times + pd.Timedelta(days=90) <= tested[0]).to_numpy()
        yield _fold(rows, np.flatnonzero(known), np.flatnonzero(times.isin(tested)), features)


def simulated(folder: Path, *, months: int = 1, most: int = 20_000) -> Iterator[Fold]:
    """The last mature months of `labelled.parquet` (one), each after `most` training rows of whole accounts."""
    frame = pd.read_parquet(folder / "labelled.parquet").sort_values(["as_of", "user_id"], ignore_index=True)
    rows, features = Rows(frame, "user_id", 90), [name for name in frame if name not in STRUCTURE]
    split = SnapshotSplit(90, 30, test_months=months, held_out_share=0.0)
    for train, test in split.rows(frame, rows.accounts):
        codes = np.unique(rows.accounts[train], return_inverse=True)[1]
        yield _fold(rows, train[rehearsal_rows(codes, most)], test, features)


def _fold(rows: Rows, train: np.ndarray, test: np.ndarray, features: list[str]) -> Fold:
    own, held = rows.take(train), rows.take(test)
    return Fold(
        own.frame[features],
        own.y == "churn",
        own.accounts,
        held.frame[features],
        held.y == "churn",
        held.accounts,
        own.times,
        own.ids,
    )
