"""Training one side: which rows rehearse, which folds, what stands in."""

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.heads.selection import READABLE, choose
from powerml.scoring.heads.side import HeadInputs
from powerml.scoring.heads.training import Ask, HeadPlan, TrainingRows, rehearsal_rows, train_sides
from powerml.statistics.logistic import sigmoid


def rows(n=400, seed=0, *, rate=0.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    happened = rng.random(n) < sigmoid(X[:, 0] + rate)
    return TrainingRows(HeadInputs(X, ("a", "b"), pd.DataFrame(X, columns=["a", "b"])), happened)


def plan(head="logistic", **more):
    return HeadPlan(head, {}, (), (0, 0), **more)


def test_large_tables_rehearse_on_whole_accounts():
    codes = np.repeat(np.arange(100), 12)
    some = rehearsal_rows(codes, 300)
    assert len(some) == 300
    assert set(np.bincount(codes[some], minlength=100)) == {0, 12}
    assert rehearsal_rows(codes, 1200).tolist() == list(range(1200))


def test_a_side_knows_what_it_was_fitted_on():
    given = rows()
    side, note = train_sides([Ask("churn", given, -1)], plan())[0]
    assert note is None
    assert side.base_rate == given.happened.mean()
    assert (side.events, side.rows) == (given.happened.sum(), 400)
    assert [tried.head for tried in side.tried] == ["logistic"]
    assert np.isfinite(side.out_of_fold).all()


def test_without_any_event_the_rate_is_low_and_finite():
    given = rows(rate=-30.0)
    assert not given.happened.any()
    side, note = train_sides([Ask("churn", given, -1)], plan())[0]
    assert side.stands_in
    assert note.startswith("churn: 0 events")
    p = sigmoid(side.logits(given.inputs))
    assert 0 < p.max() < 0.01


def test_a_card_is_calibrated_so_that_its_file_can_hold_it():
    side, _ = train_sides([Ask("churn", rows(3000), -1)], plan("card"))[0]
    assert {c.method for c in side.calibrator.candidates_} == {"identity", "platt", "isotonic"}
    link = side.link()
    given = rows(50, seed=1).inputs
    points = side.head.points(given.matrix).sum(axis=1)
    line = link.line.at(points)
    assert (np.interp(line, *zip(*link.curve, strict=True)) if link.curve else line) == pytest.approx(
        side.logits(given)
    )


@pytest.mark.parametrize("rehearsed", [300, 60_000])
def test_a_calibrator_sees_every_account_out_of_fold(monkeypatch, rehearsed):
    """Selection looks at a sample of accounts; calibration must not make do with these."""
    monkeypatch.setattr("powerml.scoring.heads.training.REHEARSAL_ROWS", rehearsed)
    given, accounts = rows(1200), np.arange(1200) // 4
    assert len(rehearsal_rows(accounts, 300)) == 300
    side, _ = train_sides([Ask("churn", TrainingRows(given.inputs, given.happened, accounts), -1)], plan())[0]
    assert np.isfinite(side.out_of_fold).all()
    own = side.head.decision_function(given.inputs.matrix)
    assert np.corrcoef(side.out_of_fold, own)[0, 1] > 0.99
    assert (side.out_of_fold != own).all()


@pytest.mark.parametrize("rehearsed", [300, 60_000])
def test_heads_are_compared_by_account_at_every_size(monkeypatch, rehearsed):
    seen = []

    def spied(head, X, y, *, folds, **others):
        seen.append((len(y), folds, others["codes"]))
        return choose(head, X, y, folds=folds, **others)

    monkeypatch.setattr("powerml.scoring.heads.training.REHEARSAL_ROWS", rehearsed)
    monkeypatch.setattr("powerml.scoring.heads.training.choose", spied)
    given, accounts = rows(1200), np.arange(1200) // 4
    train_sides([Ask("churn", TrainingRows(given.inputs, given.happened, accounts), -1)], plan())[0]
    ((n, folds, codes),) = seen
    assert (n, len(folds)) == (min(rehearsed, 1200), 5)
    assert all(set(codes[train]).isdisjoint(codes[test]) for train, test in folds)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(n))


def test_both_sides_are_plain_or_none_is():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((1500, 3))
    line, crossed = rng.random(1500) < sigmoid(2 * X[:, 0]), rng.random(1500) < sigmoid(3 * np.sign(X[:, 1] * X[:, 2]))
    inputs = HeadInputs(X, ("a", "b", "c"), pd.DataFrame(X, columns=["a", "b", "c"]))
    asks = [Ask("churn", TrainingRows(inputs, line), -1), Ask("expand", TrainingRows(inputs, crossed), 1)]
    auto = HeadPlan("auto", {}, (), (0, 0, 0))
    alone = [train_sides([ask], auto)[0][0].head.kind for ask in asks]
    assert alone[0] in READABLE
    assert alone[1] not in READABLE
    together = [side.head.kind for side, _ in train_sides(asks, auto)]
    assert together[0] not in READABLE
    assert together[1] == alone[1]
