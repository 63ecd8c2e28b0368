import pytest
from scipy.stats import norm

from powerml.statistics.significance import holm, two_sided, upper_tail


def test_scipy_agrees():
    for z in (-3.0, 0.0, 1.96, 4.9, 5.1, 9.0):
        assert upper_tail(z) == pytest.approx(norm.sf(z), rel=1e-6)
        assert two_sided(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-6)


def test_holm_by_hand():
    # in order .005 x 4 = .02, .01 x 3 = .03, .03 x 2 = .06, .04 x 1 raised to .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(holm([0.9, 0.8])) == [1.0, 1.0]
    assert len(holm([])) == 0
