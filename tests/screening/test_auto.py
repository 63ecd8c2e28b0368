"""The screen `auto`: learned without the accounts that a fold tests, for all outcomes; strict only beyond doubt."""

import numpy as np
import pytest

from powerml.screening.auto import THRESHOLDS, AutoScreen, ScreenedRows, Screens, chosen_screen
from powerml.statistics.folds import account_folds


def rows(n=1200, seed=0, rule=None, categorical=()):
    """A strong metric, a near-copy of it, one for expansion, a weak one, three of noise."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["churn", "stay", "expand"], n, p=[0.25, 0.55, 0.2])
    X = rng.standard_normal((n, 7))
    X[:, 0] += 1.5 * (labels == "churn")
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    X[:, 2] += 1.5 * (labels == "expand")
    X[:, 3] += 0.5 * (labels == "churn")
    names = ("strong", "copy", "grows", "weak", "a", "b", "c")
    rule = rule or AutoScreen(min_keep=1)
    return ScreenedRows.of(rule, X, labels, np.arange(n) // 3, names=names, categorical=categorical)


def test_noise_is_left_out_and_stricter_screens_keep_less():
    given = rows()
    screens = given.screens([], np.arange(1200))
    first = screens.columns(0)
    assert {0, 1, 2, 3} <= set(first)
    assert len(first) <= 5
    assert screens.columns(1 + THRESHOLDS.index(0.45)) == (0, 1, 2)
    for looser, stricter in zip(screens.whole, screens.whole[1:], strict=False):
        assert (looser | ~stricter).all()


def test_a_fold_s_screen_does_not_see_the_accounts_it_tests():
    given = rows()
    y = (given.labels == "churn").astype(float)
    folds = account_folds(y, given.codes, n_folds=3)
    screens = given.screens(folds, np.arange(1200))
    train, test = folds[0]
    turned = given.labels.copy()
    turned[test] = np.where(given.matrix[test, 4] > 0, "churn", "stay")  # noise separates the tested accounts
    other = ScreenedRows(given.matrix, turned, given.codes, given.exempt, 1).screens(folds, np.arange(1200))
    assert (other.folds[0] == screens.folds[0]).all()
    assert not (other.whole == screens.whole).all()
    assert len(train) + len(test) == 1200


def test_the_side_of_expansion_reads_what_churn_tells_from_noise():
    """Its own rows hold no churner, but the screen is of the model's rows."""
    given = rows()
    stayed = np.flatnonzero(given.labels != "churn")
    folds = account_folds((given.labels[stayed] == "expand").astype(float), given.codes[stayed], n_folds=3)
    screens = given.screens(folds, stayed)
    assert {0, 1, 2, 3} <= set(screens.columns(0))
    assert all(masks[0][:3].all() for masks in screens.folds)


def test_forced_and_categories_pass_and_so_many_are_kept():
    forced = rows(rule=AutoScreen(force_keep=("a",), min_keep=1), categorical=(5,)).screens([], np.arange(1200))
    assert all({4, 5} <= set(forced.columns(k)) for k in range(1 + len(THRESHOLDS)))
    least = rows(rule=AutoScreen(min_keep=4)).screens([], np.arange(1200))
    strictest = least.columns(len(THRESHOLDS))
    assert set(strictest) == {0, 1, 2, 3}


def test_no_more_near_copies_than_there_are_only_near_copies():
    rng = np.random.default_rng(1)
    labels = np.where(rng.random(600) < 0.3, "churn", "stay")
    noise = rng.standard_normal(600)
    X = np.column_stack([noise + 0.01 * rng.standard_normal(600) for _ in range(6)])
    given = ScreenedRows.of(AutoScreen(), X, labels, np.arange(600), names="abcdef", categorical=())
    assert len(given.screens([], np.arange(600)).columns(len(THRESHOLDS))) == 1


def test_screens_that_keep_the_same_are_compared_once():
    mask = np.array([[True, True], [True, True], [True, False]])
    assert Screens((mask,), mask).different == (0, 2)
    assert Screens.single(np.array([True, False]), 3).columns(0) == (0,)


@pytest.mark.parametrize(("noise", "taken"), [(1.0, 1), (0.05, 0)])
def test_a_threshold_is_taken_only_beyond_doubt(noise, taken):
    rng = np.random.default_rng(3)
    z = rng.standard_normal(800)
    y = (rng.random(800) < 1 / (1 + np.exp(-z))).astype(float)
    logits = {0: z + noise * rng.standard_normal(800), 1: z}
    assert chosen_screen(y, logits, np.arange(800)) == taken
    assert chosen_screen(y, {0: z}, None) == 0


def test_both_sides_share_what_is_kept_over_all_rows():
    given = rows()
    stayed = np.flatnonzero(given.labels != "churn")
    assert given.screens([], np.arange(1200)).whole is given.screens([], stayed).whole
