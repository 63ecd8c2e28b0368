import numpy as np
import pytest

from powerml.calibration.head import HeadCalibrator
from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.selection import Tried
from powerml.scoring.heads.side import Side
from powerml.scoring.heads.weights import FittedWeight
from powerml.scoring.outcome.tables import findings_of, fitted_weights, heads_tried, outcome_table
from powerml.statistics.outcomes import outcome_values

MIX = {"churn": 0.2, "stay": 0.6, "expand": 0.2}


def side(**more):
    return Side("churn", LogisticHead(), HeadCalibrator.identity(), 0.2, 100, 500, **more)


def test_the_score_is_the_value_of_the_outcomes():
    """0.1 churn, 0.5 stay, 0.4 expand: 60 x 0.5 + 100 x 0.4 = 70, half the usual risk."""
    table = outcome_table(np.array([[0.1, 0.5, 0.4]]), MIX, stay_value=0.6, bands=None, reference=False)
    assert table["score"].tolist() == pytest.approx([70])
    assert list(table["band"]) == ["Healthy"]
    assert table["churn_lift"].tolist() == pytest.approx([0.5])
    assert outcome_values(["churn", "stay"], stay_value=60).tolist() == [0, 100]


def test_the_reference_is_what_document_d_s_mix_would_give():
    """Somebody of average risk at the training mix scores what document D's mix is worth: 60 x .585 + 19.4 = 54.5."""
    table = outcome_table(np.array([[*MIX.values()]]), MIX, stay_value=0.6, bands=None, reference=True)
    assert table["score_reference"].tolist() == pytest.approx([54.5])


def test_why_a_head_was_chosen():
    tried = (Tried("card", 0.31, 0.001, 0.002, True), Tried("lightgbm", 0.309, 0.0, 0.0, False))
    (told,) = findings_of(side(tried=tried))
    assert told == (
        "churn: head card, for it costs 0.2 points of skill against the best, lightgbm (card 0.3100, lightgbm 0.3090)"
    )
    assert heads_tried([side(tried=tried)])["chosen"].tolist() == [True, False]
    best = (Tried("card", 0.33, 0.02, 0.002, False), Tried("lightgbm", 0.309, 0.0, 0.0, True))
    assert "head lightgbm, for it has the smallest out-of-fold log loss" in findings_of(side(tried=best))[0]
    assert findings_of(side(tried=tried[:1])) == []
    hedge = (Tried("stack", 0.315, 0.006, 0.004, True), Tried("lightgbm", 0.309, 0.0, 0.0, False))
    assert "which is not beyond doubt, and leans on no single head" in findings_of(side(tried=hedge))[0]
    assert findings_of(side(tried=tried, silent=True)) == []


def test_each_fitted_weight_stands_beside_the_documented_one():
    weights = (FittedWeight("depth", 0.3, 0.412, 0.35, 0.47),)
    assert findings_of(side(weights=weights)) == [
        "churn: depth weighs 0.412 (95 % interval 0.35 to 0.47); documented 0.3",
    ]
    assert fitted_weights([side(weights=weights)]).iloc[0].tolist() == ["churn", "depth", 0.3, 0.412, 0.35, 0.47]
    assert fitted_weights([side()]).empty
