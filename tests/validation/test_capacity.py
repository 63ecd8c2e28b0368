import numpy as np
import pytest
from scipy.stats import binom

from powerml.validation.capacity import capacity, caught


def test_by_hand():
    found = capacity([0.5, 0.4, 0.1, 0.1, 0.1, 0.0], 3).set_index("list")
    # the third place is one of three accounts with 0.1
    assert found["n"].to_dict() == {"before ties": 2, "as asked": 3, "with ties": 5}
    assert found["expected"].to_dict() == pytest.approx({"before ties": 0.9, "as asked": 1.0, "with ties": 1.2})
    assert found.loc["as asked", "cut"] == 0.1
    assert found.loc["before ties", "cut"] == 0.4
    assert found.loc["as asked", "share_caught"] == pytest.approx(1 / 1.2)
    assert found.loc["as asked", "lift"] == pytest.approx((1 / 3) / 0.2)


def test_the_interval_is_that_of_the_sum():
    found = capacity(np.full(50, 0.3), 50).set_index("list").loc["as asked"]
    assert (found["low"], found["high"]) == (binom.ppf(0.025, 50, 0.3), binom.ppf(0.975, 50, 0.3))


def test_sorted_by_a_score():
    found = capacity([0.1, 0.9, 0.5], 1, score=[3.0, 2.0, 1.0]).set_index("list").loc["as asked"]
    assert found["expected"] == pytest.approx(0.1)
    assert found["cut"] == 3.0


def test_more_than_there_are_and_none():
    assert capacity([0.2, 0.3], 10).set_index("list").loc["as asked", "n"] == 2
    none = capacity([0.2, 0.3], 0).set_index("list").loc["as asked"]
    assert (none["n"], none["expected"], none["low"], none["high"]) == (0, 0.0, 0, 0)


def test_as_asked_never_expects_more_than_are_called():
    table = capacity([0.9] * 3 + [0.8] * 150, 10).set_index("list")
    assert table.loc["as asked", "high"] <= 10
    assert table.loc["as asked", "expected"] == pytest.approx(3 * 0.9 + 7 * 0.8)
    assert table.loc["with ties", "n"] == 153
    assert table.loc["before ties", "n"] == 3


def test_caught_counts_accounts_at_each_cutoff():
    times = ["2026-01-01"] * 4 + ["2026-02-01"] * 3
    accounts = ["a", "a", "b", "c", "a", "b", "c"]
    p = [0.9, 0.5, 0.6, 0.1, 0.2, 0.3, 0.1]
    came = [False, True, False, True, True, False, False]
    assert caught(p, came, times, accounts, 1) == [1, 0]
    assert caught(p, came, times, accounts, 2) == [1, 1]
