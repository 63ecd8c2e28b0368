"""Row order and events."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.statistics.outcomes import count_events
from powerml.statistics.row_order import row_order, within


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(8)), st.booleans())
def test_rows_end_up_in_the_same_order(mixed, named):
    frame = pd.DataFrame({"seats": [1.0, 1, 2, np.nan, 3, 3, 3, 0], "plan": list("aabbaabb")})
    y = np.array(["stay", "churn"] * 4)
    times = pd.to_datetime(["2026-01-01", "2026-02-01"] * 4)
    ids = np.array(list("ccddccdd"))

    def order(rows):
        rows = list(rows)
        keys = {"times": times[rows], "ids": ids[rows]} if named else {"times": None, "ids": None}
        first = row_order(frame.iloc[rows], y[rows], **keys)
        return frame.iloc[rows].iloc[first].reset_index(drop=True), y[rows][first]

    expected, outcomes = order(range(8))
    got, again = order(mixed)
    pd.testing.assert_frame_equal(got, expected)
    assert (again == outcomes).all()


def test_time_comes_before_id():
    order = row_order(
        pd.DataFrame({"x": [0.0, 0.0, 0.0]}),
        np.array(["stay"] * 3),
        times=["2026-02-01", "2026-01-01", "2026-01-01"],
        ids=["a", "c", "b"],
    )
    assert order.tolist() == [2, 1, 0]


def test_folds_keep_some_of_their_rows():
    folds = [(np.array([0, 1]), np.array([2]))]
    assert [part.tolist() for part in within(folds, np.array([0, 2]), 3)[0]] == [[0], [1]]


def test_events():
    happened = np.array([True, True, True, False])
    accounts = ["acme", "acme", "lilt", "lilt"]
    assert count_events(happened, None, None) == 3
    assert count_events(happened, accounts, None) == 2
    assert count_events(happened, accounts, ["may", "june", "june", None]) == 3
