"""Scorers that are there already, made anew from training rows, so that they can be judged on rows held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone

from powerml.calibration.links import fit_link
from powerml.config.weights import settable
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.documented.load import scorer_of
from powerml.scoring.model import ScoringModel
from powerml.training.candidates import Candidate, Said, fit_on, say
from powerml.training.judging import hold_out
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
            fit_on(scorer, X, rows, grace_days=self.data.grace_days)
            return ScoringModel(scorer, base_rates=rates)
        scorer.fit(reference)
        if hasattr(scorer, "predict_proba_outcomes"):  # a card file has probabilities of its own
            return ScoringModel(scorer, base_rates=rates)
        link = fit_link(scorer.predict_score(rows.frame), rows.y, self.data.outcomes)
        return ScoringModel(scorer, link=link, base_rates=rates)


def held_out_said(
    scorers: Sequence[Candidate | Refitted], data: TrainingData, *, seed: int, note: Note
) -> tuple[Rows | None, dict[str, Said]]:
    """What each scorer, made from the training rows of each fold, says of the test rows; None where none are held."""
    rows = data.labelled
    parts: dict[str, list[Said]] = {scorer.name: [] for scorer in scorers}
    tests: list[np.ndarray] = []
    folds = list(hold_out(data, seed=seed).rows(rows.frame, rows.accounts))
    for number, (train_at, test_at) in enumerate(folds, start=1):
        if not len(train_at) or len(set(rows.y[train_at])) < 2:
            continue
        train, test = rows.take(train_at), rows.take(test_at)
        reference = data.reference(train.frame["as_of"].max())
        for scorer in scorers:
            note(f"fold {number} of {len(folds)}: {scorer.name}")
            parts[scorer.name].append(say(scorer.make(train, reference), test, train.rates(data.outcomes)))
        tests.append(test_at)
    if not tests:
        return None, {}
    return rows.take(np.concatenate(tests)), {name: Said.pooled(said) for name, said in parts.items()}


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
    held, said = held_out_said(recipes, data, seed=seed, note=note)
    if held is None:
        return None, "Not compared on outcomes: history is too short to hold a snapshot out."
    note("comparing")
    p = {name: one.probabilities for name, one in said.items()}
    return compare(held.y, p, groups=held.accounts, seed=seed), ""
