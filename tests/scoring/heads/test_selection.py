"""Choosing a head: the least expected loss, a readable one or the blend where that costs next to nothing."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.errors import UsageError
from powerml.scoring.heads.registry import make_head
from powerml.scoring.heads.selection import AutoHead, Rehearsed, _taken, choose, compare_heads
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import log_losses, sigmoid


@parametrize_with_checks([AutoHead()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def chosen(X, y, *, events=1000):
    return choose(AutoHead(), X, y, folds=account_folds(y, n_folds=3), codes=np.arange(len(y)), events=events)


def test_interactions_call_for_trees_and_a_line_does_not():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 3))
    crossed = (rng.random(1500) < sigmoid(2 * np.sign(X[:, 0] * X[:, 1]))).astype(float)
    choice = chosen(X, crossed)
    assert [tried.head for tried in choice.tried] == ["card", "logistic", "stack", "lightgbm"]
    assert next(tried.head for tried in choice.tried if tried.chosen) in ("lightgbm", "stack")
    steps = (rng.random(1500) < sigmoid(2.0 * (X[:, 0] > 0) - 1)).astype(float)
    assert chosen(X, steps).plain.head.kind == "card"


def test_under_two_hundred_events_no_trees_are_grown():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    y = (rng.random(300) < 0.3).astype(float)
    assert [tried.head for tried in chosen(X, y, events=120).tried] == ["card", "logistic", "stack"]


def test_a_simpler_head_is_chosen_for_less_than_half_a_point_of_skill():
    rng = np.random.default_rng(1)
    z = 2 * rng.standard_normal(4000)
    y = (rng.random(4000) < sigmoid(z)).astype(float)
    rows, base = np.arange(4000), np.zeros(4000)
    whole = np.log(2.0)

    def cost(scale):
        return compare_heads({"card": scale * z, "stack": z}, y, rows, base=base)[0].worse / whole

    near, far = 0.9, 0.8
    assert 0 < cost(near) < 0.005 < cost(far)
    assert [t.chosen for t in compare_heads({"card": near * z, "stack": z}, y, rows, base=base)] == [True, False]
    tried = compare_heads({"card": far * z, "stack": z}, y, rows, base=base)
    assert [each.chosen for each in tried] == [False, True]
    assert tried[0].worse > tried[0].worse_se > 0


def test_few_data_make_nothing_equal():
    """Differences that cannot be told from nothing are differences all the same: the user pays for them."""
    rng = np.random.default_rng(3)
    z = 2 * rng.standard_normal(120)
    y = (rng.random(120) < sigmoid(z)).astype(float)
    tried = compare_heads({"card": z + 0.8 * rng.standard_normal(120), "stack": z}, y, np.arange(120))
    assert 0 < tried[0].worse < 2 * tried[0].worse_se
    assert tried[1].chosen


def test_a_blend_gives_way_to_trees_only_beyond_doubt():
    rng = np.random.default_rng(4)
    z = 2 * rng.standard_normal(300)
    y = (rng.random(300) < sigmoid(z)).astype(float)
    some, many = np.arange(300), np.tile(np.arange(300), 20)
    for rows, doubt in ((some, True), (many, False)):
        codes = np.arange(len(rows))  # as if every row were an account of its own
        tried = compare_heads({"stack": 0.5 * z[rows], "lightgbm": z[rows]}, y[rows], codes)
        assert tried[0].worse > 0.005 * np.log(2)
        assert (tried[0].worse < 3 * tried[0].worse_se) == doubt
        assert tried[0].chosen == doubt


def test_rows_of_one_account_count_once():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(100)
    y = (rng.random(100) < sigmoid(z)).astype(float)
    rows = np.repeat(np.arange(100), 40)
    both = {"card": 0.5 * z[rows], "stack": z[rows]}
    alone = compare_heads(both, y[rows], np.arange(4000))[0].worse_se
    together = compare_heads(both, y[rows], rows)[0].worse_se
    assert together == pytest.approx(alone * 40**0.5, rel=0.05)


def test_words():
    with pytest.raises(UsageError, match="no head named 'lightgmb'; did you mean 'lightgbm'"):
        make_head("lightgmb", categorical=(), signs=(), sign=1, options={})
    with pytest.raises(UsageError, match="head logistic has no option 'strenght'; did you mean 'strength'"):
        make_head("logistic", categorical=(), signs=(), sign=1, options={"strenght": 1})


def test_a_plain_head_is_taken_where_it_makes_the_whole_simpler():
    """Beside a blend on the other side a card makes nothing simpler, and its price would be paid for nothing."""
    rng = np.random.default_rng(7)
    z = 2 * rng.standard_normal(4000)
    y = (rng.random(4000) < sigmoid(z)).astype(float)
    heads = {"card": 0.9 * z, "stack": z}
    assert [t.chosen for t in compare_heads(heads, y, np.arange(4000), base=np.zeros(4000))] == [True, False]
    assert [t.chosen for t in compare_heads(heads, y, np.arange(4000), base=np.zeros(4000), plain=False)] == [
        False,
        True,
    ]


def test_a_choice_among_heads_without_skill_is_judged_by_what_other_folds_would_have_chosen():
    """Of many heads that guess, the luckiest looks better than a constant; judged honestly it does not."""
    rng = np.random.default_rng(11)
    gains, honest = [], []
    for _ in range(30):
        y = (rng.random(300) < 0.5).astype(float)
        guesses = {name: 0.6 * rng.standard_normal(300) for name in ("card", "logistic", "lightgbm", "weights")}
        found = {name: Rehearsed(None, z, 0.0, z) for name, z in guesses.items()}
        choice = _taken(found, y, account_folds(y, n_folds=5), np.arange(300))
        gains.append(log_losses(y, guesses["card"]).mean() - log_losses(y, choice.logits).mean())
        honest.append(log_losses(y, guesses["card"]).mean() - log_losses(y, choice.honest).mean())
    assert np.mean(gains) > 0.01  # the four are equally bad
    assert abs(np.mean(honest)) < np.mean(gains) / 3


def test_a_clear_choice_is_the_same_in_every_fold():
    rng = np.random.default_rng(12)
    z = 2 * rng.standard_normal(400)
    y = (rng.random(400) < sigmoid(z)).astype(float)
    found = {name: Rehearsed(None, own, 0.0, own) for name, own in (("card", 0.1 * z), ("logistic", z))}
    choice = _taken(found, y, account_folds(y, n_folds=5), np.arange(400))
    np.testing.assert_array_equal(choice.honest, z)
