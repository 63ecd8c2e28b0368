"""Choosing the simplest head that is not clearly worse than the best."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.errors import UsageError
from powerml.scoring.heads.registry import make_head
from powerml.scoring.heads.selection import AutoHead, choose, compare_heads
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import sigmoid


@parametrize_with_checks([AutoHead()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def chosen(X, y, *, events=1000):
    return choose(AutoHead(), X, y, folds=account_folds(y, n_folds=3), codes=np.arange(len(y)), events=events)


def test_interactions_call_for_trees_and_a_line_does_not():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 3))
    crossed = (rng.random(1500) < sigmoid(2 * np.sign(X[:, 0] * X[:, 1]))).astype(float)
    choice = chosen(X, crossed)
    assert [tried.head for tried in choice.tried] == ["card", "logistic", "lightgbm", "stack"]
    assert next(tried.head for tried in choice.tried if tried.chosen) in ("lightgbm", "stack")
    steps = (rng.random(1500) < sigmoid(2.0 * (X[:, 0] > 0) - 1)).astype(float)
    assert chosen(X, steps).head.kind == "card"


def test_under_two_hundred_events_no_trees_are_grown():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    y = (rng.random(300) < 0.3).astype(float)
    assert [tried.head for tried in chosen(X, y, events=120).tried] == ["card", "logistic"]


def test_the_simplest_within_one_standard_error_is_chosen():
    rng = np.random.default_rng(1)
    z = rng.standard_normal(2000)
    y = (rng.random(2000) < sigmoid(z)).astype(float)
    rows = np.arange(2000)
    near = {"card": z + 0.02 * rng.standard_normal(2000), "stack": z}
    assert [tried.chosen for tried in compare_heads(near, y, rows)] == [True, False]
    far = {"card": 0.3 * z, "stack": z}
    tried = compare_heads(far, y, rows)
    assert [each.chosen for each in tried] == [False, True]
    assert tried[0].worse > tried[0].worse_se > 0


def test_rows_of_one_account_count_once():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(100)
    y = (rng.random(100) < sigmoid(z)).astype(float)
    rows = np.repeat(np.arange(100), 40)
    both = {"card": 0.5 * z[rows], "stack": z[rows]}
    alone = compare_heads(both, y[rows], np.arange(4000))[0].worse_se
    together = compare_heads(both, y[rows], rows)[0].worse_se
    assert together == pytest.approx(alone * 40**0.5, rel=0.05)


def test_words():
    with pytest.raises(UsageError, match="no head named 'lightgmb'; did you mean 'lightgbm'"):
        make_head("lightgmb", categorical=(), signs=(), sign=1, options={})
    with pytest.raises(UsageError, match="head logistic has no option 'strenght'; did you mean 'strength'"):
        make_head("logistic", categorical=(), signs=(), sign=1, options={"strenght": 1})
