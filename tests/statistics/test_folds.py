"""Account-grouped folds and clustered means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.statistics.folds import account_folds, clustered_mean, group_codes


@given(
    accounts=st.lists(st.integers(0, 12), min_size=6, max_size=80), n_folds=st.integers(2, 6), seed=st.integers(0, 9)
)
def test_every_row_is_tested_once_and_no_account_is_on_both_sides(accounts, n_folds, seed):
    accounts = np.array(accounts)
    y = (accounts % 3 == 0).astype(float)
    folds = account_folds(y, accounts, n_folds=n_folds, seed=seed)
    tested = np.concatenate([test for _, test in folds]) if folds else np.array([])
    if len(np.unique(accounts)) > 1:
        assert sorted(tested.tolist()) == list(range(len(accounts)))
    for train, test in folds:
        assert not set(accounts[train]) & set(accounts[test])
        assert len(train) + len(test) == len(accounts)


def test_events_are_spread_evenly_over_the_folds():
    accounts = np.arange(200)
    y = (accounts < 20).astype(float)
    assert [int(y[test].sum()) for _, test in account_folds(y, accounts, n_folds=5)] == [4] * 5


def test_folds_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    accounts = np.array([f"a{i}" for i in rng.integers(0, 30, 100)])
    y = np.array([hash_of % 4 == 0 for hash_of in map(len, accounts)], dtype=float)
    order = rng.permutation(100)
    plain = [set(accounts[test]) for _, test in account_folds(y, accounts)]
    mixed = [set(accounts[order][test]) for _, test in account_folds(y[order], accounts[order])]
    assert plain == mixed


def test_few_accounts_with_an_event_make_few_folds():
    y = np.r_[np.ones(3), np.zeros(50)]
    assert len(account_folds(y, n_folds=5)) == 3


def test_rows_without_accounts_stand_alone_and_names_are_numbered_in_order():
    assert group_codes(None, 3).tolist() == [0, 1, 2]
    assert group_codes(["b", "a", "b"], 3).tolist() == [1, 0, 1]


def test_a_clustered_standard_error_grows_with_repeated_rows():
    """Five copies of every account say nothing new: the error stays that of the accounts."""
    values = np.random.default_rng(0).standard_normal(400)
    alone = clustered_mean(values, np.arange(400))
    copied = clustered_mean(np.repeat(values, 5), np.repeat(np.arange(400), 5))
    assert copied == pytest.approx(alone)
    assert alone[1] == pytest.approx(values.std(ddof=1) / 20)
    assert clustered_mean(np.array([1.0, 2.0]), np.array([0, 0]))[1] == np.inf
