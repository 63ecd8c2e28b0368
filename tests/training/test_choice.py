"""The challenger is chosen on out-of-fold predictions of training rows, and never by what is held out."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import FittedEntry, WeightSetEntry
from powerml.statistics.outcomes import outcome_codes
from powerml.statistics.scores import outcomes_log_loss_rows
from powerml.training.candidates import DOCUMENTED_CARD, Candidate
from powerml.training.choice import challenger, expected_loss
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


def test_the_choice_sees_the_links_that_are_registered(data, chosen):
    """Where outcomes contradict the document its links are flat: it must not be credited with the turned slope."""
    card = chosen[1]
    reference = data.labelled.frame
    number = card.weight_set().fit(reference).predict_score(reference)
    turned = np.where(number > np.quantile(number, 0.7), "churn", np.where(number < 20, "expand", "stay"))
    rows = Rows(reference.assign(label=turned), "account_id", 90)
    model = card.make(rows, reference)
    assert all("flat" in remark for remark in model.scorer.remarks())
    rates = np.array([(turned == outcome).mean() for outcome in data.outcomes])
    constant = float(-(rates[rates > 0] * np.log(rates[rates > 0])).sum())
    assert expected_loss(card, model, rows) == pytest.approx(constant, abs=0.01)


def test_what_is_expected_of_a_fitted_scorer_is_what_other_people_lose(data, chosen):
    n = len(data.labelled.frame)
    first, second = data.labelled.take(np.arange(n // 2)), data.labelled.take(np.arange(n // 2, n))
    model = chosen[0].make(first, first.frame)
    said = model.probabilities(second.frame)[[f"p_{outcome}" for outcome in data.outcomes]]
    lost = outcomes_log_loss_rows(outcome_codes(second.y, data.outcomes), said).mean()
    assert expected_loss(chosen[0], model, first) == pytest.approx(lost, abs=0.05)


def test_folds_with_one_outcome_are_not_used(data):
    n = len(data.labelled.frame)
    churned = np.flatnonzero(data.labelled.y == "churn")
    split = Split(((churned, np.arange(n)), (np.arange(n), churned)), np.zeros(n, dtype=bool))
    (kept,) = usable_folds(data, split)
    assert len(kept[0]) == n
    assert isinstance(out_of_fold([], data, split).folds[0], FoldRows)
