"""The tree head: contract, directions, interactions, contributions, the same text every time."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.calibration.folds import account_folds
from powerml.calibration.likelihood import sigmoid
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import STAGES, LightGBMHead


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
    head, logits = LightGBMHead().rehearse(X, y, account_folds(y, n_folds=3))
    assert head.trees in STAGES
    assert np.isfinite(logits).all()
    noise = np.random.default_rng(0).random(600).round()
    assert LightGBMHead().rehearse(X, noise, account_folds(noise, n_folds=3))[0].trees == min(STAGES)


def test_the_same_rows_give_the_same_text_and_it_reads_back():
    X, y = crossed(500)
    head = LightGBMHead(30, categorical=(3,)).fit(X, y)
    written = json.dumps(head.to_dict())
    assert json.dumps(LightGBMHead(30, categorical=(3,)).fit(X, y).to_dict()) == written
    assert "num_threads" not in written
    again = LightGBMHead.from_dict(json.loads(written))
    assert (again.decision_function(X) == head.decision_function(X)).all()
    assert json.dumps(again.to_dict()) == written
