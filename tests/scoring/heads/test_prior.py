"""The link on a documented score: modest before there are events, led by them later, never turned round."""

import json

import numpy as np
import pytest

from powerml.scoring.heads.prior import PRIOR_SLOPE, PriorLinkHead
from powerml.statistics.logistic import base_logit, sigmoid


def scored(n, *, slope, seed=0):
    """Scores of mean 50 and deviation 20, and churn whose logit falls by `slope` per deviation."""
    rng = np.random.default_rng(seed)
    score = rng.normal(50, 20, n)
    return score, (rng.random(n) < sigmoid(-1.5 - slope * (score - 50) / 20)).astype(float)


def test_without_events_it_expects_a_modest_effect():
    score, _ = scored(200, slope=1)
    head = PriorLinkHead(-1).link(score, np.zeros(200))
    assert head.slope_ == pytest.approx(-PRIOR_SLOPE, abs=0.05)
    assert sigmoid(head.decision_function(score[:, None])).max() < 0.05


def test_events_lead_it_where_there_are_many():
    head = PriorLinkHead(-1).link(*scored(20_000, slope=1.5))
    assert head.slope_ == pytest.approx(-1.5, abs=0.08)
    assert PriorLinkHead(-1, pull=1e6).link(*scored(20_000, slope=1.5)).slope_ == pytest.approx(-PRIOR_SLOPE, abs=0.05)


@pytest.mark.parametrize("sign", [-1, 1])
def test_events_against_the_document_make_it_flat(sign):
    score, y = scored(20_000, slope=sign * 1.5)  # sign -1: the better the score, the more leave
    assert PriorLinkHead(sign, pull=1e-6).link(score, y).slope_ == 0


def test_a_null_counts_as_the_mean():
    score, y = scored(500, slope=1)
    score[:20] = np.nan
    head = PriorLinkHead(-1).link(score, y)
    at_mean = head.decision_function(np.array([[np.nan], [head.mean_]]))
    assert at_mean[0] == at_mean[1] == pytest.approx(head.intercept_)
    alone = PriorLinkHead(-1).link(np.full(10, np.nan), np.zeros(10))
    assert np.isfinite(alone.decision_function(np.array([[np.nan]]))).all()


def test_contributions_add_up_and_points_have_a_price():
    score, y = scored(500, slope=1)
    head = PriorLinkHead(-1).fit(score[:, None], y)
    values, baseline = head.contributions(score[:, None])
    assert baseline + values[:, 0] == pytest.approx(head.decision_function(score[:, None]))
    ten_more = head.decision_function(score[:, None] + 10) - head.decision_function(score[:, None])
    assert ten_more == pytest.approx(10 * head.line.slope)
    assert head.line.at(head.mean_) == pytest.approx(head.intercept_)


def test_a_line_given_is_that_line():
    head = PriorLinkHead.given(2.0, -0.1)
    assert head.decision_function(np.array([[0.0], [30.0]])) == pytest.approx([2.0, -1.0])
    assert PriorLinkHead.from_dict(json.loads(json.dumps(head.to_dict()))).line.at(30.0) == pytest.approx(-1.0)


def test_a_score_that_never_varies_gives_the_base_rate():
    y = np.r_[np.ones(20), np.zeros(80)]
    head = PriorLinkHead(-1).link(np.full(100, 7.0), y)
    assert head.decision_function(np.array([[7.0]]))[0] == pytest.approx(base_logit(y), abs=0.02)
