"""Oracles: what the true hazards know, and what a large model can read off the metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from powerml.simulation.oracle import oracle_observed, truth_skill


def test_truth_skill_of_four_accounts():
    labels = pd.DataFrame(
        {
            "label": ["churn", "stay", "expand", "stay", "immature"],
            "p_churn": [0.9, 0.1, 0.1, 0.1, 0.9],
            "p_expand": [0.1, 0.4, 0.4, 0.1, 0.9],
        }
    )
    skill = truth_skill(labels).set_index("outcome")
    assert skill.loc["churn", ["n", "events", "auroc"]].tolist() == [4, 1, 1.0]
    assert skill.loc["churn", "log_loss"] == pytest.approx(-np.log(0.9))
    assert skill.loc["expand", "auroc"] == pytest.approx(2.5 / 3)  # beats two, ties with one


def test_the_observed_oracle_finds_signal_where_there_is_some_and_none_elsewhere():
    rng = np.random.default_rng(1)
    n = 3000
    signal = rng.normal(size=n)
    churns = rng.random(n) < 1 / (1 + np.exp(-(1.5 * signal - 1)))
    expands = ~churns & (rng.random(n) < 0.3)
    frame = pd.DataFrame(
        {
            "as_of": pd.Timestamp("2024-01-01"),
            "user_id": [f"u{i}" for i in range(n)],
            "account_id": [f"a{i // 2}" for i in range(n)],
            "enough_history": True,
            "active": True,
            "events_30d": signal,
            "logins_30d": rng.normal(size=n),
            "label": np.select([churns, expands], ["churn", "expand"], "stay"),
        }
    )
    skill = oracle_observed(frame).set_index("outcome")
    assert 0.75 < skill.loc["churn", "auroc"] < 0.9
    noise = frame.assign(events_30d=rng.normal(size=n))
    assert oracle_observed(noise).set_index("outcome").loc["churn", "auroc"] == pytest.approx(0.5, abs=0.06)
    assert oracle_observed(frame, max_rows=1000).set_index("outcome").loc["churn", "n"] == pytest.approx(1000, abs=2)
