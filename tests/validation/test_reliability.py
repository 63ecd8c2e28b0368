import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from powerml.statistics.logistic import logit, sigmoid
from powerml.validation.reliability import (
    accuracy_beside_majority,
    calibration,
    proper_scores,
    reliability_curve,
    score_calibration,
)

BASE = {"churn": 0.2, "stay": 0.6, "expand": 0.2}


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    c, e = sigmoid(-1.6 - x), sigmoid(-1.2 + x)
    p = pd.DataFrame({"p_churn": c, "p_stay": (1 - c) * (1 - e), "p_expand": (1 - c) * e})
    u = rng.random(4000)
    y = np.select([u < c, u < c + p["p_expand"]], ["churn", "expand"], "stay")
    return y, p, np.arange(4000) // 2


def test_proper_scores_are_scikit_learns(world):
    y, p, groups = world
    found = proper_scores(y, p, base=BASE, groups=groups, repeats=100).set_index(["outcome", "score"])
    assert found.loc[("churn", "log_loss"), "loss"] == pytest.approx(log_loss(y == "churn", p["p_churn"]))
    assert found.loc[("expand", "brier"), "loss"] == pytest.approx(brier_score_loss(y == "expand", p["p_expand"]))
    assert found.loc[("overall", "log_loss"), "loss"] == pytest.approx(
        log_loss(y, p[["p_churn", "p_expand", "p_stay"]].to_numpy(), labels=["churn", "expand", "stay"])
    )
    assert ("overall", "ranked_probability") in found.index
    assert (found["skill_low"] > 0).all()
    assert (found["skill_low"] < found["skill"]).all()


def test_a_calibrated_model_looks_so_and_an_extreme_one_does_not(world):
    y, p, groups = world
    good = calibration(y, p, groups=groups, repeats=200).set_index("outcome")
    for name, ideal in (("observed_expected", 1), ("slope", 1), ("intercept", 0)):
        assert (good[f"{name}_low"] < ideal).all()
        assert (good[f"{name}_high"] > ideal).all()
    sharp = p.assign(p_churn=sigmoid(2 * logit(p["p_churn"])))
    sharp[["p_stay", "p_expand"]] = p[["p_stay", "p_expand"]].mul((1 - sharp["p_churn"]) / (1 - p["p_churn"]), axis=0)
    bad = calibration(y, sharp, groups=groups, repeats=200).set_index("outcome").loc["churn"]
    assert bad["slope"] == pytest.approx(0.5, abs=0.1)
    assert bad["slope_high"] < 1
    assert bad["observed_expected_low"] > 1


def test_the_ends_of_the_slope_count_accounts_not_rows(world):
    y, p, _ = world
    alone = calibration(y, p, groups=np.arange(len(y)), repeats=50).iloc[0]
    copies = np.tile(np.arange(len(y)), 5)
    again = calibration(y[copies], p.iloc[copies], groups=copies, repeats=50).iloc[0]
    assert again["slope_high"] - again["slope_low"] == pytest.approx(alone["slope_high"] - alone["slope_low"], rel=0.02)


def test_the_curve_holds_the_diagonal(world):
    y, p, groups = world
    curve = reliability_curve(y, p, groups=groups)
    assert curve.groupby("outcome")["n"].agg(["count", "sum"]).to_numpy().tolist() == [[10, 4000], [10, 4000]]
    inside = (curve["low"] <= curve["predicted"]) & (curve["predicted"] <= curve["high"])
    assert inside.mean() >= 0.85
    assert curve.groupby("outcome")["predicted"].apply(lambda c: c.is_monotonic_increasing).all()


def test_score_calibration_by_hand():
    # Y = 0, 60, 60, 100 at S = 10, 50, 70, 90: slope = 2800 / 3500 ... sums: mean S 55, mean Y 55
    # sum (S-55)(Y-55) = 2475 - 25 + 75 + 1575 = 4100; sum (S-55)^2 = 2025 + 25 + 225 + 1225 = 3500
    line, curve = score_calibration(
        [10, 50, 70, 90],
        ["churn", "stay", "stay", "expand"],
        outcomes=("churn", "stay", "expand"),
        groups=range(4),
        repeats=50,
    )
    assert line["slope"].iloc[0] == pytest.approx(4100 / 3500)
    assert line["intercept"].iloc[0] == pytest.approx(55 - 55 * 4100 / 3500)
    assert line["mean_gap"].iloc[0] == pytest.approx(0)
    assert curve["mean_outcome"].tolist() == [0, 60, 60, 100]


def test_the_expected_value_is_calibrated(world):
    y, p, groups = world
    score = 100 * (0.6 * p["p_stay"] + p["p_expand"])
    line, curve = score_calibration(score, y, outcomes=("churn", "stay", "expand"), groups=groups, repeats=200)
    row = line.iloc[0]
    assert row["slope_low"] < 1 < row["slope_high"]
    assert row["intercept_low"] < 0 < row["intercept_high"]
    assert ((curve["low"] <= curve["mean_score"]) & (curve["mean_score"] <= curve["high"])).mean() >= 0.8


def test_the_84_percent_of_document_d():
    """84 of 100 right sounds well until the 84.6 of always saying stay stand beside it."""
    y = np.repeat(["stay", "churn", "expand"], [846, 37, 117])
    predicted = np.where(np.arange(1000) < 840, "stay", "churn")
    found = accuracy_beside_majority(y, np.where(y == "stay", predicted, "stay")).iloc[0]
    assert found["accuracy"] == 0.84
    assert (found["majority"], found["majority_accuracy"]) == ("stay", 0.846)
    assert found["skill"] == pytest.approx(-0.006 / 0.154)
