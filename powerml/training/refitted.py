"""Scorers that are there already, made anew from training rows, so that they can be judged on rows held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sklearn.base import clone

from powerml.calibration.links import fit_link
from powerml.config.weights import settable
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.documented.load import scorer_of
from powerml.scoring.model import ScoringModel
from powerml.training.candidates import fit_on
from powerml.training.folds import OutOfFold, out_of_fold
from powerml.validation.comparison import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def __post_init__(self) -> None:
        if self.model.outcome != self.data.custom:
            about = "churn" if self.model.outcome is None else repr(self.model.outcome.name)
            raise UsageError(
                f"{self.name} was trained on {about}, which is not what these snapshots are labelled with; custom "
                "outcomes are known to 'train', 'score', 'explain' and 'review': compare scorers in one experiment"
            )

    def make(self, rows: Rows, reference: pd.DataFrame) -> ScoringModel:
        """The scorer trained on `rows`."""
        rates, scorer = rows.rates(self.data.outcomes), clone(self.model.scorer)
        if self.model.kind == "fitted":
            X = rows.frame[self.data.available]
            fit_on(scorer, X, rows)
            return ScoringModel(scorer, base_rates=rates)
        scorer.fit(reference)
        if hasattr(scorer, "predict_proba_outcomes"):  # a card file has probabilities of its own
            return ScoringModel(scorer, base_rates=rates)
        link = fit_link(scorer.predict_score(rows.frame), rows.y, self.data.outcomes)
        return ScoringModel(scorer, link=link, base_rates=rates)


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
        params = {name: value for name, value in data.project.params.items() if name in settable(spec)}
        scorer = scorer_of(spec, params=params, vocabulary=data.vocabulary)
        recipes.append(Refitted(spec.label, ScoringModel(scorer), data))
    made = out_of_fold(recipes, data, data.split(seed=seed), note=note)
    if not made.folds:
        return None, "Not compared on outcomes: history is too short to hold a snapshot out."
    note("comparing")
    return compared(made, seed=seed), ""
