"""Moves of the intercept, and other mixes of outcomes."""

import numpy as np
import pytest

from powerml.calibration.shift import intercept_shift, reference_mix
from powerml.statistics.logistic import sigmoid


def test_a_shift_takes_the_rate_with_it_and_says_when_it_is_far():
    z = np.full(10_000, -2.0)
    far, near = (intercept_shift(z, np.arange(10_000) < 10_000 * rate) for rate in (0.3, 0.13))
    assert sigmoid(z + far.by).mean() == pytest.approx(0.3, abs=1e-3)
    assert far.alarm
    assert not near.alarm


def test_without_events_the_estimate_is_finite_and_wide():
    shift = intercept_shift(np.full(20, -2.0), np.zeros(20))
    assert np.isfinite(shift.by)
    assert shift.by < 0
    assert intercept_shift([], []).by == 0


def test_reference_mix_gives_the_reference_for_an_average_row():
    trained, reference = [0.037, 0.847, 0.116], [0.221, 0.585, 0.194]
    assert reference_mix(np.array([trained]), trained=trained, reference=reference)[0] == pytest.approx(reference)
