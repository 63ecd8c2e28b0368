"""The tree head: contract, directions, interactions, contributions, the same text every time."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import STAGES, USUAL_TREES, LightGBMHead, deeper_of
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import log_losses, sigmoid


def crossed(n=2000, seed=0):
    """Two metrics that matter only together, one with a direction, one text level, noise; some nulls."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 5))
    X[:, 3] = rng.integers(0, 3, n)
    z = 1.5 * np.sign(X[:, 0] * X[:, 1]) + 0.8 * X[:, 2] + (X[:, 3] == 1) - 1
    X[rng.random(n) < 0.1, 2] = np.nan
    return X, (rng.random(n) < sigmoid(z)).astype(float)


@parametrize_with_checks([LightGBMHead(trees=40, learning_rate=0.15)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_it_sees_what_an_additive_card_cannot():
    (X, y), (fresh, outcome) = crossed(), crossed(seed=1)
    trees = roc_auc_score(outcome, LightGBMHead(categorical=(3,)).fit(X, y).decision_function(fresh))
    card = roc_auc_score(outcome, CardHead(categorical=(3,)).fit(X, y).decision_function(fresh))
    assert trees > card + 0.05


def test_a_declared_direction_is_kept_unless_the_data_contradicts_it():
    X, y = crossed()
    head = LightGBMHead(60, signs=(0, 0, 1, 0, -1), learning_rate=0.1).fit(X, y)
    grid = np.repeat(X[:5], 50, axis=0)
    grid[:, 2] = np.tile(np.linspace(-3, 3, 50), 5)
    steps = np.diff(head.decision_function(grid).reshape(5, 50), axis=1)
    assert (steps >= -1e-12).all()
    wrong, _ = LightGBMHead(signs=(0, 0, -1, 0, 0)).rehearse(X, y, account_folds(y, n_folds=3))
    assert wrong.constraints == (0, 0, 0, 0, 0)


@pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")  # shap's own colours
def test_contributions_add_up_and_agree_with_shap():
    import shap

    X, y = crossed(600)
    head = LightGBMHead(30).fit(X, y)
    values, baseline = head.contributions(X)
    assert values.sum(axis=1) + baseline == pytest.approx(head.decision_function(X), abs=1e-9)
    peers = [shap.TreeExplainer(booster).shap_values(X[:50]) for booster in head.boosters_]
    assert values[:50] == pytest.approx(np.mean(peers, axis=0), abs=1e-6)


def test_the_number_of_trees_is_chosen_out_of_fold():
    X, y = crossed(600)
    head, logits = LightGBMHead(deeper=False).rehearse(X, y, account_folds(y, n_folds=3))
    assert head.trees > USUAL_TREES
    assert np.isfinite(logits).all()
    noise = np.random.default_rng(0).random(600).round()
    few = LightGBMHead(deeper=False).rehearse(X, noise, account_folds(noise, n_folds=3))[0].trees
    assert min(STAGES) < few < USUAL_TREES  # folds of 600 rows cannot draw it all the way down


def test_the_logits_of_a_rehearsal_are_those_of_boosters_grown_at_once():
    X, y = crossed(600)
    folds = account_folds(y, n_folds=3)
    _, logits = LightGBMHead(deeper=False, constraints=(0,) * 5).rehearse(X, y, folds)
    found = []
    for trees in STAGES:
        again = np.empty(600)
        for train, test in folds:
            grown = LightGBMHead(trees, deeper=False, constraints=(0,) * 5).fit(X[train], y[train]).boosters_[0]
            again[test] = grown.predict(X[test], raw_score=True)
        found.append(again)
    assert min(np.abs(again - logits).max() for again in found) < 1e-9


def test_deeper_trees_are_taken_where_they_are_better_beyond_doubt():
    X, y = crossed(3000)
    folds = account_folds(y, n_folds=3)
    signs = (1, 1, 1, 0, 0)  # each holds on the average, none where the other metric is negative
    deep, logits = LightGBMHead(signs=signs).rehearse(X, y, folds)
    assert (deep.leaves, deep.signs) == (31, ())
    small, its = LightGBMHead(signs=signs, deeper=False).rehearse(X, y, folds)
    assert small.constraints[0] == small.constraints[1] == 1
    assert log_losses(y, logits).mean() < log_losses(y, its).mean() - 0.05
    straight = (np.random.default_rng(0).random(3000) < sigmoid(X[:, 0])).astype(float)
    assert LightGBMHead(signs=signs).rehearse(X, straight, folds)[0].leaves == 8


def test_rows_of_one_account_are_one_witness_for_deeper_trees():
    rows = np.repeat(np.arange(12), 50)
    z = np.tile([1.0, -1.0], 6)
    y = (z > 0).astype(float)
    y[:2] = 1 - y[:2]
    small, deep = (LightGBMHead(), 0.9 * z[rows]), (LightGBMHead(leaves=31), z[rows])
    assert deeper_of(small, deep, y[rows])[0].leaves == 31
    assert deeper_of(small, deep, y[rows], rows)[0].leaves == 8


def test_the_same_rows_give_the_same_text_and_it_reads_back():
    X, y = crossed(500)
    head = LightGBMHead(30, categorical=(3,)).fit(X, y)
    written = json.dumps(head.to_dict())
    assert json.dumps(LightGBMHead(30, categorical=(3,)).fit(X, y).to_dict()) == written
    assert "num_threads" not in written
    again = LightGBMHead.from_dict(json.loads(written))
    assert (again.decision_function(X) == head.decision_function(X)).all()
    assert json.dumps(again.to_dict()) == written
