from types import SimpleNamespace

import pytest

from powerml.config.points import PointsSpec
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.explain.targets import edge_targets

UP = SimpleNamespace(direction="up", actionable=True, unit="ratio")
DOWN = SimpleNamespace(direction="down", actionable=True, unit="days")
COUNT_UP = SimpleNamespace(direction="up", actionable=True, unit="people")
COUNT_DOWN = SimpleNamespace(direction="down", actionable=True, unit="tickets")


def card(**parts):
    return PointsScorer(PointsSpec.model_validate({"name": "mine", "kind": "points", **parts}))


LADDER = {"metric": "a", "missing": 0, "steps": [{"from": 0.8, "points": 9}, {"from": 0.3, "points": 3}, {"points": 0}]}


def said(targets):
    return [(t.bound, t.edge) for t in targets.get("a", [])]


@pytest.mark.parametrize(
    ("value", "facts", "expected"),
    [
        (0.0, UP, [("at least", 0.3), ("above", 0.3), ("at least", 0.8), ("above", 0.8)]),
        (0.5, UP, [("at least", 0.8), ("above", 0.8)]),
        (0.9, DOWN, [("at most", 0.3), ("below", 0.3), ("at most", 0.8), ("below", 0.8)]),
        (0.3, DOWN, [("below", 0.3)]),
        (0.9, UP, []),
    ],
)
def test_only_edges_that_lie_ahead(value, facts, expected):
    assert said(edge_targets(card(parts={"p": LADDER}), {"a": value}, {"a": facts})) == expected


def test_counts_move_in_ones():
    steps = {"metric": "a", "missing": 0, "steps": [{"from": 2.5, "points": 9}, {"points": 0}]}
    assert said(edge_targets(card(parts={"p": steps}), {"a": 1.0}, {"a": COUNT_UP})) == [("at least", 3)]


def test_a_count_per_unit_may_fall_to_each_number_below():
    made = card(parts={"p": {**LADDER, "metric": "b"}}, deductions={"d": {"metric": "a", "per_unit": -5}})
    targets = edge_targets(made, {"a": 3.0, "b": 0.0}, {"a": COUNT_DOWN})
    assert said(targets) == [("at most", 0), ("at most", 1), ("at most", 2)]


def test_a_metric_is_measured_against_another():
    rungs = {"missing": {"when": "any", "points": 0}, "rungs": [{"when": "a > b", "points": 9}, {"points": 0}]}
    targets = edge_targets(card(parts={"p": rungs}), {"a": 1.0, "b": 3.0}, {"a": COUNT_UP})
    assert ("at least", 4) in said(targets)
