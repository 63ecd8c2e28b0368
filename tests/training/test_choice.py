"""The challenger is chosen on out-of-fold predictions of training rows, and never by what is held out."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import FittedEntry, WeightSetEntry
from powerml.training.candidates import DOCUMENTED_CARD, Candidate
from powerml.training.choice import challenger, linked_loss
from powerml.training.folds import FoldRows, OutOfFold, out_of_fold, usable_folds
from powerml.training.rows import HeldOut, Rows, Split
from tests.training import test_candidates

data = test_candidates.data  # a fixture


def two_halves(data, *, crossed=False):
    """The first half of the rows learned from, the second held out; crossed: the other way round as well."""
    n = len(data.labelled.frame)
    first, second = np.arange(n // 2), np.arange(n // 2, n)
    folds = ((first, second), (second, first)) if crossed else ((first, second),)
    return Split(folds, np.zeros(n, dtype=bool), 2.0 if crossed else 1.0)


@pytest.fixture
def chosen(data):
    return [
        Candidate(FittedEntry(fit="logistic"), data, 7),
        Candidate(WeightSetEntry(weights=DOCUMENTED_CARD), data, 7),
    ]


def test_held_out_outcomes_choose_nothing(data, chosen):
    made = out_of_fold(chosen, data, two_halves(data))
    choice = challenger(chosen, made, few=False)
    turned = made.test.rows.frame.assign(label=np.random.default_rng(0).permutation(made.test.rows.y))
    other = HeldOut(Rows(turned, "account_id", 90), made.test.unseen, made.test.folds)
    again = challenger(chosen, OutOfFold(made.folds, other, made.parts, made.models), few=False)
    pd.testing.assert_frame_equal(choice.table, again.table)
    assert choice.rows == len(made.folds[0].train.frame)
    assert choice.by_fold == ()
    assert "chosen of 2 scorers that were tried" in choice.sentence
    assert list(choice.table["scorer"]) == [DOCUMENTED_CARD, "logistic"]  # the simplest first


def test_the_least_loss_is_taken_and_a_simpler_one_where_it_costs_less_than_half_a_point(data, chosen):
    made = out_of_fold(chosen, data, two_halves(data))
    choice = challenger(chosen, made, few=False)
    skills = choice.table.set_index("scorer")["skill"]
    assert skills["logistic"] > skills[DOCUMENTED_CARD] + 0.005  # the card reads noise here
    assert choice.best.name == "logistic"


def test_where_folds_train_on_each_other_s_tests_every_fold_chooses_for_itself(data, chosen):
    made = out_of_fold(chosen, data, two_halves(data, crossed=True))
    choice = challenger(chosen, made, few=False)
    assert len(choice.by_fold) == 2
    assert choice.rows == len(data.labelled.frame)


def test_a_link_is_fitted_out_of_fold(data):
    """A score that is noise, with as many values as rows: in-sample a link would gain, out of fold it does not."""
    rows = data.labelled.take(np.arange(200))
    noise = np.random.default_rng(1).normal(size=200)
    rates = pd.Series(rows.y).value_counts(normalize=True)
    constant = float(-(rates * np.log(rates)).sum())
    assert linked_loss(noise, rows, data.outcomes) > constant


def test_folds_with_one_outcome_are_not_used(data):
    n = len(data.labelled.frame)
    churned = np.flatnonzero(data.labelled.y == "churn")
    split = Split(((churned, np.arange(n)), (np.arange(n), churned)), np.zeros(n, dtype=bool))
    (kept,) = usable_folds(data, split)
    assert len(kept[0]) == n
    assert isinstance(out_of_fold([], data, split).folds[0], FoldRows)
