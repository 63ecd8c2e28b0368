import numpy as np
import pandas as pd
import pytest

from powerml.errors import DataError, MissingColumns
from powerml.statistics.outcomes import Predictions, base_rates, distinct_events, outcomes_of

P = pd.DataFrame({"p_churn": [0.2, 0.5], "p_stay": [0.7, 0.3], "p_expand": [0.1, 0.2]})


def test_the_score_is_the_expected_value():
    # 100 (0.6 x 0.7 + 0.1) = 52; 100 (0.6 x 0.3 + 0.2) = 38
    assert Predictions.of(["stay", "churn"], P).score == pytest.approx([52, 38])
    two = pd.DataFrame({"p_churn": [0.2], "p_stay": [0.8]})
    assert Predictions.of(["stay"], two).score == pytest.approx([80])


def test_labels_that_are_no_outcome_are_named():
    with pytest.raises(DataError, match="'immature': no outcome"):
        outcomes_of(["churn", "immature"])
    with pytest.raises(DataError, match="'expand' is none of churn, stay"):
        Predictions.of(["expand", "stay"], P.drop(columns="p_expand").assign(p_stay=[0.8, 0.5]))


@pytest.mark.parametrize("bad", [0.3, np.nan])
def test_probabilities_must_sum_to_one(bad):
    with pytest.raises(DataError, match="sum to 1"):
        Predictions.of(["stay", "churn"], P.assign(p_stay=bad))
    with pytest.raises(MissingColumns, match="'p_churn'"):
        Predictions.of(["stay", "churn"], P.drop(columns="p_churn"))


def test_base_rates_in_both_forms():
    flat = base_rates({"churn": 1, "stay": 2, "expand": 1}, ("churn", "stay", "expand"), 2)
    assert flat == pytest.approx(np.array([[0.25, 0.5, 0.25]] * 2))
    rows = pd.DataFrame({"p_churn": [0.1, 0.2], "p_stay": [0.9, 0.8]})
    assert base_rates(rows, ("churn", "stay"), 2) == pytest.approx(np.array([[0.1, 0.9], [0.2, 0.8]]))
    with pytest.raises(MissingColumns, match="'expand'"):
        base_rates({"churn": 1, "stay": 2}, ("churn", "stay", "expand"), 2)


def test_events_are_pairs_of_account_and_instant():
    groups = ["a", "a", "a", "b", "b", "c"]
    times = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-01-01", "2026-01-01", "2026-01-01"])
    came = [True, True, True, True, True, False]
    # a: January to March see one event through overlapping windows; b: two users of one account; c: none
    assert distinct_events(came, groups, times) == 2
    # a horizon of 30 days ends before the next snapshot (31 days on; 28 days from February to March)
    assert distinct_events(came, groups, times, horizon_days=30) == 3
    instants = ["2026-03-20", "2026-03-20", "2026-05-02", "2026-02-02", "2026-02-03", None]
    assert distinct_events(came, groups, times, event_ids=instants) == 4
    assert distinct_events([False] * 6, groups, times) == 0
