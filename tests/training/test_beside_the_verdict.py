import numpy as np
import pandas as pd
import pytest

from powerml.training.beside_the_verdict import call_sentences, untreated_verdict
from powerml.training.rows import HeldOut, Rows
from powerml.validation.held_rows import Said


def held_out(n=400, seed=7):
    """Rows of which every fourth was treated; the score tells the outcome of the untreated only."""
    rng = np.random.default_rng(seed)
    treated = np.arange(n) % 4 == 0
    came = rng.random(n) < 0.4
    p = np.where(treated, 0.4, np.where(came, 0.7, 0.2)).clip(0.01, 0.99)
    frame = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)],
            "as_of": pd.Timestamp("2026-01-01"),
            "label": np.where(came, "churn", "stay"),
            "treated": treated,
        }
    )
    base = pd.DataFrame({"churn": np.full(n, 0.4), "stay": np.full(n, 0.6)})
    said = Said(pd.DataFrame({"p_churn": p, "p_stay": 1 - p}), base, 100 * (1 - p))
    return said, HeldOut(Rows(frame, "account_id", 90), np.ones(n, dtype=bool), np.zeros(n, dtype=int))


def test_the_verdict_without_treated_rows_is_on_the_others_alone():
    said, test = held_out()
    found, told = untreated_verdict(said, test, seed=7)
    assert found.overall.rows == 300
    assert found.overall.auroc == pytest.approx(1.0)
    assert told.startswith("100 of 400 held-out rows were treated. Without them: skill: log loss is lower")


def test_without_treatments_nothing_is_said():
    said, test = held_out()
    frame = test.rows.frame
    for rows in (frame.assign(treated=False), frame.drop(columns="treated")):
        plain = HeldOut(Rows(rows, "account_id", 90), test.unseen, test.folds)
        assert untreated_verdict(said, plain, seed=7) == (None, "")


def test_too_few_untreated_rows_are_not_judged():
    said, test = held_out()
    rows = Rows(test.rows.frame.assign(treated=np.arange(400) >= 40), "account_id", 90)
    found, told = untreated_verdict(said, HeldOut(rows, test.unseen, test.folds), seed=7)
    assert found is None
    assert told == "360 of 400 held-out rows were treated; too few are left to judge without them."


def test_a_capacity_is_told_before_and_after_ties_where_it_was_stated():
    rows = [("before ties", 3, 0.9, 2.7), ("as asked", 10, 0.8, 8.3), ("with ties", 15, 0.8, 12.3)]
    calls = pd.DataFrame(rows, columns=["list", "n", "cut", "expected"]).assign(
        capacity=10, low=6, high=10, share_caught=0.25, lift=2.0, held_out="8, 9"
    )
    (told,) = call_sentences(calls, stated=True)
    assert told == (
        "Calling 10 accounts (risk from 80.0 %) should catch 8.3 churners (6 to 10), 25 % of all expected; 3 accounts "
        "lie above the cut (2.7), 15 with all that tie at it (12.3). At the held-out cutoffs the first 10 held 8, 9 "
        "churners."
    )
    assert call_sentences(calls, stated=False) == ()
