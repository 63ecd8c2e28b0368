from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.statistics.splits import Fold, SnapshotSplit

days = st.dates(date(2015, 1, 1), date(2026, 12, 31))


@settings(deadline=None)
@given(
    st.lists(days, min_size=1, max_size=60),
    st.integers(1, 400),
    st.integers(0, 90),
    st.integers(1, 12),
)
def test_no_training_label_window_reaches_a_test_snapshot(cutoffs, horizon, grace, months):
    split = SnapshotSplit(horizon, grace, test_months=months)
    folds = split.folds(cutoffs)
    for fold in [*folds, *(inner for outer in folds for inner in split.inner(outer.train))]:
        assert fold.train
        assert fold.test
        for as_of in fold.train:
            assert as_of + pd.Timedelta(days=horizon + grace) <= min(fold.test)
    assert len(folds) <= months
    tests = [as_of for fold in folds for as_of in fold.test]
    assert len(set(tests)) == len(tests)
    assert set(tests) <= set(pd.to_datetime(pd.Series(cutoffs)))


@settings(deadline=None)
@given(st.lists(days, min_size=1, max_size=40), st.integers(1, 200))
def test_every_cutoff_that_the_gap_allows_is_trained_on(cutoffs, horizon):
    for fold in SnapshotSplit(horizon).folds(cutoffs):
        allowed = {c for c in pd.to_datetime(pd.Series(cutoffs)) if c + pd.Timedelta(days=horizon) <= min(fold.test)}
        assert set(fold.train) == allowed


def test_a_year_of_months():
    months = pd.date_range("2025-01-01", "2025-12-01", freq="MS")
    folds = SnapshotSplit(90, 30).folds(months)
    assert [f.test for f in folds] == [(months[9],), (months[10],), (months[11],)]
    # 2025-10-01 less 120 days is 2025-06-03: the cutoffs of January to June may train
    assert folds[0].train == tuple(months[:6])
    assert folds[2].train == tuple(months[:8])  # 2025-12-01 less 120 days is 2025-08-03


def test_weeks_of_a_month_are_one_fold_and_the_gap_is_to_its_first():
    weeks = pd.date_range("2025-01-06", "2025-06-30", freq="7D")
    last = SnapshotSplit(30, 0, test_months=1).folds(weeks)[0]
    assert [str(t.date()) for t in last.test] == ["2025-06-02", "2025-06-09", "2025-06-16", "2025-06-23", "2025-06-30"]
    assert str(last.train[-1].date()) == "2025-04-28"  # + 30 days = 2025-05-28; the next would reach 2025-06-04


def test_short_history_has_fewer_tests_or_none():
    assert SnapshotSplit(90).folds(["2025-01-01"]) == []
    assert SnapshotSplit(90).folds(["2025-01-01", "2025-02-01", "2025-03-01"]) == []
    only = SnapshotSplit(90).folds(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"])
    assert only == [Fold((pd.Timestamp("2025-01-01"),), (pd.Timestamp("2025-04-01"),))]


def test_inner_folds_need_three_months():
    split = SnapshotSplit(90)
    quarters = pd.date_range("2023-01-01", periods=4, freq="QS")
    assert [len(f.train) for f in split.inner(tuple(quarters))] == [1, 2, 3]
    assert split.inner(tuple(quarters[:3])) == []
    assert split.inner(()) == []


def test_a_fifth_of_accounts_is_never_trained_on():
    accounts = np.repeat([f"account {i}" for i in range(4000)], 2)
    split = SnapshotSplit(seed=7)
    out = split.held_out(accounts)
    assert abs(out.mean() - 0.2) < 0.02
    assert (out[::2] == out[1::2]).all()
    assert (split.held_out(accounts[:100]) == out[:100]).all()  # whoever else is there
    assert (SnapshotSplit(seed=8).held_out(accounts) != out).any()

    frame = pd.DataFrame({"as_of": pd.to_datetime(np.tile(["2025-01-01", "2025-06-01"], 4000))})
    ((train, test),) = split.rows(frame, accounts)
    assert not out[train].any()
    assert set(test) == set(range(1, 8000, 2))
