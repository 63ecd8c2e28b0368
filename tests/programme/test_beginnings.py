"""First value within 7 and 14 days, and the phases to day 30, 90 and beyond."""

import numpy as np
import pandas as pd
import pytest

from powerml.errors import MissingColumns
from powerml.programme.beginnings import activation, phases

AS_OF = pd.Timestamp("2026-04-01")


def test_who_began_too_lately_to_tell_is_not_counted():
    """Of three of whom 7 days are over two did it in time (days 0 and 6, not 7); Dan began five days ago."""
    rows = pd.DataFrame({
        "created": pd.to_datetime(["2026-02-10", "2026-03-01", "2026-03-02", "2026-03-27"]),
        "days": [0.0, 6.0, 7.0, 0.0],
    })  # fmt: skip
    table = activation(rows, AS_OF)
    week = table[(table["began"] == "all") & (table["within_days"] == 7)].iloc[0]
    assert (week["n"], week["activated"]) == (3, 2)
    assert week["low"] < 2 / 3 < week["high"]
    fortnight = table[(table["began"] == "2026-03") & (table["within_days"] == 14)].iloc[0]
    assert (fortnight["n"], fortnight["share"]) == (2, 1.0)


def test_a_first_action_that_never_came_is_none():
    rows = pd.DataFrame({"created": pd.to_datetime(["2026-01-01"] * 2), "days": [np.nan, 1.0]})
    assert activation(rows, AS_OF)["share"].unique().tolist() == [0.5]


def test_phases_end_at_30_and_90_days():
    frame = pd.DataFrame({
        "account_age_days": [0, 29.9, 30, 89, 90, 400, np.nan],
        "power_user": [False, True, False, False, True, True, True],
        "label": ["stay", "churn", "stay", "immature", "expand", "stay", "churn"],
        "user_id": list("abcdefg"),
    })  # fmt: skip
    table = phases(frame)
    assert table["n"].tolist() == [2, 2, 2]
    assert table["power_users"].tolist() == [1, 0, 2]
    assert table["n_labelled"].tolist() == [2, 1, 2]
    assert table["rate_churn"].tolist() == [0.5, 0.0, 0.0]
    assert "rate_churn" not in phases(frame.drop(columns="label"))


def test_phases_need_ages():
    with pytest.raises(MissingColumns, match="account_age_days"):
        phases(pd.DataFrame({"power_user": [True]}))
