import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.errors import MissingColumns
from powerml.programme.archetypes import ARCHETYPES, archetype_reference, archetypes

METRICS = [metric for metrics in ARCHETYPES.values() for metric in metrics]


def people(**columns):
    """Rows named by their index; metrics that are not given are 0."""
    n = len(next(iter(columns.values())))
    return pd.DataFrame({metric: columns.get(metric, [0.0] * n) for metric in METRICS}, dtype=float).assign(active=True)


def test_the_largest_score_names_the_archetype():
    """Ranks 0, 50, 100 of three people; the second's mean for Advocate is (50 + 50 + 0) / 3 = 33."""
    frame = people(
        beta_features_30d=[0, 0, 3],
        new_categories_30d=[0, 0, 2],
        feature_requests_90d=[0, 0, 1],
        referrals=[0, 1, 2],
        teammates_invited=[0, 1, 2],
    )
    table = archetypes(frame, power_user=[True] * 3)
    assert table["Advocate"].round(2).tolist() == [0, 33.33, 66.67]
    assert table["Innovator"].tolist() == [0, 0, 100]
    assert table["archetype"].tolist() == ["none", "none", "Innovator"]


def test_who_is_no_power_user_has_no_archetype():
    table = archetypes(people(referrals=[1, 2]), power_user=[False, True])
    assert table["archetype"].isna().tolist() == [True, False]


def test_a_value_of_nought_has_no_rank():
    """All equal at 0 would rank 50; a rank counts only above 0."""
    assert archetypes(people(referrals=[0, 0, 0]), power_user=[True] * 3)["Advocate"].tolist() == [0, 0, 0]


def test_exactly_half_is_enough():
    frame = people(referrals=[1, 2, 3], teammates_invited=[1, 2, 3], shared_assets=[1, 2, 3])
    table = archetypes(frame, power_user=[True] * 3)
    assert table["Advocate"].tolist() == [0, 50, 100]
    assert table["archetype"].tolist() == ["none", "Advocate", "Advocate"]


def test_a_metric_that_is_not_available_is_left_out_of_the_mean():
    frame = people(referrals=[1, 2], teammates_invited=[1, 2], shared_assets=[np.nan, np.nan])
    assert archetypes(frame, power_user=[True, True])["Advocate"].tolist() == [0, 100]


def test_inactive_entities_are_not_in_the_reference():
    frame = people(referrals=[1, 2, 9]).assign(active=[True, True, False])
    assert archetype_reference(frame)["referrals"].n == 2


def test_a_missing_metric_is_named():
    with pytest.raises(MissingColumns, match="the archetypes needs column 'referrals'"):
        archetypes(people(referrals=[1]).drop(columns="referrals"), power_user=[True])


@given(st.lists(st.lists(st.integers(0, 4), min_size=9, max_size=9), min_size=1, max_size=12), st.data())
def test_one_row_scores_as_in_a_batch(rows, data):
    frame = pd.DataFrame(rows, columns=METRICS, dtype=float).assign(active=True)
    reference = archetype_reference(frame)
    whole = archetypes(frame, power_user=np.ones(len(frame)), reference=reference)
    assert whole[list(ARCHETYPES)].to_numpy().min() >= 0
    assert whole[list(ARCHETYPES)].to_numpy().max() <= 100
    i = data.draw(st.integers(0, len(frame) - 1))
    alone = archetypes(frame.iloc[[i]], power_user=[True], reference=reference)
    pd.testing.assert_frame_equal(alone, whole.iloc[[i]])
