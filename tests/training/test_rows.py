"""Labelled rows: whose they are, how many events they stand for, and whom ranks are taken among."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from powerml.training.rows import Rows


def rows(*told, horizon_days=90):
    """Rows of (account, month from January 2025, label)."""
    frame = pd.DataFrame(told, columns=["account_id", "month", "label"])
    frame["as_of"] = [pd.Timestamp("2025-01-01") + pd.DateOffset(months=month) for month in frame.pop("month")]
    return Rows(frame.assign(user_id=[f"u{i}" for i in range(len(frame))]), "user_id", horizon_days)


def test_windows_that_share_an_instant_can_share_an_event():
    one = rows(("a", 0, "churn"), ("a", 1, "churn"), ("a", 2, "churn"))
    assert one.events("churn") == 1  # all three windows hold the last days of March
    two = rows(("a", 0, "churn"), ("a", 1, "churn"), ("a", 4, "churn"))
    assert two.events("churn") == 2  # the third begins 120 days after the first


def test_a_chain_of_windows_is_not_one_event():
    """Each overlaps the next, but the first and the last have no instant in common."""
    chain = rows(*(("a", month, "churn") for month in range(7)))
    assert chain.instants.tolist() == [0, 0, 0, 1, 1, 1, 2]  # 31 Dec + 90 days = 1 April is outside the first
    assert chain.events("churn") == 3


def test_events_are_counted_by_account_and_outcome():
    mixed = rows(("a", 0, "churn"), ("b", 0, "churn"), ("b", 0, "churn"), ("b", 0, "expand"), ("c", 0, "stay"))
    assert (mixed.events("churn"), mixed.events("expand"), mixed.events("stay")) == (2, 1, 1)


def test_a_shorter_horizon_tells_more_events_apart():
    told = [("a", month, "churn") for month in range(4)]
    assert [rows(*told, horizon_days=days).events("churn") for days in (30, 90, 365)] == [
        3,
        2,
        1,
    ]  # February has 28 days


def test_the_order_of_rows_does_not_move_their_events():
    told = [("a", 0, "churn"), ("a", 5, "churn"), ("b", 1, "expand"), ("a", 1, "churn")]
    given = rows(*told)
    mixed = given.take(np.array([3, 2, 1, 0]))
    assert mixed.instants.tolist() == given.instants[[3, 2, 1, 0]].tolist()
    assert mixed.ids.tolist() == ["u3", "u2", "u1", "u0"]


def test_a_user_without_an_account_is_a_cluster_of_its_own():
    given = rows(("a", 0, "churn"), (None, 0, "stay"), (None, 0, "stay"))
    assert len(set(given.accounts)) == 3
    assert given.accounts[0] == "a"


def test_some_of_the_rows_keep_id_and_horizon():
    given = rows(("a", 0, "churn"), ("b", 0, "stay"), horizon_days=30)
    some = given.take(np.array([1]))
    assert (some.y.tolist(), some.horizon_days, some.id_column) == (["stay"], 30, "user_id")
    assert given.rates(("churn", "stay", "expand")) == {"churn": 0.5, "stay": 0.5, "expand": 0.0}
    assert sum(given.rates(("churn", "stay")).values()) == pytest.approx(1)
