"""Which metrics an outcome tells from noise: by hand, by account, and by being missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.screening.noise import TOLD_AT, difference_t, signal_t


def test_the_t_of_a_difference_by_hand():
    # with: 4, 8 (mean 6); without: 0, 2 (mean 1). Pulls: -1, 1 and .5, -.5, squared 2.5, times 4/3 for four accounts
    x = np.array([[0.0], [2.0], [4.0], [8.0]])
    t = difference_t(x, np.array([False, False, True, True]), np.arange(4))
    assert t == pytest.approx([5 / np.sqrt(2.5 * 4 / 3)])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20))
def test_rows_of_one_account_count_together(seed, repeats):
    """Each account's row repeated says no more than once, but for the number of accounts."""
    rng = np.random.default_rng(seed)
    x, positive = rng.standard_normal((40, 3)), np.arange(40) % 3 == 0
    once = difference_t(x, positive, np.arange(40))
    rows = np.repeat(np.arange(40), repeats)
    assert difference_t(x[rows], positive[rows], rows) == pytest.approx(once)
    order = rng.permutation(len(rows))
    assert difference_t(x[rows][order], positive[rows][order], rows[order]) == pytest.approx(once)


def test_noise_passes_about_once_in_twenty():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(2000) < 0.2, "churn", "stay")
    t = signal_t(rng.standard_normal((2000, 400)), labels, ["churn"], np.arange(2000))
    assert 0.02 < (t > TOLD_AT).mean() < 0.08


def test_being_missing_is_a_signal_and_a_constant_is_none():
    rng = np.random.default_rng(1)
    left = rng.random(2000) < 0.3
    missing = np.where(rng.random(2000) < np.where(left, 0.6, 0.2), np.nan, rng.standard_normal(2000))
    x = np.column_stack([missing, np.full(2000, 7.0), np.full(2000, np.nan)])
    told = signal_t(x, np.where(left, "churn", "stay"), ["churn"], np.arange(2000))
    assert told[0] > 10
    assert told[1:].tolist() == [0, 0]


def test_a_metric_that_parts_the_outcomes_exactly_is_no_noise():
    """It varies within neither group, so it has no error of its own; with noise beside it its t is large."""
    left = np.arange(60) < 20
    flag, wobbly = left.astype(float), left + np.random.default_rng(3).normal(0, 0.05, 60)
    t = difference_t(np.column_stack([flag, wobbly]), left, np.arange(60))
    # about the common mean 1/3: 20 accounts pull by (2/3)/20 and 40 by (1/3)/40
    assert t[0] == pytest.approx(1 / np.sqrt((20 * (2 / 60) ** 2 + 40 * (1 / 120) ** 2) * 60 / 59))
    assert t.min() > TOLD_AT
    # two accounts, one of each kind: as many rows as there may be, no more than two accounts say it
    assert difference_t(flag[:, None], left, left.astype(int))[0] < TOLD_AT
    # the constant of an account is no proof either where there is one account
    assert difference_t(flag[:, None], left, np.zeros(60, dtype=int))[0] <= TOLD_AT


def test_any_outcome_will_do():
    rng = np.random.default_rng(2)
    labels = rng.choice(["churn", "stay", "expand"], 1500)
    x = np.column_stack([labels == "churn", labels == "expand"]) + rng.standard_normal((1500, 2))
    assert (signal_t(x, labels, ["churn", "expand"], np.arange(1500)) > 5).all()
    assert signal_t(x, labels, ["churn"], np.arange(1500))[1] < 20
