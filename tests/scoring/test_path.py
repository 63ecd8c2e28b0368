"""Reasons through calibrators and two heads: they add up, and follow a slow integral of the gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from powerml.scoring.path import head_shares, path_weights, score_of_logits
from powerml.statistics.logistic import sigmoid

logits = st.floats(-30, 30)


@settings(max_examples=200, deadline=None)
@given(logits, logits, logits, logits, st.floats(0, 1))
def test_both_heads_together_give_the_whole_way(c0, e0, c, e, stay_value):
    churn, expand = np.array([c]), np.array([e])
    by_churn, by_expand = path_weights(churn, expand, (c0, e0), stay_value)
    way = score_of_logits(churn, expand, stay_value) - score_of_logits(np.array(c0), np.array(e0), stay_value)
    assert by_churn * (c - c0) + by_expand * (e - e0) == pytest.approx(way, abs=1e-9)
    alone, _ = path_weights(churn, None, (c0, 0.0), stay_value)
    assert alone * (c - c0) == pytest.approx(100 * (sigmoid(-churn) - sigmoid(-c0)), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(-4, 4), st.floats(-4, 4))
def test_each_head_gets_the_integral_of_its_gradient(c0, e0, c, e):
    def churn_slope(t):
        p, q = sigmoid(c0 + t * (c - c0)), sigmoid(e0 + t * (e - e0))
        return -100 * p * (1 - p) * (0.6 + 0.4 * q)

    by_churn, _ = path_weights(np.array([c]), np.array([e]), (c0, e0), 0.6)
    assert by_churn[0] == pytest.approx(quad(churn_slope, 0, 1)[0], abs=1e-4)


def test_risk_never_adds_and_growth_never_takes():
    rng = np.random.default_rng(0)
    churn, expand = rng.normal(0, 3, 500), rng.normal(0, 3, 500)
    by_churn, by_expand = path_weights(churn, expand, (-2.0, -1.0), 0.6)
    assert (by_churn <= 1e-6).all()
    assert (by_expand >= -1e-6).all()


def test_shares_keep_the_proportions_of_the_raw_contributions():
    raw = np.array([[1.0, 3.0], [2.0, -2.0], [0.0, 0.0]])
    shares = head_shares(raw, 0.5, np.array([2.5, 0.5, 0.5]), 0.7)
    assert shares.tolist() == [[0.5, 1.5], [1.4, -1.4], [0.0, 0.0]]
