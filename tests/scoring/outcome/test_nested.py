"""Two sides as one."""

import numpy as np
import pandas as pd
import pytest

from powerml.calibration.head import HeadCalibrator
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.side import HeadInputs, Side
from powerml.scoring.outcome.nested import NestedSides
from powerml.statistics.logistic import sigmoid


def side(outcome, intercept, per_point):
    link = PriorLinkHead.given(intercept, per_point)
    return Side(outcome, link, HeadCalibrator.identity(), 0.2, 60, 100, reads_column=True)


def inputs(*scores):
    frame = pd.DataFrame({"prior_score": scores})
    return HeadInputs(np.empty((len(scores), 0)), (), frame, np.array(scores, dtype=float))


def test_the_worked_probabilities_and_score():
    sides = NestedSides(side("churn", 0.0, -0.02), side("expand", -1.0, 0.01), 0.6)
    c, e = sigmoid(-1.0), sigmoid(-0.5)  # at score 50
    given = inputs(50.0)
    assert sides.proba(given)[0] == pytest.approx([c, (1 - c) * (1 - e), (1 - c) * e])
    assert sides.score(given)[0] == pytest.approx(100 * (0.6 * (1 - c) * (1 - e) + (1 - c) * e))
    names, values, baseline = sides.explain(given)
    assert names == ("documented_score",)
    assert baseline + values[0, 0] == pytest.approx(sides.score(given)[0])


def test_document_d_s_bands_lie_inside_their_own_edges():
    """The printed rates 71/24/5, 38/54/8, 11/79/10, 3/51/46, 0/12/88 are worth 19.4, 40.4, 57.4, 76.6, 95.2."""
    printed = np.array([[71, 24, 5], [38, 54, 8], [11, 79, 10], [3, 51, 46], [0, 12, 88]]) / 100
    assert 100 * printed @ [0, 0.6, 1] == pytest.approx([19.4, 40.4, 57.4, 76.6, 95.2])


def test_two_outcomes_have_one_side():
    sides = NestedSides(side("churn", 0.0, -0.02), None, 0.6)
    assert sides.proba(inputs(0.0))[0].tolist() == [0.5, 0.5]
    assert sides.score(inputs(0.0))[0] == 50
