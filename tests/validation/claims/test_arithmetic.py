import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from powerml.validation.claims.arithmetic import (
    implied_auroc,
    largest_phi,
    least_gini,
    meet,
    mixture_share,
    over_corners,
    phi_of_shares,
    printed_range,
    rate_ratio,
    spread_for_correlation,
    top_over_rest,
)

counts = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)
cell = st.integers(0, 40)


def test_the_auroc_of_three_bands():
    """Two churners below, one of them in the same band as a stayer: pairs (3 x 2) won 4 + half of 1 tie = 4.5 / 6."""
    assert implied_auroc([0, 1, 2], [1, 1, 0]) == pytest.approx((1 * (1 + 0.5) + 2 * 2) / 6)


@given(counts)
def test_the_auroc_counts_pairs(bands):
    events = [e for e, _ in bands]
    others = [o for _, o in bands]
    assume(sum(events) and sum(others))
    scores_of_events = [i for i, e in enumerate(events) for _ in range(e)]
    scores_of_others = [i for i, o in enumerate(others) for _ in range(o)]
    won = sum((a > b) + (a == b) / 2 for a in scores_of_events for b in scores_of_others)
    auroc = implied_auroc(events, others)
    assert 0 <= auroc <= 1
    assert auroc == pytest.approx(won / (sum(events) * sum(others)))
    assert auroc + implied_auroc(events[::-1], others[::-1]) == pytest.approx(1)


def test_the_auroc_of_nobody_is_not_a_number():
    assert np.isnan(implied_auroc([0, 0], [3, 4]))


@given(cell, cell, cell, cell)
def test_no_table_exceeds_the_largest_phi(both, only_event, only_metric, neither):
    n = both + only_event + only_metric + neither
    event, metric = both + only_event, both + only_metric
    assume(0 < event < n and 0 < metric < n)
    y = np.repeat([1, 1, 0, 0], [both, only_event, only_metric, neither])
    x = np.repeat([1, 0, 1, 0], [both, only_event, only_metric, neither])
    phi = np.corrcoef(x, y)[0, 1]
    assert phi <= largest_phi(event / n, metric / n) + 1e-9
    assert phi == pytest.approx(phi_of_shares(event / n, both / event, only_metric / (n - event)), abs=1e-9)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_the_largest_phi_is_reached_when_the_rarer_one_is_inside_the_other(rarer, more, neither):
    n = rarer + more + neither
    x = np.repeat([1, 0, 0], [rarer, more, neither])
    y = np.repeat([1, 1, 0], [rarer, more, neither])
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(largest_phi(rarer / n, (rarer + more) / n))


def test_phi_of_a_metric_that_everybody_has_is_not_a_number():
    assert np.isnan(phi_of_shares(0.1, 1, 1))
    assert np.isnan(largest_phi(0.0, 0.5))


def test_the_rate_ratio_is_that_of_a_table():
    """Of 100, 20 expand, 16 of them and 24 of the 80 others have it: 16 / 40 against 4 / 60 is 6 times."""
    assert rate_ratio(0.2, 16 / 20, 24 / 80) == pytest.approx((16 / 40) / (4 / 60))
    assert rate_ratio(0.2, 1.0, 0.3) == float("inf")
    assert np.isnan(rate_ratio(0.2, 0.0, 0.0))


def test_the_share_of_a_mixture():
    """25 % at 0.4 and 75 % at 0.2 average to 0.25."""
    assert mixture_share(0.25, 0.4, 0.2) == pytest.approx(0.25)
    assert mixture_share(0.1, 0.4, 0.2) < 0  # no mixture of the two goes so low
    assert np.isnan(mixture_share(0.3, 0.2, 0.2))


def test_the_spread_behind_a_correlation():
    rng = np.random.default_rng(3)
    y = rng.random(5000) < 0.1
    x = rng.normal(size=5000) + 2 * y
    difference = x[y].mean() - x[~y].mean()
    assert spread_for_correlation(y.mean(), difference, np.corrcoef(x, y)[0, 1]) == pytest.approx(x.std())


def test_a_top_share_bounds_the_gini_and_sets_the_multiple():
    assert least_gini(0.15, 0.5) == pytest.approx(0.35)
    assert top_over_rest(0.2, 0.8) == pytest.approx(16)  # 4 each against 0.25 each


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=30), st.integers(1, 29))
def test_no_distribution_is_more_even_than_the_least_gini(amounts, k):
    assume(k < len(amounts))
    x = np.sort(amounts)[::-1]
    gini = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert gini >= least_gini(k / len(x), x[:k].sum() / x.sum()) - 1e-9


def test_printed_numbers_stand_for_ranges():
    assert printed_range(0.84) == pytest.approx((0.835, 0.845))
    assert printed_range(0.1, 0.01) == pytest.approx((0.095, 0.105))
    assert printed_range(15000) == (14999.5, 15000.5)
    assert meet((0, 1), (1, 2))
    assert not meet((0, 1), (1.1, 2))


@given(st.floats(-5, 5), st.floats(0, 3), st.floats(-5, 5), st.floats(0, 3), st.floats(0, 1), st.floats(0, 1))
def test_corners_bound_a_monotone_function(a, da, b, db, s, t):
    low, high = over_corners(lambda x, y: 2 * x - y**3, (a, a + da), (b, b + db))
    inner = 2 * (a + s * da) - (b + t * db) ** 3
    assert low - 1e-6 <= inner <= high + 1e-6
