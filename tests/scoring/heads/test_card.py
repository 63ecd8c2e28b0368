"""The card head: contract, 100 whole points, directions, budgets, little lost, written down."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.scoring.heads.card import CardHead
from powerml.screening.auto import Screens
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import log_losses, sigmoid


def product(n=3000, seed=0):
    """Active days, a bent metric, a text level, a half-missing rating, noise; the churn logit."""
    rng = np.random.default_rng(seed)
    days, bent = rng.integers(0, 21, n).astype(float), rng.uniform(0, 10, n)
    level, noise = rng.integers(0, 3, n).astype(float), rng.standard_normal(n)
    rating = np.where(rng.random(n) < 0.5, np.nan, rng.integers(1, 6, n))
    z = 0.5 - 0.18 * days + 0.1 * (bent - 5) ** 2 + 0.9 * (level == 1) + 0.7 * np.isnan(rating) - 1
    return np.column_stack([days, bent, level, rating, noise]), (rng.random(n) < sigmoid(z)).astype(float), z


@parametrize_with_checks([CardHead()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_it_spends_a_hundred_whole_points_and_loses_little():
    X, y, _ = product()
    head = CardHead(sign=-1, signs=(-1, -1, 0, 0, 0), categorical=(2,)).fit(X, y)
    assert sum(max(part.points) for part in head.parts_) == 100
    assert all(min(part.points) == 0 for part in head.parts_)
    assert head.slope_ < 0
    fresh, outcome, true = product(6000, seed=1)
    logits = head.decision_function(fresh)
    assert roc_auc_score(outcome, logits) > roc_auc_score(outcome, true) - 0.02
    assert log_losses(outcome, logits).mean() < log_losses(outcome, true).mean() + 0.02


def test_levels_follow_the_declared_direction_unless_contradicted():
    X, y, _ = product()
    head = CardHead(sign=-1, signs=(-1, -1, 0, 0, 0), categorical=(2,)).fit(X, y)
    by_column = {part.column: part for part in head.parts_}
    days = by_column[0].points[:-1]
    assert list(days) == sorted(days)  # more active days, more points, less churn
    assert by_column[1].shape == "free"
    bent = by_column[1].points[:-1]
    assert max(bent[1:-1]) > max(bent[0], bent[-1])


def test_churn_and_staying_get_the_same_card():
    X, y, _ = product(1500)
    churn = CardHead(sign=-1).fit(X, y)
    stay = CardHead(sign=1).fit(X, 1 - y)
    assert [part.points for part in churn.parts_] == [part.points for part in stay.parts_]
    assert churn.slope_ == pytest.approx(-stay.slope_)


def test_budgets_are_spent_exactly():
    X, y, _ = product()
    head = CardHead(sign=-1, categorical=(2,), budgets=((40, (0, 4)), (30, (1,)), (30, (2, 3)))).fit(X, y)
    most = {part.column: max(part.points) for part in head.parts_}
    assert most[0] + most.get(4, 0) == 40
    assert most[1] == 30
    assert most[2] + most[3] == 30
    with pytest.raises(ValueError, match="column 1 is in no budget"):
        CardHead(sign=-1, budgets=((100, (0, 2, 3, 4)),)).fit(X, y)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([-1, 1]))
def test_contributions_add_up_to_the_logit(seed, sign):
    X, y, _ = product(400, seed)
    head = CardHead(sign=sign, categorical=(2,)).fit(X, y)
    values, baseline = head.contributions(X)
    assert values.sum(axis=1) + baseline == pytest.approx(head.decision_function(X), abs=1e-9)
    assert values.mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_a_null_that_training_never_saw_gets_average_points():
    X, y, _ = product(1500)
    head = CardHead(sign=-1).fit(X[:, :1], y)
    [days] = head.parts_
    assert days.points[-1] == round(days.average)
    assert np.isfinite(head.decision_function(np.array([[np.nan]]))).all()


def test_shapes_are_decided_once_by_folds():
    X, y, _ = product(1500)
    head, logits = CardHead(sign=-1, signs=(-1, -1, 0, 0, 0), categorical=(2,)).rehearse(X, y, account_folds(y))
    assert head.shapes[:2] == ("falling", "free")
    assert np.isfinite(logits).all()


def test_metrics_that_say_nothing_give_the_base_rate():
    X, y = np.tile([[0.0], [1.0]], (100, 1)), np.repeat([0.0, 1.0, 0.0], [80, 80, 40])
    head = CardHead().fit(X, y)
    assert head.parts_ == ()
    assert head.predict_proba(X[:1])[0, 1] == pytest.approx(0.4, abs=1e-6)


def test_written_and_read_it_is_the_same():
    X, y, _ = product(1500)
    head = CardHead(sign=-1, categorical=(2,)).fit(X, y)
    again = CardHead.from_dict(json.loads(json.dumps(head.to_dict())))
    assert (again.decision_function(X) == head.decision_function(X)).all()
    assert json.dumps(again.to_dict()) == json.dumps(head.to_dict())


def test_only_the_foremost_metrics_earn_points():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 8))
    y = (rng.random(3000) < sigmoid(X @ [2, 0.5, 1.5, 0.4, 1, 0.3, 0.2, 0.1])).astype(float)
    head = CardHead(most_parts=3).fit(X, y)
    assert [part.column for part in head.parts_] == [0, 2, 4]
    assert sum(max(part.points) for part in head.parts_) == 100


def test_it_reads_what_a_screen_keeps_in_each_fold():
    X, y, _ = product(600)
    folds = account_folds(y, n_folds=3)
    masks = np.array([[True, False, True, True, False]])
    plain, _ = CardHead(sign=-1).rehearse(X, y, folds)
    head, logits = CardHead(sign=-1).rehearse(X, y, folds, None, Screens((masks,) * 3, masks))
    assert head.reads == (0, 2, 3)
    assert head.shapes == plain.shapes
    fitted = head.fit(X, y)
    assert {part.column for part in fitted.parts_} <= {0, 2, 3}
    train, test = folds[0]
    alone = CardHead(sign=-1, shapes=head.shapes, reads=(0, 2, 3)).fit(X[train], y[train])
    assert logits[test] == pytest.approx(alone.decision_function(X[test]))
