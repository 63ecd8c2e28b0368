"""Scorers that are there already, made anew from training rows, so that they can be judged on rows held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sklearn.base import clone

from powerml.config.weights import known_params
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.learned import Learned
from powerml.scoring.load import scorer_of
from powerml.scoring.model import ScoringModel
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.training.candidates import FAIR, fit_on, joined
from powerml.training.folds import OutOfFold, out_of_fold
from powerml.validation.comparison import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from powerml.config.weight_set import WeightSetSpec
    from powerml.training.rows import Rows, TrainingData


@dataclass(frozen=True)
class Refitted:
    """A run's scorer, made anew from training rows: a fitted one is fitted again, so that no test row was learnt.

    Head and metrics are those of the run, so which metrics were kept may have been seen with the tested months.
    """

    name: str
    model: ScoringModel
    data: TrainingData
    untold: tuple[str, ...] = ()  # what it was found to tell nothing about, a sentence each
    learned: Learned | None = None  # the snapshots that the run was fitted on

    def __post_init__(self) -> None:
        if self.model.outcome != self.data.custom:
            about = "churn" if self.model.outcome is None else repr(self.model.outcome.name)
            raise UsageError(
                f"{self.name} was trained on {about}, which is not what these snapshots are labelled with; custom "
                "outcomes are known to 'train', 'score', 'explain' and 'review': compare scorers in one experiment"
            )

    def caution(self, test_times: np.ndarray) -> str | None:
        """The sentence on months by which the run was chosen though its fit here is anew; None where there is none."""
        scorer = self.model.scorer
        if scorer.document is scorer and scorer.told_outcomes:  # a card file: nothing is made anew
            learned = Learned.of_card(scorer.document.learned_until)
            return None if learned is None else learned.caution(self.name, test_times, instead=FAIR)
        if self.learned is None or not self.learned.seen(test_times).any() or scorer.document is not None:
            return None
        return (
            f"{self.name} is fitted anew here, but its head and metrics were chosen on snapshots up to "
            f"{self.learned.until:%Y-%m-%d}, some of those judged here among them."
        )

    def make(self, rows: Rows, reference: pd.DataFrame) -> ScoringModel:
        """The scorer trained on `rows`."""
        rates, scorer = rows.rates(self.data.outcomes), self.model.scorer
        if isinstance(scorer, NestedOutcomeModel):
            X = rows.frame[self.data.available]
            return ScoringModel(fit_on(clone(scorer), X, rows), base_rates=rates).with_families(rows.frame)
        assert scorer.document is not None
        linked = joined(clone(scorer.document).fit(reference), rows, self.data)
        return ScoringModel(linked, base_rates=rates).with_families(rows.frame)


def compared(made: OutOfFold, *, seed: int) -> Comparison:
    """The scorers by what they said of the held-out rows."""
    rows = made.test.rows
    return compare(
        rows.y, {name: made.said(name).probabilities for name in made.parts}, groups=rows.accounts, seed=seed
    )


def compare_sets(
    data: TrainingData, sets: Sequence[WeightSetSpec], *, seed: int = 0, note: Note = silent
) -> tuple[Comparison | None, str]:
    """Compares weight sets that need not be on disk, on held-out rows.

    Gives None and the reason where no outcome can be held out.
    """
    recipes = []
    for spec in sets:
        scorer = scorer_of(spec, params=known_params(spec, data.project.params), vocabulary=data.vocabulary)
        recipes.append(Refitted(spec.label, ScoringModel(scorer), data))
    made = out_of_fold(recipes, data, data.split(seed=seed), note=note)
    if not made.folds:
        return None, "Not compared on outcomes: history is too short to hold a snapshot out."
    note("comparing")
    return compared(made, seed=seed), ""
