"""Figures of a scorer, held against plain counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from powerml.statistics.outcomes import Predictions
from powerml.training.figures import by_cutoff
from powerml.training.rows import Rows

OUTCOMES = ["churn", "stay", "expand"]


@pytest.fixture
def told():
    rng = np.random.default_rng(4)
    p = rng.dirichlet([1, 3, 1], 400)
    y = np.array([rng.choice(OUTCOMES, p=one) for one in p])
    months = pd.Timestamp("2026-01-01") + pd.to_timedelta(31 * rng.integers(0, 3, 400), unit="D")
    frame = pd.DataFrame({"user_id": [f"u{i}" for i in range(400)], "as_of": months, "label": y})
    return Rows(frame, "user_id", 90), pd.DataFrame(p, columns=[f"p_{o}" for o in OUTCOMES])


def test_months_stand_in_their_order_each_by_itself(told):
    rows, p = told
    found = by_cutoff(Predictions.of(rows.y, p, None), rows)
    assert sorted(found) == ["time/churn_auroc", "time/expand_auroc", "time/log_loss"]
    for number, month in enumerate(np.unique(rows.times)):
        at = rows.times == month
        codes = [OUTCOMES.index(label) for label in rows.y[at]]
        assert found["time/log_loss"][number] == pytest.approx(log_loss(codes, p[at], labels=[0, 1, 2]))
        for outcome in ("churn", "expand"):
            expected = roc_auc_score(rows.y[at] == outcome, p.loc[at, f"p_{outcome}"])
            assert found[f"time/{outcome}_auroc"][number] == pytest.approx(expected)


def test_a_month_without_an_outcome_has_no_ranking_of_it(told):
    rows, p = told
    first = rows.times == rows.times.min()
    frame = rows.frame.assign(label=np.where(first & (rows.y == "expand"), "stay", rows.y))
    found = by_cutoff(Predictions.of(frame["label"], p, None), Rows(frame, "user_id", 90))
    assert np.isnan(found["time/expand_auroc"][0])
    assert np.isfinite(found["time/expand_auroc"][1:]).all()
