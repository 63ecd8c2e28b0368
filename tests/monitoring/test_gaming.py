"""The gaming monitor: a metric that is moved without use tells no longer, and says so by name."""

import numpy as np
import pandas as pd
import pytest

from powerml.monitoring.gaming import auroc_by_account, gaming, gaming_sentence
from powerml.statistics.scores import auroc


def world(rng, *, gamed):
    """Two metrics that tell who stays; in the newest months one of them is moved by everybody alike."""
    n = 3000
    health, recent = rng.normal(size=n), np.arange(n) >= 2000
    stayed = rng.random(n) < 1 / (1 + np.exp(-1.5 - health))
    honest, moved = health + rng.normal(size=n), health + rng.normal(size=n)
    if gamed:
        moved = np.where(recent, rng.normal(size=n), moved)
    points = pd.DataFrame({"honest": honest, "moved": 2 * moved, "still": 0.0})
    account = np.array([f"a{i % 1000}" for i in range(n)], dtype=object)
    return points, stayed, account, recent


def test_a_metric_that_is_gamed_is_named():
    points, stayed, account, recent = world(np.random.default_rng(21), gamed=True)
    table = gaming(points, stayed, account=account, recent=recent)
    assert dict(zip(table["metric"], table["verdict"], strict=True)) == {
        "moved": "tells no longer", "honest": "still tells"
    }  # fmt: skip
    assert "no longer goes with the outcome: moved (6" in gaming_sentence(table)


def test_metrics_that_go_on_telling_are_not_named():
    points, stayed, account, recent = world(np.random.default_rng(22), gamed=False)
    table = gaming(points, stayed, account=account, recent=recent)
    assert set(table["verdict"]) == {"still tells"}
    assert gaming_sentence(table).endswith("2 of 2 still tell.")


def test_without_outcomes_nobody_can_tell():
    points, stayed, account, recent = world(np.random.default_rng(23), gamed=False)
    table = gaming(points, np.ones_like(stayed), account=account, recent=recent)
    assert set(table["verdict"]) == {"cannot tell"}
    assert "too few outcomes" in gaming_sentence(table)


def test_the_interval_covers_by_account():
    """Rows of an account are copies of each other: taken for independent, the interval would be far too short."""
    rng, covered = np.random.default_rng(24), 0
    for _ in range(200):
        each = rng.normal(size=100)
        event = np.repeat(rng.random(100) < 1 / (1 + np.exp(-each)), 5)
        points = np.repeat(each, 5)
        value, low, high = auroc_by_account(event, points, np.repeat(np.arange(100).astype(object), 5))
        assert value == pytest.approx(auroc(event, points), abs=1e-12)
        covered += low <= 0.7393 <= high  # by 4 million draws
    assert covered >= 182
