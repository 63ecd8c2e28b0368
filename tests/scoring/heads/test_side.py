"""A side: its logits, reasons and line agree, whatever its calibrator, and it can be written and moved."""

import json

import numpy as np
import pandas as pd
import pytest

from powerml.calibration.head import HeadCalibrator
from powerml.errors import UsageError
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.side import HeadInputs, Side
from powerml.scoring.heads.structure import average_reasons
from powerml.scoring.load import load_weights


def inputs(n=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
    return HeadInputs(frame.to_numpy(), ("a", "b"), frame)


def side(method="identity", head=None, seed=0):
    given = inputs(seed=seed)
    rng = np.random.default_rng(seed)
    y = (rng.random(400) < 1 / (1 + np.exp(-given.matrix[:, 0]))).astype(float)
    head = (head or LogisticHead()).fit(given.matrix, y)
    calibrator = HeadCalibrator(method).fit(0.5 * head.decision_function(given.matrix) - 0.2, y)
    return Side("churn", head, calibrator, float(y.mean()), int(y.sum()), 400), given, y


@pytest.mark.parametrize("method", ["identity", "platt", "beta", "isotonic"])
def test_reasons_run_from_the_start_to_the_calibrated_logit(method):
    made, given, _ = side(method)
    told = made.explain(given)
    assert told.names == ("a", "b")
    assert told.ends == pytest.approx(made.logits(given))
    assert told.start + told.values.sum(axis=1) == pytest.approx(told.ends, abs=1e-9)


def test_written_and_read_it_says_the_same():
    made, given, _ = side("beta")
    again = Side.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.logits(given) == pytest.approx(made.logits(given), abs=1e-12)
    assert (again.outcome, again.base_rate, again.events, again.rows) == ("churn", made.base_rate, made.events, 400)


def test_a_card_s_line_goes_through_its_calibrator_and_its_moves():
    made, given, y = side("platt", CardHead())
    moved = made.recalibrate(given, 1 - y)
    assert moved.by != 0
    link = made.link()
    points = made.head.points(given.matrix).sum(axis=1)
    assert link.curve == ()
    assert link.line.at(points) == pytest.approx(made.logits(given))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_card_s_curve_goes_through_its_calibrator_and_its_moves(sign):
    made, given, y = side("isotonic", CardHead(sign=sign))
    assert made.recalibrate(given, 1 - y).by != 0
    link = made.link()
    at, logits = np.array(link.curve).T
    points = made.head.points(given.matrix).sum(axis=1)
    assert np.interp(link.line.at(points), at, logits) == pytest.approx(made.logits(given))


def test_what_is_no_table_says_so():
    with pytest.raises(UsageError, match="churn: head logistic has no points, so no card file can hold it"):
        side()[0].link()
    with pytest.raises(UsageError, match="churn: calibration beta is no table"):
        side("beta", CardHead())[0].link()


def test_some_rows_keep_their_own_prior_and_frame():
    given = inputs(6)
    whole = HeadInputs(given.matrix, given.names, given.frame, np.arange(6.0))
    some = whole.only(np.array([4, 1]))
    assert some.prior.tolist() == [4, 1]
    assert some.matrix.tolist() == given.matrix[[4, 1]].tolist()
    assert some.frame.index.tolist() == [4, 1]


def test_average_reasons_are_the_mean_contributions():
    scorer = load_weights("activity")
    frame = pd.DataFrame({m: [0.0, 4.0] for m in scorer.metrics_})
    average = average_reasons(scorer, frame)
    assert sum(average.values()) == pytest.approx(scorer.contributions(frame).values.sum(axis=1).mean())
