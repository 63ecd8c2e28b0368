"""What is drawn and told of a judged scorer counts accounts, not rows."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from powerml import charts
from powerml.charts.writing import specification
from powerml.training.judged import Judged
from powerml.training.rows import HeldOut, Rows
from powerml.validation.held_rows import Said

ACCOUNTS, COPIES = 300, 10


@pytest.fixture(scope="module")
def judged():
    """300 accounts of ten rows that share one outcome, with the true probability of each."""
    rng = np.random.default_rng(7)
    p = np.repeat(rng.uniform(0.05, 0.6, ACCOUNTS), COPIES)
    came = np.repeat(rng.random(ACCOUNTS) < p[::COPIES], COPIES)
    frame = pd.DataFrame(
        {
            "account_id": np.repeat([f"a{i}" for i in range(ACCOUNTS)], COPIES),
            "as_of": pd.Timestamp("2026-01-01"),
            "label": np.where(came, "churn", "stay"),
        }
    )
    n = len(frame)
    test = HeldOut(Rows(frame, "account_id", 90), np.ones(n, dtype=bool), np.zeros(n, dtype=int))
    said = Said(pd.DataFrame({"p_churn": p, "p_stay": 1 - p}), {"churn": 0.3, "stay": 0.7}, 100 * (1 - p))
    return Judged(None, said, test, None, None, {}, {}, (), {})


def test_the_reliability_picture_has_intervals_by_account(judged):
    curve = judged.reliability
    width = (curve["high"] - curve["low"]).mean()
    assert 0.25 < width < 0.37  # by row, ten times the rows that there are, it would be .1
    inside = (curve["low"] <= curve["predicted"]) & (curve["predicted"] <= curve["high"])
    assert inside.mean() >= 0.9
    drawn = [
        row for rows in specification(charts.reliability(curve))["datasets"].values() for row in rows if "low" in row
    ]
    assert [row["high"] - row["low"] for row in drawn] == pytest.approx(
        (curve["high"] - curve["low"]).tolist(), abs=1e-5
    )


def test_predictions_are_made_once(judged):
    assert judged.predictions is judged.predictions
    assert judged.predictions.judged == ("churn",)


def test_held_rows_carry_how_they_were_held_out(judged):
    crossed = replace(judged.test, variance_factor=2.0).held
    assert crossed.variance_factor == 2.0
    assert crossed.horizon_days == 90
    assert crossed.take(np.array([0, 5])).y.shape == (2,)


def test_a_score_is_judged_by_what_staying_is_worth_in_it():
    """Probabilities that are right, and staying worth 20: the outcomes average the score, at 60 they would not."""
    rng = np.random.default_rng(7)
    churn = rng.uniform(0.1, 0.5, 6000)
    p = pd.DataFrame({"p_churn": churn, "p_stay": 0.9 - churn, "p_expand": 0.1})
    drawn = (rng.random(len(p))[:, None] > p.to_numpy().cumsum(axis=1)).sum(axis=1)
    labels = np.array(["churn", "stay", "expand"])[drawn]
    frame = pd.DataFrame({"account_id": [f"a{i}" for i in range(len(p))], "as_of": pd.Timestamp("2026-01-01")})
    test = HeldOut(Rows(frame.assign(label=labels), "account_id", 90), drawn >= 0, np.zeros(len(p), dtype=int))
    said = Said(p, {"churn": 0.3, "stay": 0.6, "expand": 0.1}, 20 * p["p_stay"].to_numpy() + 100 * 0.1)
    model = SimpleNamespace(stay_value=0.2)
    curve = Judged(None, said, test, None, None, {}, {}, (model,), {}).score_curve
    assert np.average(curve["mean_outcome"] - curve["mean_score"], weights=curve["n"]) == pytest.approx(0, abs=1)
    at_60 = Judged(None, said, test, None, None, {}, {}, (), {}).score_curve
    assert np.average(at_60["mean_outcome"] - at_60["mean_score"], weights=at_60["n"]) > 20
