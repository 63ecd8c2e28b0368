import numpy as np
import pytest
from scipy.stats import binomtest, t

from powerml.statistics.intervals import effective_n, mean_by_account, wilson, wilson_by_account


def test_the_documents_bands():
    """71 % of 1847 and 3 % of 2820, as the modelling report derives them: [68.9, 73.0] and [2.4, 3.7] %."""
    low, high = wilson([0.71 * 1847, 0.03 * 2820, 0, 15, 0], [1847, 2820, 700, 30, 30])
    assert low == pytest.approx([0.689, 0.024, 0, 0.33, 0], abs=2e-3)
    assert high == pytest.approx([0.730, 0.037, 0.0055, 0.67, 0.114], abs=2e-3)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 17), (100, 100), (17, 4000)])
def test_scipy_agrees(k, n):
    theirs = binomtest(k, n).proportion_ci(0.9, method="wilson")
    low, high = wilson(k, n, 0.9)
    assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_no_rows_no_interval():
    low, high = wilson([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert not np.isnan([low[1], high[1]]).any()
    assert np.isnan(wilson_by_account([])).all()


def test_copies_of_a_row_are_worth_one_row():
    y = np.repeat([0, 1, 0, 0, 1, 0, 0, 0, 0, 0] * 20, 6)  # 200 accounts, each six times the same
    accounts = np.repeat(np.arange(200), 6)
    # design effect = 6 x 200/199; t(199)/z shrinks a little more: 200 x 199/200 x (1.96 / 1.972)^2
    assert effective_n(y, accounts) == pytest.approx(199 * (1.95996 / 1.97196) ** 2, rel=1e-4)


def test_independent_rows_keep_nearly_all_their_worth():
    rng = np.random.default_rng(1)
    worth = [effective_n(rng.random(3000) < 0.2, np.repeat(np.arange(600), 5)) for _ in range(20)]
    assert 2700 < np.median(worth) <= 3000


def test_the_row_order_does_not_matter():
    rng = np.random.default_rng(3)
    y, accounts = rng.random(60) < 0.3, rng.integers(0, 9, 60)
    turn = rng.permutation(60)
    assert effective_n(y, accounts) == pytest.approx(effective_n(y[turn], accounts[turn]))


def test_a_mean_by_account_is_students():
    """Without repeats it is the t interval of the mean; rows of an account that repeat one another add nothing."""
    y = np.random.default_rng(0).choice([0.0, 60.0, 100.0], 12)
    half = t.ppf(0.995, 11) * y.std(ddof=1) / np.sqrt(12)
    assert mean_by_account(y, within=(0, 100), level=0.99) == pytest.approx(
        (y.mean(), y.mean() - half, y.mean() + half)
    )
    again = mean_by_account(np.repeat(y, 5), np.repeat(np.arange(12), 5), within=(0, 100), level=0.99)
    assert again == pytest.approx((y.mean(), y.mean() - half, y.mean() + half))


def test_what_does_not_vary_is_not_certain():
    """Forty rows of two accounts that all stay: the others may do anything; of 400 accounts nearly none."""
    few = mean_by_account([60.0] * 40, [0, 1] * 20, within=(0, 100), level=0.99)
    low, high = wilson(0, 2, 0.99)
    assert few == pytest.approx((60, 60 - 60 * high, 60 + 40 * high))
    assert low == 0
    many = mean_by_account([60.0] * 400, np.arange(400), within=(0, 100), level=0.99)
    assert 59 - 0.1 < many[1] < 60 < many[2] < 61
    assert mean_by_account([0.0, 60.0], ["a", "a"], within=(0, 100)) == (30, 0, 100)
    assert np.isnan(mean_by_account([], within=(0, 100))).all()
