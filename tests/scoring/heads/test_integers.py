"""Whole points against trying all of them."""

from itertools import product

import numpy as np
import pytest

from powerml.scoring.heads.integers import Budgets, whole_points


def kept(points, effects, hessian):
    """Share of the fit that integer points keep at their best size."""
    points = np.asarray(points, float)
    return (points @ hessian @ effects) ** 2 / (points @ hessian @ points) / (effects @ hessian @ effects)


@pytest.mark.parametrize("seed", range(6))
def test_they_are_nearly_the_best_there_are(seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((4, 4))
    hessian, effects = root @ root.T + np.eye(4), rng.uniform(0.1, 1, 4)
    alone = Budgets([slice(i, i + 1) for i in range(4)], lambda _, own: own.sum(), np.zeros(4, int), np.array([12.0]))
    found = whole_points(effects, hessian, floor=np.zeros(4), budgets=alone)
    best = max(kept(p, effects, hessian) for p in product(range(13), repeat=4) if sum(p) == 12)
    assert found.sum() == 12
    assert (found >= 0).all()
    assert kept(found, effects, hessian) >= best - 0.002


def test_every_budget_is_spent():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((6, 6))
    budgets = Budgets(
        [slice(0, 2), slice(2, 4), slice(4, 6)], lambda _, own: own.sum(), np.array([0, 1, 1]), np.array([40.0, 60.0])
    )
    found = whole_points(rng.uniform(0, 1, 6), root @ root.T + np.eye(6), floor=np.zeros(6), budgets=budgets)
    assert (found[:2].sum(), found[2:].sum()) == (40, 60)
