import numpy as np
import pandas as pd
import pytest

from powerml.calibration.links import best_single_metric
from powerml.statistics.logistic import sigmoid
from powerml.statistics.scores import auroc


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    s = pd.Series(rng.uniform(0, 100, 4000), index=range(10, 4010))
    c, e = sigmoid(1 - 0.06 * s), sigmoid(-4 + 0.05 * s)
    u = rng.random(4000)
    return s, np.select([u < c, u < c + (1 - c) * e], ["churn", "expand"], "stay")


def linked(s, y):
    """The link of a score that stands alone."""
    return best_single_metric(pd.DataFrame({"s": s}), y)


def test_a_link_finds_the_line_that_made_the_outcomes(rows):
    s, y = rows
    best = linked(s, y)
    churn, expand = best.heads
    assert churn == pytest.approx((-0.06, 1), rel=0.15)
    assert expand == pytest.approx((0.05, -4), rel=0.15)
    p = best.probabilities(s.to_frame("s"))
    assert list(p.columns) == ["p_churn", "p_stay", "p_expand"]
    assert p.index.equals(s.index)
    assert p.sum(axis=1).to_numpy() == pytest.approx(1)
    assert p.p_churn.mean() == pytest.approx((y == "churn").mean(), abs=1e-4)  # a logistic line is right on the whole


def test_two_outcomes_have_one_head(rows):
    s, y = rows
    best = linked(s, np.where(y == "expand", "stay", y))
    assert best.expand is None
    assert list(best.probabilities(s.to_frame("s")).columns) == ["p_churn", "p_stay"]


def test_without_events_the_base_rate_stands_and_what_does_not_vary_is_no_metric():
    quiet = linked([1, 2, 3], ["stay"] * 3).probabilities(pd.DataFrame({"s": [1.0, 9.0]}))
    assert quiet.p_churn.to_numpy() == pytest.approx(0.125)  # half an event in three rows: 0.5 / 4
    assert linked([5, 5, 5, 5], ["churn", "stay", "stay", "stay"]) is None


def test_a_score_that_separates_stays_finite():
    best = linked([1, 2, 3, 4, 5, 6], ["churn"] * 3 + ["stay"] * 3)
    assert -10 < best.heads[0].slope < 0
    assert np.isfinite(best.probabilities(pd.DataFrame({"s": [-1000.0, 1000.0]}))).all(axis=None)


def test_the_best_single_metric_is_found_and_linked(rows):
    s, y = rows
    rng = np.random.default_rng(1)
    metrics = pd.DataFrame({"noise": rng.normal(size=4000), "signal": s.to_numpy(), "flat": 1.0, "gone": np.nan})
    metrics.loc[::10, "signal"] = np.nan
    best = best_single_metric(metrics, y)
    assert (best.churn, best.expand) == ("signal", "signal")
    assert best.name == "the best single metric (signal)"
    p = best.probabilities(metrics)
    assert p.sum(axis=1).to_numpy() == pytest.approx(1)
    assert auroc(y == "churn", p.p_churn) > 0.75
    assert best_single_metric(metrics[["flat", "gone"]], y) is None
