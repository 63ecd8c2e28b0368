"""The logistic head: scikit-learn's contract, nulls, long tails, contributions, and writing it down."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.scoring.heads.logistic import STRENGTHS, LogisticHead
from powerml.screening.auto import Screens
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import log_losses, sigmoid


def product(n=2000, seed=0):
    """Four metrics: active days, a heavy-tailed count, a half-missing rating, a text level; and who left."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 21, n).astype(float)
    exports = np.round(np.exp(2 * rng.standard_normal(n)))
    rating = np.where(rng.random(n) < 0.5, np.nan, rng.integers(1, 6, n))
    level = rng.integers(0, 3, n).astype(float)
    z = 1 - 0.15 * days - 0.5 * np.log1p(exports) + 0.6 * np.isnan(rating) + 0.8 * (level == 1)
    return np.column_stack([days, exports, rating, level]), (rng.random(n) < sigmoid(z)).astype(float), z


@parametrize_with_checks([LogisticHead()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_it_comes_close_to_the_truth():
    X, y, _ = product()
    head = LogisticHead(categorical=(3,)).fit(X, y)
    fresh, outcome, true = product(5000, seed=1)
    excess = log_losses(outcome, head.decision_function(fresh)).mean() - log_losses(outcome, true).mean()
    assert excess < 0.004


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_contributions_add_up_to_the_logit(seed, categorical):
    X, y, _ = product(200, seed)
    head = LogisticHead(categorical=(3,) if categorical else ()).fit(X, y)
    values, baseline = head.contributions(X)
    assert values.shape == X.shape
    assert values.sum(axis=1) + baseline == pytest.approx(head.decision_function(X), abs=1e-9)
    assert values.mean(axis=0) == pytest.approx(0, abs=1e-9)  # the baseline is the average row


def test_a_metric_without_spread_or_values_says_nothing():
    X, y, _ = product(300)
    X[:, 0], X[:, 1] = 7.0, np.nan
    head = LogisticHead().fit(X, y)
    values, _ = head.contributions(X)
    assert (values[:, :2] == 0).all()
    assert (values[:, 2] != 0).any()


def test_values_beyond_the_edge_count_as_the_edge():
    X, y, _ = product()
    head = LogisticHead().fit(X, y)
    far = np.array([[1e6, 1e12, 5.0, 1.0], [1e9, 1e300, 5.0, 1.0]])
    assert head.decision_function(far)[0] == pytest.approx(head.decision_function(far)[1])


def test_few_rows_want_more_ridge_than_many():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((120, 15))
    noise = (rng.random(120) < 0.5).astype(float)
    assert LogisticHead().rehearse(X, noise, account_folds(noise))[0].strength == max(STRENGTHS)
    signal = (rng.random(120) < sigmoid(3 * X[:, 0])).astype(float)
    assert LogisticHead().rehearse(X, signal, account_folds(signal))[0].strength < max(STRENGTHS)


def test_out_of_fold_logits_come_from_fits_without_the_row():
    X, y, _ = product(300)
    folds = account_folds(y)[:2]
    head, logits = LogisticHead(categorical=(3,)).rehearse(X, y, folds)
    for train, test in folds:
        alone = LogisticHead(head.strength, categorical=(3,)).fit(X[train], y[train])
        assert logits[test] == pytest.approx(alone.decision_function(X[test]), abs=1e-6)
    assert np.isnan(logits).sum() == 300 - sum(len(test) for _, test in folds)


def twins(n=1500, seed=0):
    """Two near-copies of which a free fit would give one a sign against its declaration."""
    rng = np.random.default_rng(seed)
    month = rng.standard_normal(n)
    X = np.column_stack([month, month + 0.2 * rng.standard_normal(n), rng.standard_normal(n)])
    return X, (rng.random(n) < sigmoid(1.6 * X[:, 0] - 0.6 * X[:, 1])).astype(float)


def test_declared_directions_bind():
    X, y = twins()
    free, bound = LogisticHead().fit(X, y), LogisticHead(signs=(1, 1, 0)).fit(X, y)
    assert free.coef_[1] < 0
    assert bound.coef_[0] > 0
    assert bound.coef_[1] == 0
    turned = LogisticHead(signs=(-1, -1, 0)).fit(-X, y)
    assert turned.decision_function(-X) == pytest.approx(bound.decision_function(X), abs=1e-8)


def test_what_the_data_contradicts_is_free():
    X, y = twins()
    head, _ = LogisticHead(signs=(-1, 1, 0)).rehearse(X, y, account_folds(y))
    assert head.constraints == (0, 1, 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.tuples(*[st.sampled_from([-1, 0, 1])] * 3))
def test_no_better_value_makes_things_look_worse(seed, signs):
    X, y = twins(200, seed)
    head = LogisticHead(constraints=signs).fit(X, y)
    base = head.decision_function(X)
    for column, sign in enumerate(signs):
        more = X.copy()
        more[:, column] += 0.5
        assert (sign * (head.decision_function(more) - base) >= -1e-9).all()


def test_it_reads_what_a_screen_keeps_in_each_fold():
    X, y = twins(400)
    folds = account_folds(y, n_folds=3)
    masks = np.array([[True, False, True]])
    head, logits = LogisticHead().rehearse(X, y, folds, None, Screens((masks,) * 3, masks))
    assert head.reads == (0, 2)
    elsewhere = X.copy()
    elsewhere[:, 1] = 99.0
    fitted = head.fit(X, y)
    assert (fitted.decision_function(elsewhere) == fitted.decision_function(X)).all()
    train, test = folds[0]
    alone = LogisticHead(head.strength, reads=(0, 2)).fit(X[train], y[train])
    assert logits[test] == pytest.approx(alone.decision_function(X[test]), abs=1e-6)


def test_written_and_read_it_is_the_same():
    X, y, _ = product(300)
    head = LogisticHead(categorical=(3,)).fit(X, y)
    again = LogisticHead.from_dict(json.loads(json.dumps(head.to_dict())))
    assert (again.decision_function(X) == head.decision_function(X)).all()
    assert again.to_dict() == head.to_dict()
