"""Planted effects are found, intervals cover, and without an effect hardly anything is claimed."""

import numpy as np
import pytest

from powerml.monitoring.impact import holdout_effect, matched_effect


def trial(rng, effect, n=400):
    """Accounts whose outcome depends on the score before; a half is treated, drawn by lot."""
    before = rng.normal(50, 15, n)
    treated = rng.permutation(np.arange(n) < n // 2)
    came = rng.random(n) < np.clip(0.5 - 0.005 * (before - 50) + effect * treated, 0, 1)
    return came.astype(float), treated, before


@pytest.mark.parametrize(("effect", "seed"), [(-0.15, 21), (0.0, 22)])
def test_the_interval_covers_what_was_planted(effect, seed):
    rng = np.random.default_rng(seed)
    found = [holdout_effect(*trial(rng, effect)) for _ in range(400)]
    covered = np.mean([one.low <= effect <= one.high for one in found])
    assert 0.92 <= covered <= 0.98  # of 400 draws at 95 %: two standard errors are 2.2 points
    assert np.mean([one.effect for one in found]) == pytest.approx(effect, abs=0.01)


def test_without_an_effect_hardly_anything_is_claimed():
    rng = np.random.default_rng(23)
    verdicts = [holdout_effect(*trial(rng, 0.0)).verdict(good=False) for _ in range(400)]
    assert sum(v != "no effect seen" for v in verdicts) <= 30


def test_the_score_before_makes_the_interval_narrower():
    came, treated, before = trial(np.random.default_rng(24), -0.1, n=2000)
    adjusted, plain = holdout_effect(came, treated, before), holdout_effect(came, treated, np.zeros(len(came)))
    assert adjusted.high - adjusted.low < plain.high - plain.low
    assert adjusted.verdict(good=False) == "works"
    assert adjusted.smallest_visible == pytest.approx(2.8 * (adjusted.high - adjusted.effect) / 1.96, rel=0.01)


def test_few_tell_nothing():
    came, treated, before = trial(np.random.default_rng(25), -0.5, n=16)
    assert holdout_effect(came, treated, before).verdict(good=False) == "cannot tell"


def test_matching_takes_away_who_was_chosen_but_not_what_was_done():
    rng = np.random.default_rng(26)
    band = rng.integers(0, 3, 3000)
    treated = rng.random(3000) < np.array([0.5, 0.2, 0.05])[band]  # the low bands are called first
    y = (rng.random(3000) < np.array([0.6, 0.3, 0.1])[band] - 0.1 * treated * (band < 2)).astype(float)
    naive = y[treated].mean() - y[~treated].mean()
    found = matched_effect(y, treated, band.astype(object))
    assert naive > 0  # they churn more, for they were chosen for that
    assert found.low < -0.09 < found.high
    assert found.verdict(good=False) == "works"
