import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from powerml.scoring.contributions import Contributions, by_group, change, shrink_to
from tests.scoring.sets import GOLDEN, scorer

finite = st.floats(-50, 50).map(lambda v: round(v, 3))


@given(arrays(float, (4, 5), elements=finite), arrays(float, 4, elements=st.floats(0, 100)))
def test_shrunk_parts_add_up_to_the_clipped_sum(parts, ceiling):
    target = np.clip(parts.sum(axis=1), 0, ceiling)
    shrunk = shrink_to(parts, target)
    np.testing.assert_allclose(shrunk.sum(axis=1), target, atol=1e-9)
    assert (np.sign(shrunk) * np.sign(parts) >= 0).all()  # nothing changes side
    assert (np.abs(shrunk) <= np.abs(parts) + 1e-9).all()  # and nothing grows


def test_the_change_of_the_mean_adds_up():
    made = scorer("engagement")
    before, after = made.contributions(GOLDEN.iloc[:200]), made.contributions(GOLDEN.iloc[200:])
    moved = change(before, after)
    assert moved["change"].sum() == pytest.approx(after.scores.mean() - before.scores.mean(), abs=1e-9)
    assert moved["change"].abs().is_monotonic_decreasing


def test_the_change_between_two_weight_sets_has_their_baselines():
    one = Contributions(pd.DataFrame({"a": [5.0]}), 10.0)
    two = Contributions(pd.DataFrame({"a": [7.0], "b": [1.0]}), 20.0)
    moved = change(one, two)
    assert moved["metric"].tolist() == ["baseline", "a", "b"]
    assert moved["change"].sum() == two.scores.item() - one.scores.item()


def test_a_group_of_rows_and_a_group_of_metrics():
    given_ = Contributions(pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 2.0], "c": [5.0, 0.0]}), 0.0)
    assert given_.of(np.array([False, True])).mean.tolist() == [3, 2, 0]
    grouped = by_group(given_, {"a": "use", "b": "use"})
    assert grouped.values.to_dict("list") == {"use": [3, 5], "c": [5, 0]}
    assert grouped.scores.tolist() == given_.scores.tolist()
