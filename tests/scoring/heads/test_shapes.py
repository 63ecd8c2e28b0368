"""Directions, and data that contradicts them."""

import numpy as np

from powerml.scoring.heads.shapes import learn_shapes, spread_rows
from powerml.statistics.folds import account_folds
from powerml.statistics.logistic import sigmoid


def outcomes(z, seed=0):
    return (np.random.default_rng(seed).random(len(z)) < sigmoid(z)).astype(float)


def test_declared_directions_stand_unless_the_data_contradicts_them():
    x = np.random.default_rng(1).uniform(-2, 2, (4000, 4))
    y = outcomes(x[:, 0] - x[:, 1] + 1.5 * x[:, 2] ** 2 - 2)
    shapes = learn_shapes(x, y, (1, 1, 1, 1), folds=account_folds(y))
    assert shapes == ("rising", "free", "free", "rising")  # as declared, contradicted, bent, noise


def test_without_a_declaration_the_data_decides():
    x = np.random.default_rng(1).uniform(-2, 2, (3000, 2))
    y = outcomes(x[:, 0] - x[:, 1])
    assert learn_shapes(x, y, (0, 0), folds=account_folds(y)) == ("rising", "falling")


def test_rows_of_one_account_count_together():
    x = np.random.default_rng(2).integers(0, 3, (150, 1)).astype(float)
    y = outcomes(np.where(x[:, 0] == 1, -1.6, -0.9), seed=3)
    rows = np.repeat(np.arange(150), 30)
    folds = account_folds(y[rows], rows)
    assert learn_shapes(x[rows], y[rows], (1,), folds=folds) == ("free",)
    assert learn_shapes(x[rows], y[rows], (1,), folds=folds, codes=rows) == ("rising",)


def test_many_rows_are_spread_evenly():
    assert spread_rows(3, 10).tolist() == [0, 1, 2]
    assert spread_rows(101, 3).tolist() == [0, 50, 100]
