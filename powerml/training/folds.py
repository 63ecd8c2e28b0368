"""The one loop over folds: scorers made from each fold's training rows, and what they say of its test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from powerml.progress import Note, silent
from powerml.training.candidates import say
from powerml.training.rows import HeldOut, Rows, Split, TrainingData
from powerml.validation.held_rows import Said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from powerml.scoring.model import ScoringModel


class Maker(Protocol):
    """Anything with a name that makes a scorer from training rows."""

    @property
    def name(self) -> str:
        """The scorer's name."""
        ...

    def make(self, rows: Rows, reference: pd.DataFrame) -> ScoringModel:
        """The scorer trained on `rows`, with `reference` for ranks and percentiles."""
        ...


@dataclass(frozen=True, eq=False)
class FoldRows:
    """One fold's rows: what is learned from, what is judged on, and the snapshot at the last training cutoff."""

    number: int
    train: Rows
    test: Rows
    reference: pd.DataFrame
    outcomes: tuple[str, ...]

    @property
    def rates(self) -> dict[str, float]:
        """The training rows' share of each outcome."""
        return self.train.rates(self.outcomes)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What scorers said of rows that they had not learned from.

    `folds`: the usable folds in order; `test`: their test rows one after another; `parts` and `models`: by the scorer's
    name, what it said of each fold's test rows, and the scorer as that fold trained it.
    """

    folds: tuple[FoldRows, ...]
    test: HeldOut
    parts: Mapping[str, Sequence[Said]]
    models: Mapping[str, Sequence[ScoringModel]]

    def said(self, name: str) -> Said:
        """What a scorer said of all test rows."""
        return Said.pooled(self.parts[name])


def out_of_fold(makers: Sequence[Maker], data: TrainingData, split: Split, *, note: Note = silent) -> OutOfFold:
    """Every scorer made anew in each fold; no folds where history is too short to hold anything out."""
    usable = usable_folds(data, split)
    folds = tuple(_fold(number, at, data) for number, at in enumerate(usable))
    parts: dict[str, list[Said]] = {maker.name: [] for maker in makers}
    models: dict[str, list[ScoringModel]] = {maker.name: [] for maker in makers}
    for fold in folds:
        for maker in makers:
            note(f"fold {fold.number + 1} of {len(folds)}: {maker.name}")
            models[maker.name].append(made := maker.make(fold.train, fold.reference))
            parts[maker.name].append(say(made, fold.test, fold.rates))
    return OutOfFold(folds, held_out(data, split), parts, models)


def held_out(data: TrainingData, split: Split) -> HeldOut:
    """The test rows of all usable folds, one after another."""
    tests = [test for _, test in usable_folds(data, split)]
    at = np.concatenate(tests) if tests else np.array([], dtype=int)
    number = np.repeat(np.arange(len(tests)), [len(test) for test in tests])
    return HeldOut(data.labelled.take(at), split.unseen[at], number, split.variance_factor)


def usable_folds(data: TrainingData, split: Split) -> list[tuple[np.ndarray, np.ndarray]]:
    """The folds whose training rows have two outcomes at least, in order: (training, test) positions."""
    y = data.labelled.y
    return [fold for fold in split.folds if len(fold[0]) and len(set(y[fold[0]])) > 1]


def _fold(number: int, at: tuple[np.ndarray, np.ndarray], data: TrainingData) -> FoldRows:
    train, test = (data.labelled.take(positions) for positions in at)
    return FoldRows(number, train, test, data.reference(train.frame["as_of"].max()), data.outcomes)
