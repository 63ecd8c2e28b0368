"""Prior shifts, known and estimated."""

import numpy as np
import pytest

from powerml.calibration.shift import intercept_shift, prior_shift, reference_mix
from powerml.statistics.logistic import sigmoid


def test_a_known_shift_takes_the_rate_with_it():
    z = np.full(10, -2.0)
    shift = prior_shift(sigmoid(-2.0), 0.3)
    assert sigmoid(z + shift.by) == pytest.approx(0.3)
    assert shift.alarm


def test_without_events_the_estimate_is_finite_and_wide():
    shift = intercept_shift(np.full(20, -2.0), np.zeros(20))
    assert np.isfinite(shift.by)
    assert shift.by < 0
    assert intercept_shift([], []).by == 0


def test_reference_mix_gives_the_reference_for_an_average_row():
    trained, reference = [0.037, 0.847, 0.116], [0.221, 0.585, 0.194]
    assert reference_mix(np.array([trained]), trained=trained, reference=reference)[0] == pytest.approx(reference)
