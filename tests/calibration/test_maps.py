"""The monotone maps: what each recovers, that none turns the order round, that none says 0 or 1."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.calibration.maps import MOST_BINS, Beta, Identity, Isotonic, Platt, clip_logits, fit_map, map_from_dict
from powerml.statistics.logistic import LOGIT_LIMIT, logit, sigmoid

METHODS = ("identity", "platt", "beta", "isotonic")


def drawn(n, transform, seed=0):
    """Raw logits, and outcomes whose true logit is `transform` of them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1, 1.5, n)
    return z, (rng.random(n) < sigmoid(transform(z))).astype(float)


def test_platt_finds_a_planted_line():
    found = Platt.fit(*drawn(40_000, lambda z: 0.4 + 0.6 * z))
    assert found.intercept == pytest.approx(0.4, abs=0.05)
    assert found.slope == pytest.approx(0.6, abs=0.03)


def test_beta_finds_two_planted_slopes():
    planted = Beta(0.3, 0.5, 1.5)
    found = Beta.fit(*drawn(60_000, planted.apply))
    z = np.linspace(-4, 2, 20)
    assert found.apply(z) == pytest.approx(planted.apply(z), abs=0.15)
    assert Beta(0.0, 1.0, 1.0).apply(z) == pytest.approx(z)


def test_isotonic_follows_a_step():
    z, y = drawn(40_000, lambda z: np.where(z < -1, -3.0, 0.0))
    found = Isotonic.fit(z, y)
    assert sigmoid(found.apply(np.array([-4.0, 1.5]))) == pytest.approx([sigmoid(-3.0), 0.5], abs=0.05)


@settings(max_examples=60, deadline=None)
@given(method=st.sampled_from(METHODS), seed=st.integers(0, 50), n=st.integers(2, 80))
def test_no_map_turns_the_order_round_or_says_never(method, seed, n):
    rng = np.random.default_rng(seed)
    z, y = rng.normal(0, 3, n), (rng.random(n) < 0.4).astype(float)
    mapped = clip_logits(fit_map(method, z, y).apply(np.sort(z)))
    assert np.isfinite(mapped).all()
    assert (np.diff(mapped) >= -1e-9).all()
    assert np.abs(mapped).max() <= LOGIT_LIMIT


def test_outcomes_that_speak_against_the_order_make_it_flat():
    z = np.linspace(-2, 2, 200)
    y = (z < 0).astype(float)
    assert Platt.fit(z, y).slope == 0
    assert np.ptp(Isotonic.fit(z, y).apply(z)) == pytest.approx(0)


def test_isotonic_keeps_off_0_and_1_by_half_a_row_of_each_block():
    z, y = np.arange(10.0), np.r_[np.zeros(5), np.ones(5)]
    said = sigmoid(Isotonic.fit(z, y).apply(z))
    assert (said.min(), said.max()) == pytest.approx((0.5 / 6, 5.5 / 6))


def test_isotonic_reads_bins_so_that_no_end_hangs_on_a_few_rows():
    z, y = drawn(20_000, lambda z: z)
    y[np.argsort(z)[-20:]] = 1.0  # a few lucky rows at the top
    found = Isotonic.fit(z, y)
    assert len(found.at) <= MOST_BINS
    assert sigmoid(found.logits[-1]) < 0.97
    assert sigmoid(found.apply(np.array([-3.0, -1.0, 1.0]))) == pytest.approx(sigmoid(np.array([-3, -1, 1])), abs=0.03)


@given(rates=st.lists(st.integers(1, 49), min_size=2, max_size=8, unique=True), spread=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_isotonic_of_few_distinct_logits_that_rise_is_their_own_rates(rates, spread):
    rates = np.sort(rates) / 50
    rows = 200 * (1 + np.arange(len(rates)) % spread)
    z = np.repeat(np.arange(len(rates)) / 2.0, rows)
    y = np.concatenate([np.arange(n) < round(n * rate) for n, rate in zip(rows, rates, strict=True)]).astype(float)
    assert sigmoid(Isotonic.fit(z, y).apply(np.arange(len(rates)) / 2.0)) == pytest.approx(
        (rates * rows + 0.5) / (rows + 1)
    )


@pytest.mark.parametrize("method", METHODS)
def test_written_and_read_it_maps_the_same(method):
    z, y = drawn(500, lambda z: 0.5 * z)
    found = fit_map(method, z, y)
    again = map_from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.kind == method
    assert again.apply(z).tolist() == found.apply(z).tolist()


def test_without_rows_there_is_nothing_to_map():
    assert fit_map("beta", np.array([]), np.array([])) == Identity()
    assert Identity().apply(logit([0.2])) == pytest.approx(logit([0.2]))
