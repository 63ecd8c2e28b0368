import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.claims import load_claims
from powerml.config.shipped import find
from powerml.errors import MissingColumns
from powerml.programme.concentration import (
    concentration,
    gini,
    lorenz,
    power_user_curve,
    share_of_top,
    share_of_top_interval,
)

amounts = st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(sum)


def test_the_power_user_curve_counts_users_by_active_days():
    curve = power_user_curve(pd.DataFrame({"active_days_30d": [1, 1, 5, 30, 0, np.nan]}))
    assert curve["days"].tolist() == list(range(1, 31))
    assert curve.set_index("days")["users"].loc[[1, 5, 30]].tolist() == [2, 1, 1]
    assert curve["share"].sum() == pytest.approx(1)


def test_the_curve_needs_its_metric():
    with pytest.raises(MissingColumns, match="the power-user curve needs column 'active_days_30d'"):
        power_user_curve(pd.DataFrame({"user_id": ["ada"]}))


def test_one_in_ten_makes_half():
    """Nine make 1 each, the tenth 9: half of 18. Between users the Lorenz curve is straight."""
    x = [1] * 9 + [9]
    assert share_of_top(x, [0.1, 0.05, 1.0]).tolist() == pytest.approx([0.5, 0.25, 1.0])
    assert gini(x) == pytest.approx(0.4)  # (2 (1 + .. + 9) - 11 x 9 + 9 x 9) / (10 x 18)


def test_the_claim_of_the_document_stands_beside_what_is_seen():
    claim = load_claims(find("claims", "power_user_signals")).concentration[0]
    table = concentration([1] * 9 + [9], claim=claim).set_index("top")
    assert table.loc[0.10, ["share", "expected_low", "expected_high"]].tolist() == pytest.approx([0.5, 0.5, 0.8])
    assert np.isnan(table.loc[0.05, "expected_low"])
    assert (table["n"] == 10).all()


def test_nothing_made_has_no_curve():
    assert lorenz([0, 0]).empty
    assert np.isnan(gini([0, np.nan]))
    assert np.isnan(share_of_top([], [0.1])).all()


def test_a_negative_amount_is_refused():
    with pytest.raises(ValueError, match="a negative amount has no share"):
        gini([1, -1])


@given(amounts)
def test_the_gini_is_the_mean_difference(x):
    x = np.array(x, dtype=float)
    slow = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert gini(x) == pytest.approx(slow, abs=1e-12)
    curve = lorenz(x)
    area = np.trapezoid(curve["amount"], curve["users"])
    assert gini(x) == pytest.approx(1 - 2 * area, abs=1e-12)


@given(amounts, st.floats(0, 1), st.floats(0, 1))
def test_more_users_make_more_and_at_least_their_share(x, one, other):
    low, high = share_of_top(x, sorted([one, other]))
    assert low <= high + 1e-12
    assert low >= min(one, other) - 1e-12


def test_the_interval_holds_the_share_and_widens_with_accounts():
    x = np.random.default_rng(5).gamma(0.5, size=300)
    (low,), (high,) = share_of_top_interval(x, [0.1], groups=np.arange(300), seed=1)
    share = share_of_top(x, [0.1])[0]
    assert low < share < high
    by_account = share_of_top_interval(np.repeat(x[:30], 10), [0.1], groups=np.repeat(np.arange(30), 10), seed=1)
    assert by_account[1][0] - by_account[0][0] > high - low


def test_the_interval_of_one_account_is_null():
    low, high = share_of_top_interval([1, 2], [0.5], groups=["acme", "acme"])
    assert np.isnan(low).all()
    assert np.isnan(high).all()
