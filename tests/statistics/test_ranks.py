import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.statistics.ranks import Ranks, Reference, active_rows, percentiles, top_share

numbers = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=30)


@given(numbers)
def test_percentile_against_a_slow_reading_of_it(values):
    """(entities below + half of the other ties) / (n - 1); 100 when n = 1."""

    def slow(value):
        below = sum(v < value for v in values)
        ties = sum(v == value for v in values) - 1
        return 100.0 if len(values) == 1 else 100 * (below + ties / 2) / (len(values) - 1)

    np.testing.assert_allclose(Ranks.of(values).percentile(values), [slow(v) for v in values], atol=1e-12)


@given(numbers, st.sampled_from([0.05, 0.1, 0.15, 0.2, 0.5]))
def test_in_top_against_a_slow_reading_of_it(values, share):
    """Fewer than the share lie strictly above, and the value is above 0."""
    from fractions import Fraction

    exact = Fraction(str(share))
    slow = [sum(v > value for v in values) < exact * len(values) and value > 0 for value in values]
    ranks = Ranks.of(values)
    assert ranks.in_top(values, share).tolist() == slow
    inside = [v for v, top in zip(values, slow, strict=True) if top]
    assert ranks.top_edge(share) == (min(inside) if inside else None)


@given(numbers, st.lists(st.floats(-5, 20), min_size=2))
def test_a_higher_number_never_ranks_lower(reference, tried):
    ranked = Ranks.of(reference).percentile(sorted(tried))
    assert (np.diff(ranked) >= -1e-12).all()
    assert ((ranked >= 0) & (ranked <= 100)).all()


def test_inactive_rows_have_no_percentile():
    got = percentiles([10.0, 20.0, 30.0], np.array([True, False, True]))
    np.testing.assert_array_equal(got, [0, np.nan, 100])


def test_an_empty_reference_ranks_nothing():
    assert np.isnan(Ranks.of([]).percentile([1.0])).all()
    assert Ranks.of([]).top_edge(0.1) is None


def test_a_reference_is_the_same_after_json():
    made = Reference(Ranks.of([1, 1, 2]), {"a": Ranks.of([5.0, np.nan])})
    again = Reference.from_dict(made.to_dict())
    assert again.to_dict() == made.to_dict()
    assert again.metrics["a"].n == 1


def test_top_share_of_any_score_among_the_active():
    scores = [90.0, 80.0, 70.0, 60.0, 99.0]
    active = np.array([True, True, True, True, False])
    assert top_share(scores, active, 0.25).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"active": [True, False], "events_30d": [0, 9]}, [True, False]),
        ({"events_30d": [0, 1]}, [False, True]),
        ({"other": [0, 1]}, [True, True]),
    ],
)
def test_who_is_active(columns, expected):
    assert active_rows(pd.DataFrame(columns)).tolist() == expected
