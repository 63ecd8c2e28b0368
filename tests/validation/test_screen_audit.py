import numpy as np
import pandas as pd
import pytest

from powerml.screening.correlation import CorrelationScreen
from powerml.validation.screen_audit import screen_audit


def world(seed, *, weak, months=6, n=600):
    """One strong metric, and twenty weak ones that together say as much (`weak` > 0) or nothing."""
    rng = np.random.default_rng(seed)
    rows = n * months
    strong, rest = rng.normal(size=rows), rng.normal(size=(rows, 20))
    y = np.where(rng.random(rows) < 1 / (1 + np.exp(1.5 + 2.0 * strong + weak * rest.sum(axis=1))), "churn", "stay")
    x = pd.DataFrame(rest, columns=[f"weak_{i}" for i in range(20)]).assign(strong=strong)
    times = np.repeat(pd.date_range("2025-01-01", periods=months, freq="QS"), n)
    return x, y, {"times": times, "groups": np.tile(np.arange(n), months)}


def test_it_warns_where_the_rule_throws_signal_away():
    x, y, keys = world(0, weak=0.35)
    audit = screen_audit(x, y, screen=CorrelationScreen(threshold=0.4, min_keep=1), repeats=200, **keys)
    row = audit.table.iloc[0]
    assert "throws signal away" in set(audit.table["verdict"])
    assert row["low"] > 0
    assert row["auroc_all"] > row["auroc_screened"] + 0.03
    assert (audit.kept_fewest, audit.metrics) == (1, 21)
    assert "The 0.4 rule keeps 1 of 21 metrics. churn: throws signal away" in audit.sentence
    assert (audit.left_out == 3).all()
    assert "strong" not in audit.left_out
    # three test quarters, all accounts in each
    assert row["n"] == 1800


@pytest.mark.parametrize("seed", [1, 2])
def test_it_does_not_where_the_rest_is_noise(seed):
    x, y, keys = world(seed, weak=0.0)
    audit = screen_audit(x, y, screen=CorrelationScreen(threshold=0.4, min_keep=1), repeats=200, **keys)
    assert "throws signal away" not in set(audit.table["verdict"])


def test_without_history_accounts_are_folded():
    x, y, keys = world(3, weak=0.0, months=1)
    audit = screen_audit(x, y, screen=CorrelationScreen(threshold=0.4, min_keep=1), repeats=50, **keys)
    assert audit.table["n"].iloc[0] == 600


def test_a_fold_without_events_falls_back_to_the_base_rate():
    x, y, keys = world(4, weak=0.0, months=2, n=100)
    first = keys["times"] == keys["times"].min()
    y = np.where(first & (np.arange(200) > 0), "stay", y)
    y[0] = "stay"
    audit = screen_audit(x, np.where(np.arange(200) == 150, "churn", y), repeats=50, **keys)
    assert audit.table["log_loss_all"].iloc[0] == pytest.approx(audit.table["log_loss_screened"].iloc[0])


def test_folds_may_be_given():
    x, y, keys = world(5, weak=0.0, months=1)
    first, second = np.arange(300), np.arange(300, 600)
    audit = screen_audit(x, y, screen=CorrelationScreen(min_keep=1), folds=[(first, second)], repeats=50, **keys)
    assert audit.table["n"].iloc[0] == 300
