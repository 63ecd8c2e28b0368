"""The stack: contract, a blend that is never worse, contributions of members, written down."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.scoring.heads.base import crossed_base
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.lightgbm import LightGBMHead
from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.stack import StackHead, fit_blend
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import log_losses, sigmoid


def mixed(n=1200, seed=0):
    """A line, a bend and a product, so that each member sees something of its own."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4))
    z = X[:, 0] + 0.7 * X[:, 1] ** 2 + 0.8 * np.sign(X[:, 2] * X[:, 3]) - 1.2
    return X, (rng.random(n) < sigmoid(z)).astype(float)


SMALL = (LogisticHead(), CardHead(), LightGBMHead(60))


@parametrize_with_checks([StackHead([LogisticHead(), CardHead()])])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_the_blend_is_no_worse_than_any_member_on_fresh_rows():
    (X, y), (fresh, outcome) = mixed(), mixed(6000, seed=1)
    stack = StackHead(SMALL).fit(X, y)
    loss = log_losses(outcome, stack.decision_function(fresh)).mean()
    for member in SMALL:
        alone, _ = member.rehearse(X, y, account_folds(y))
        assert loss < log_losses(outcome, alone.fit(X, y).decision_function(fresh)).mean() + 0.004


def test_weights_are_not_negative_and_useless_members_are_dropped():
    rng = np.random.default_rng(0)
    z = rng.standard_normal(3000)
    y = (rng.random(3000) < sigmoid(z)).astype(float)
    blend = fit_blend(np.column_stack([z, -z, rng.standard_normal(3000)]), y)
    assert blend == pytest.approx([1, 0, 0], abs=0.08)
    assert (blend >= 0).all()
    assert blend.sum() == pytest.approx(1)
    stack = StackHead().of(SMALL, np.array([0.7, 0.0, 0.3]))
    assert [head.kind for head in stack.heads] == ["logistic", "lightgbm"]
    assert stack.blend == pytest.approx([0.7, 0.3])
    assert StackHead().of(SMALL, np.array([1.0, 0.0, 0.0])) is SMALL[0]


def test_a_blend_is_the_best_of_all_that_weigh_one():
    """Against a fine grid over the weights of three noisy copies of the truth, one of them turned round."""
    rng = np.random.default_rng(2)
    z = rng.standard_normal(4000)
    y = (rng.random(4000) < sigmoid(z)).astype(float)
    members = np.column_stack([z + rng.standard_normal(4000), 0.8 * z + 0.4 * rng.standard_normal(4000), -z])
    found = log_losses(y, members @ fit_blend(members, y)).sum()
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)]
    best = min(log_losses(y, members @ np.array(weights)).sum() for weights in grid)
    assert found <= best + 1.0  # the pull towards an even blend is worth two rows


def test_scale_and_offset_are_left_to_the_calibrator():
    rng = np.random.default_rng(3)
    z = rng.standard_normal(3000)
    y = (rng.random(3000) < sigmoid(2 * z + 1)).astype(float)
    assert fit_blend(np.column_stack([z, z]), y).sum() == pytest.approx(1)


def test_each_row_is_blended_without_its_fold():
    X, y = mixed(400)
    folds = account_folds(y, n_folds=4)
    stack, logits = StackHead(SMALL[:2]).rehearse(X, y, folds)
    members = np.column_stack([head.rehearse(X, y, folds)[1] for head in SMALL[:2]])
    train, test = folds[0]
    own = fit_blend(members[train], y[train], base=crossed_base(y, folds)[train])
    assert logits[test] == pytest.approx(members[test] @ own)
    assert stack.blend is not None


def test_few_accounts_leave_equal_heads_equal_weights_and_many_let_them_learn():
    rng = np.random.default_rng(5)
    z = rng.standard_normal(6000)
    y = (rng.random(6000) < sigmoid(z)).astype(float)
    members = np.column_stack([z + 0.2 * rng.standard_normal(6000), z + 0.5 * rng.standard_normal(6000)])
    few, many = fit_blend(members[:60], y[:60]), fit_blend(members, y)
    assert many[0] > few[0] > 0.4
    assert many[0] > 0.7
    in_few_accounts = fit_blend(members, y, codes=np.arange(6000) // 300)
    assert in_few_accounts[0] < many[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.floats(-3, 3))
def test_a_blend_is_a_mean_and_never_worse_than_its_worst_member(seed, count, offset):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(120)
    y = (rng.random(120) < sigmoid(z)).astype(float)
    members = z[:, None] * rng.uniform(-1, 2, count) + rng.standard_normal((120, count)) + offset
    weights = fit_blend(members, y, codes=np.arange(120) // 3)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    order = rng.permutation(count)
    assert fit_blend(members[:, order], y, codes=np.arange(120) // 3) == pytest.approx(weights[order], abs=2e-3)
    worst = max(log_losses(y, member).sum() for member in members.T)
    assert log_losses(y, members @ weights).sum() <= worst + 1e-9


def test_a_member_without_skill_starts_from_no_weight():
    rng = np.random.default_rng(6)
    z = rng.standard_normal(200)
    y = (rng.random(200) < sigmoid(2 * z)).astype(float)
    weights = fit_blend(np.column_stack([z, 1.2 * z, -z]), y)
    assert weights[2] == 0
    assert weights[:2].sum() == pytest.approx(1)


def test_contributions_add_up_and_it_reads_back():
    X, y = mixed(500)
    X[::7, 1] = np.nan
    stack = StackHead(SMALL, blend=(0.2, 0.5, 0.3)).fit(X, y)
    values, baseline = stack.contributions(X)
    assert values.sum(axis=1) + baseline == pytest.approx(stack.decision_function(X), abs=1e-9)
    again = StackHead.from_dict(json.loads(json.dumps(stack.to_dict())))
    assert (again.decision_function(X) == stack.decision_function(X)).all()
    assert json.dumps(again.to_dict()) == json.dumps(stack.to_dict())
