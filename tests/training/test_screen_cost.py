"""What the document's screen keeps and costs, on held-out rows with intervals by account."""

from dataclasses import replace

import numpy as np
import pandas as pd

from powerml.screening.auto import AutoScreen
from powerml.screening.correlation import CorrelationScreen
from powerml.statistics.logistic import sigmoid
from powerml.statistics.outcomes import outcomes_of
from powerml.training.screen_cost import screen_cost
from powerml.training.screening import Screening
from tests.training.test_candidates import data_of

NAMES = ("active_days_30d", "team_members_added_90d", "nps_latest", "seats")


def many_weak(tmp_path, n=2400, seed=0):
    """Monthly rows of 200 accounts whose outcome hangs on four weak metrics, none of which reaches .45 by itself."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4))
    left = rng.random(n) < sigmoid(-X @ np.full(4, 0.55) - 1.0)
    months = np.repeat(pd.date_range("2024-01-01", periods=12, freq="MS"), n // 12)
    frame = pd.DataFrame(X, columns=list(NAMES)).assign(
        as_of=months,
        account_id=[f"a{i % 200}" for i in range(n)],
        active=True,
        enough_history=True,
        label=np.where(left, "churn", np.where(rng.random(n) < 0.3, "expand", "stay")),
    )
    return data_of(tmp_path, frame)


def test_a_hard_screen_costs_what_many_weak_metrics_are_worth(tmp_path):
    data = many_weak(tmp_path)
    auto = Screening(CorrelationScreen(None), auto=AutoScreen(min_keep=1))
    cost = screen_cost(data, auto, data.split(seed=0), seed=0, repeats=200)
    assert (cost.kept_fewest, cost.kept_most, cost.metrics) == (0, 0, 4)
    table = cost.table.set_index("against")
    assert list(table.index) == ["used", "none"]
    assert (table["low"] <= table["points"]).all()
    assert (table["points"] <= table["high"]).all()
    assert "is reached by 0 of 4 metrics" in cost.sentence
    assert cost.sentence.startswith("The document's |r| >= 0.45")


def test_the_documents_own_screen_costs_nothing_against_itself(tmp_path):
    data = many_weak(tmp_path)
    hard = Screening(CorrelationScreen(0.45))
    cost = screen_cost(data, hard, data.split(seed=0), seed=0, repeats=50)
    used = cost.table.set_index("against").loc["used"]
    assert used[["points", "low", "high"]].tolist() == [0, 0, 0]


def test_outcomes_are_looked_for_once_not_once_a_row(tmp_path, monkeypatch):
    data, asked = many_weak(tmp_path), []
    counted = lambda labels: asked.append(1) or outcomes_of(labels)  # noqa: E731
    monkeypatch.setattr("powerml.training.rows.outcomes_of", counted)
    screen_cost(data, Screening(CorrelationScreen(0.45)), data.split(seed=0), seed=0, repeats=10)
    assert len(asked) == 1


def test_without_rows_to_hold_out_there_is_no_audit(tmp_path):
    data = many_weak(tmp_path)
    first = data.labelled.frame["as_of"].min()
    few = replace(data, labelled=data.labelled.take(np.flatnonzero(data.labelled.times == np.datetime64(first))))
    assert screen_cost(few, Screening(), few.split(seed=0), seed=0) is None
