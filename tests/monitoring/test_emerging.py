"""Who does twice what others of the same age did."""

import numpy as np
import pandas as pd
import pytest

from powerml.errors import UsageError
from powerml.monitoring.emerging import emerging_users

MARCH, APRIL = pd.Timestamp("2026-03-02"), pd.Timestamp("2026-04-01")


def snapshot(as_of, **columns):
    """One row per name; the key of each column is the metric."""
    return pd.DataFrame({"as_of": as_of, **columns})


def test_twice_the_median_of_the_same_age_emerges():
    """At 10 days the median of 4, 6, 8, 16 is 7: only 16 is at least 14. At 11 days Eve is alone."""
    frame = snapshot(
        APRIL,
        user_id=["ada", "bob", "cyd", "dan", "eve", "old"],
        account_age_days=[10.0, 10.2, 10.9, 10.5, 11.0, 30.0],
        events_30d=[4.0, 6.0, 8.0, 16.0, 99.0, 500.0],
    )
    table = emerging_users(frame).set_index(frame["user_id"][:5])
    assert table["emerging"].tolist() == [False, False, False, True, False]
    assert table["median"].tolist() == [7, 7, 7, 7, 99]
    assert table["peers"].tolist() == [4, 4, 4, 4, 1]


def test_exactly_twice_is_enough_and_nothing_is_not():
    frame = snapshot(APRIL, user_id=list("abc"), account_age_days=[3.0] * 3, events_30d=[2.0, 2.0, 4.0])
    assert emerging_users(frame)["emerging"].tolist() == [False, False, True]
    idle = snapshot(APRIL, user_id=list("ab"), account_age_days=[3.0] * 2, events_30d=[0.0, 0.0])
    assert not emerging_users(idle)["emerging"].any()


def test_medians_may_come_from_other_snapshots():
    reference = snapshot(MARCH, user_id=list("xyz"), account_age_days=[5.0] * 3, events_30d=[10.0, 10.0, 10.0])
    frame = snapshot(APRIL, user_id=["ada", "bob"], account_age_days=[5.5, 6.5], events_30d=[20.0, 20.0])
    table = emerging_users(frame, reference=reference)
    assert table["emerging"].tolist() == [True, False]
    assert np.isnan(table["median"].iloc[1])


def test_events_so_far_are_known_for_thirty_days_only():
    with pytest.raises(UsageError, match="within_days is 45"):
        emerging_users(snapshot(APRIL, user_id=["ada"], account_age_days=[1.0], events_30d=[1.0]), within_days=45)
