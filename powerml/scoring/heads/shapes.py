"""Which way a metric moves an outcome: as declared, unless the data says otherwise beyond doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from powerml.scoring.heads.binning import equal_levels
from powerml.statistics.folds import Folds, RowNumbers, clustered_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.statistics.logistic import Floats

Shape = Literal["rising", "falling", "free"]

CONTRADICTED_AT = 2.0
"""t of the paired out-of-fold log loss, monotone less free, above which the data contradicts the direction."""

MAX_SHAPE_ROWS = 50_000


def learn_shapes(
    X: Floats, y: Floats, signs: Sequence[int], *, folds: Folds, codes: RowNumbers | None = None
) -> tuple[Shape, ...]:
    """The shape of each column: its declared sign, or for sign 0 the direction that fits better, unless contradicted.

    A direction is contradicted where free rates per level predict held-out rows better than rates that only rise (or
    fall), by more than two standard errors; rows of one account (`codes`) count together.
    """
    some = spread_rows(len(y), MAX_SHAPE_ROWS)
    fold_of = np.full(len(y), -1)
    for k, (_, test) in enumerate(folds):
        fold_of[test] = k
    codes = np.arange(len(y)) if codes is None else codes
    X, y, fold_of, codes = X[some], y[some], fold_of[some], codes[some]
    return tuple(_shape(X[:, j], y, signs[j] if signs else 0, fold_of, codes) for j in range(X.shape[1]))


def bound_signs(
    X: Floats, y: Floats, signs: Sequence[int], *, folds: Folds, codes: RowNumbers | None = None
) -> tuple[int, ...]:
    """The declared effect (-1, 0, 1) of each column, 0 where the data contradicts it; see `learn_shapes`."""
    declared = np.array([*signs] or [0] * X.shape[1])
    bound = np.flatnonzero(declared)
    if len(bound):
        shapes = learn_shapes(X[:, bound], y, tuple(declared[bound].tolist()), folds=folds, codes=codes)
        declared[bound[[shape == "free" for shape in shapes]]] = 0
    return tuple(declared.tolist())


def uncontradicted(signs: Sequence[int], shapes: Sequence[Shape]) -> tuple[int, ...]:
    """Declared effects with 0 in place of those whose column was found to be free."""
    return tuple(0 if shape == "free" else sign for sign, shape in zip(signs, shapes, strict=True))


def spread_rows(n_rows: int, most: int) -> RowNumbers:
    """At most `most` row positions, evenly spaced."""
    return np.arange(n_rows) if n_rows <= most else np.linspace(0, n_rows - 1, most).astype(np.intp)


def _shape(values: Floats, y: Floats, sign: int, fold_of: RowNumbers, codes: RowNumbers) -> Shape:
    levels = equal_levels(values)
    if levels.count < 2:
        return "falling" if sign < 0 else "rising"
    level = levels.of(values)
    known = (level < levels.count) & (fold_of >= 0)
    level, y, fold_of, codes = level[known], y[known], fold_of[known], codes[known]
    if sign == 0:
        n, e = _counts(level, y, levels.count)
        sign = 1 if _loss(n, e, _ordered(n, e, 1)) <= _loss(n, e, _ordered(n, e, -1)) else -1
    shape: Shape = "rising" if sign > 0 else "falling"
    gain = np.zeros(len(y))
    for k in np.unique(fold_of):
        n, e = _counts(level[fold_of != k], y[fold_of != k], levels.count)
        test = fold_of == k
        held, free = _ordered(n, e, sign)[level[test]], _smoothed(n, e)[level[test]]
        gain[test] = np.where(y[test] == 1, np.log(free / held), np.log((1 - free) / (1 - held)))
    mean, spread = clustered_mean(gain, codes) if len(gain) else (0.0, np.inf)
    return "free" if mean > CONTRADICTED_AT * spread else shape


def _counts(level: RowNumbers, y: Floats, count: int) -> tuple[Floats, Floats]:
    """RowNumbers and events of each level."""
    n: Floats = np.bincount(level, minlength=count).astype(np.float64)
    e: Floats = np.bincount(level, weights=y, minlength=count).astype(np.float64)
    return n, e


def _smoothed(n: Floats, e: Floats) -> Floats:
    """Rate per level, drawn towards the overall rate as by two rows."""
    overall = (e.sum() + 0.5) / (n.sum() + 1)
    rates: Floats = (e + 2 * overall) / (n + 2)
    return rates


def _ordered(n: Floats, e: Floats, sign: int) -> Floats:
    """The same rates, pooled until they only rise (sign 1) or fall."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(_smoothed(n, e), weights=n + 2, increasing=sign > 0).x)


def _loss(n: Floats, e: Floats, rate: Floats) -> float:
    return -float((e * np.log(rate) + (n - e) * np.log(1 - rate)).sum())
