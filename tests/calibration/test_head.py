"""The head calibrator: what it keeps, what it corrects, and that it never turns the order round."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from powerml.calibration.head import HeadCalibrator
from powerml.statistics.logistic import log_losses, logit, sigmoid


def planted(n, *, slope=1.0, intercept=0.0, base=-2.0, seed=0):
    """Raw logits whose true logit is `intercept + slope * raw`, with outcomes drawn from it."""
    rng = np.random.default_rng(seed)
    raw = base + 1.5 * rng.standard_normal(n)
    return raw, (rng.random(n) < sigmoid(intercept + slope * raw)).astype(float)


def test_it_clones_and_says_when_it_is_not_fitted():
    """Scikit-learn's check suite refuses estimators of one column; its two rules that matter here are these."""
    assert clone(HeadCalibrator("beta", n_folds=3)).get_params() == {"method": "beta", "n_folds": 3, "seed": 0}
    with pytest.raises(NotFittedError):
        HeadCalibrator().transform([0.0])


def test_a_calibrated_head_is_left_alone():
    raw, y = planted(4000)
    calibrator = HeadCalibrator().fit(raw, y)
    assert calibrator.map_.kind == "identity"
    assert [c.method for c in calibrator.candidates_] == ["identity", "platt", "beta"]


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0.0), (1.0, 1.0), (1.8, -0.7)])
def test_planted_miscalibration_is_recovered(slope, intercept):
    raw, y = planted(8000, slope=slope, intercept=intercept)
    calibrator = HeadCalibrator("platt").fit(raw, y)
    assert calibrator.map_.slope == pytest.approx(slope, abs=0.12)
    assert calibrator.map_.intercept == pytest.approx(intercept, abs=0.2)
    assert HeadCalibrator().fit(raw, y).map_.kind != "identity"
    fresh, outcome = planted(20000, slope=slope, intercept=intercept, seed=1)
    chosen = HeadCalibrator().fit(raw, y).transform(fresh)
    true = log_losses(outcome, intercept + slope * fresh).mean()
    assert log_losses(outcome, chosen).mean() - true < 0.2 * (log_losses(outcome, fresh).mean() - true)


def test_what_must_be_a_table_is_no_beta():
    rng = np.random.default_rng(3)
    raw = rng.uniform(-4, 4, 20000)
    y = (rng.random(len(raw)) < np.where(raw < 0, 0.03, 0.4)).astype(float)
    calibrator = HeadCalibrator("table").fit(raw, y)
    assert [c.method for c in calibrator.candidates_] == ["identity", "platt", "isotonic"]
    assert calibrator.map_.kind == "isotonic"


def test_a_bend_that_no_line_follows_is_met_by_isotonic():
    rng = np.random.default_rng(3)
    raw = rng.uniform(-4, 4, 20000)
    true = np.where(raw < 0, 0.03, 0.4)
    y = (rng.random(len(raw)) < true).astype(float)
    calibrator = HeadCalibrator().fit(raw, y)
    assert calibrator.map_.kind == "isotonic"
    away = np.abs(raw) > 1  # in between a line joins the two levels
    assert np.abs(calibrator.predict_proba(raw) - true)[away].mean() < 0.01


def test_a_map_must_gain_so_many_standard_errors(monkeypatch):
    raw, y = planted(4000, slope=0.7, base=-1.0)
    best = min(HeadCalibrator().fit(raw, y).candidates_, key=lambda c: c.log_loss)
    reached = best.gain / best.gain_se
    assert reached > 1
    monkeypatch.setattr("powerml.calibration.head.SURE", reached - 0.01)
    assert HeadCalibrator().fit(raw, y).map_.kind == best.method != "identity"
    monkeypatch.setattr("powerml.calibration.head.SURE", reached + 0.01)
    assert HeadCalibrator().fit(raw, y).map_.kind == "identity"


def test_too_few_events_keep_the_identity():
    raw, y = planted(600, slope=2, base=-3.5)
    assert y.sum() < 50
    assert HeadCalibrator().fit(raw, y).map_.kind == "identity"


def test_rows_of_one_account_count_once_in_the_standard_error():
    raw, y = planted(120, slope=0.45, base=0.0, seed=4)
    rows = np.repeat(np.arange(120), 30)
    alone = HeadCalibrator().fit(raw[rows], y[rows])
    together = HeadCalibrator().fit(raw[rows], y[rows], groups=rows)
    spread = {c.method: c.gain_se for c in together.candidates_}
    assert spread["platt"] > 3 * {c.method: c.gain_se for c in alone.candidates_}["platt"]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["identity", "platt", "beta", "isotonic"]),
    st.integers(0, 10_000),
    st.floats(-3, 3),
    st.lists(st.floats(-40, 40), min_size=2, max_size=20),
)
def test_no_map_turns_the_order_round_and_all_survive_writing(method, seed, slope, values):
    raw, y = planted(150, slope=slope, seed=seed)
    calibrator = HeadCalibrator(method).fit(raw, y)
    mapped = calibrator.transform(np.sort(values))
    assert (np.diff(mapped) >= -1e-12).all()
    assert np.isfinite(mapped).all()
    again = HeadCalibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert (again.transform(np.sort(values)) == mapped).all()


def test_recalibration_moves_the_intercept_and_alarms():
    raw, y = planted(4000)
    calibrator = HeadCalibrator().fit(raw, y)
    newer, later = planted(20000, intercept=0.8, seed=5)
    shift = calibrator.recalibrate(newer, later)
    assert shift.by == pytest.approx(0.8, abs=0.06)
    assert shift.low < 0.8 < shift.high
    assert shift.alarm
    assert calibrator.predict_proba(newer).mean() == pytest.approx(later.mean(), abs=1e-3)


def test_words():
    with pytest.raises(ValueError, match="use auto, table, identity, platt, beta or isotonic"):
        HeadCalibrator("sigmoid").fit([0.0, 1.0], [0, 1])
    with pytest.raises(ValueError, match="NaN or infinity"):
        HeadCalibrator().fit([0.0, np.nan], [0, 1])
    with pytest.raises(ValueError, match="2 and 3; give one outcome per row"):
        HeadCalibrator().fit([0.0, 1.0], [0, 1, 1])


def test_logit_and_sigmoid_undo_each_other():
    p = np.array([1e-9, 0.01, 0.5, 0.99])
    assert sigmoid(logit(p)) == pytest.approx(p, rel=1e-9)
    assert logit([0.0, 1.0]).tolist() == [-30, 30]
