"""The tree head: small, slow, averaged LightGBM boosters that keep the declared directions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from powerml.scoring.heads.base import Head, usable
from powerml.scoring.heads.shapes import bound_signs
from powerml.scoring.heads.threads import side_by_side
from powerml.statistics.folds import Folds, RowNumbers, account_folds, clustered_mean, without
from powerml.statistics.logistic import Floats, log_losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.screening.auto import Screens

STAGES = (25, 40, 55, 75, 100, 140, 200, 280)
"""Numbers of trees that `rehearse` compares, until one gains less than `WORTH` of the log loss."""

WORTH = 0.002

LEAST_COLUMNS = 8
"""Columns a tree draws at least: with one or two it could see no interaction."""

MOST_MORE = 2.0
"""A fit on all rehearsed rows has more than those of the folds and bears more trees: in proportion, up to this.

A fit on still more rows (heads are rehearsed on 60,000) keeps that number: growing it by the square root gained nothing
in log loss on three simulated products, and made probabilities too extreme on one.
"""

USUAL_TREES = 55
TOLD_BY_ROWS = 5_000
"""Folds that test so many rows draw the number of trees half-way (in logarithms) from the usual one to their own."""

DEEPER_AT = 2.0
"""t of the paired out-of-fold log loss, small trees less deeper ones, above which the data contradicts small trees."""

ENOUGH_ROWS = 30_000
"""With more rows than this a tree draws fewer of them, down to three in ten; row_share holds below."""


class LightGBMHead(Head):
    """Gradient-boosted trees, regularised; nulls go where they fit best; contributions are LightGBM's own.

    Parameters
    ----------
    trees : int
        Trees per booster; `rehearse` chooses it by folds.
    leaves, learning_rate, ridge, column_share, row_share, min_rows
        Leaves of a tree, shrinkage, l2 of leaf values, shares drawn per tree, rows of a leaf (fewer for small tables).
    signs : sequence of int
        Declared effect (-1, 0, 1) of each column on the event, kept unless the data contradicts it.
    constraints : sequence of int
        Constraints decided beforehand; by default from `signs`.
    categorical : sequence of int
        Positions of columns that hold level numbers.
    deeper : bool
        Whether `rehearse` may answer with `deep_trees`, which no direction binds, where they predict better at t > 2.
    averaged, averaged_rows : int
        Boosters of different seeds are averaged until they have seen so many rows together, `averaged` at most.
    seed : int
        Seed of row and column draws.

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster

    Notes
    -----
    One thread and LightGBM's deterministic mode: the same rows give the same trees. Settings: usual ones,
    with larger and fewer steps and 63 bins, which lost nothing, and three columns in ten per tree, which gained.
    """

    kind: ClassVar[str] = "lightgbm"

    def __init__(  # noqa: PLR0913 (an estimator's settings)
        self,
        trees: int = 100,
        *,
        leaves: int = 8,
        learning_rate: float = 0.075,
        ridge: float = 5.0,
        column_share: float = 0.3,
        row_share: float = 0.7,
        min_rows: int = 40,
        signs: Sequence[int] = (),
        constraints: Sequence[int] | None = None,
        categorical: Sequence[int] = (),
        deeper: bool = True,
        averaged: int = 3,
        averaged_rows: int = 15_000,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.ridge = ridge
        self.column_share = column_share
        self.row_share = row_share
        self.min_rows = min_rows
        self.signs = signs
        self.constraints = constraints
        self.categorical = categorical
        self.deeper = deeper
        self.averaged = averaged
        self.averaged_rows = averaged_rows
        self.seed = seed

    def _fit(self, X: Floats, y: Floats) -> None:
        constraints = self.constraints
        if constraints is None:
            constraints = bound_signs(X, y, self.signs, folds=account_folds(y))
        count = min(self.averaged, -(-self.averaged_rows // len(y)))
        works = [
            lambda seed=seed: _plain(_grow(self._planted(X, y, constraints, seed), self.trees)) for seed in range(count)
        ]
        self.boosters_ = tuple(side_by_side(works))

    def _planted(self, X: Floats, y: Floats, constraints: Sequence[int], seed: int) -> Any:
        """A booster of no trees yet, with the rows it will grow on."""
        import lightgbm

        settings: dict[str, Any] = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": min(self.min_rows, max(2, len(y) // 20)),
            "bagging_fraction": self.row_share * min(1.0, max(0.43, ENOUGH_ROWS / len(y))),
            "bagging_freq": 1,
            "feature_fraction": min(1.0, max(self.column_share, LEAST_COLUMNS / X.shape[1])),
            "lambda_l2": self.ridge,
            "seed": 1000 * self.seed + seed,
            "deterministic": True,
            "force_col_wise": True,
            "max_bin": 63,
            "num_threads": 1,
            "verbosity": -1,
        }
        if any(constraints):
            settings |= {"monotone_constraints": list(constraints), "monotone_constraints_method": "intermediate"}
        rows = lightgbm.Dataset(X, y, params=settings, categorical_feature=[*self.categorical])
        return lightgbm.Booster(settings, rows)

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Any, Floats]:
        """Decides constraints and the number of trees; deeper trees in its place where they are better beyond doubt.

        Trees choose among all columns by themselves, whatever the screens keep.

        The final fit averages boosters on small tables and is a little better than what is measured here.
        """
        if not self.deeper:
            return self._staged(X, y, folds, codes)
        other = deep_trees(self.categorical)
        small, deep = side_by_side(
            [lambda: self._staged(X, y, folds, codes), lambda: other._staged(X, y, folds, codes)]
        )
        return deeper_of(small, deep, y, codes)

    def _staged(self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None) -> tuple[Self, Floats]:
        """Grows one booster per fold, stage by stage, while that is worth it."""
        constraints = self.constraints
        if constraints is None:
            constraints = bound_signs(X, y, self.signs, folds=folds, codes=codes)
        tried = usable(folds, y)
        growing = [(self._planted(X[train], y[train], constraints, 0), X[test], test) for train, test in tried]
        best, trees, least, grown = np.full(len(y), np.nan), self.trees, np.inf, 0
        logits = np.full(len(y), np.nan)
        for _, _, test in growing:
            logits[test] = 0.0
        for stage in STAGES:
            for booster, rows, test in growing:
                _grow(booster, stage)
                logits[test] += booster.predict(  # one thread, or growth uses more
                    rows, raw_score=True, num_threads=1, start_iteration=grown, num_iteration=stage - grown
                )
            tested = np.isfinite(logits)
            loss = float(log_losses(y[tested], logits[tested]).sum())
            if not tested.any() or loss > least * (1.0 - WORTH):
                break
            best, trees, least, grown = logits.copy(), stage, loss, stage
        if tried:
            more = min(MOST_MORE, len(y) / float(np.mean([len(train) for train, _ in tried])))
            told = tested.sum() / (tested.sum() + TOLD_BY_ROWS)
            trees = round(USUAL_TREES * (trees * more / USUAL_TREES) ** told)
        return type(self)(**self.get_params() | {"trees": trees, "constraints": constraints}), best

    def _logits(self, X: Floats) -> Floats:
        logits: Floats = sum(booster.predict(X, raw_score=True) for booster in self.boosters_) / len(self.boosters_)
        return logits

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """LightGBM's own (path-dependent Shapley values), averaged over the boosters."""
        total = sum(booster.predict(X, pred_contrib=True) for booster in self.boosters_) / len(self.boosters_)
        baseline = float(total[0, -1]) if len(total) else 0.0
        return total[:, :-1], baseline

    def _state(self) -> dict[str, Any]:
        return {"boosters": [booster.model_to_string() for booster in self.boosters_]}

    def _restore(self, state: dict[str, Any]) -> None:
        self.boosters_ = tuple(_read(text) for text in state["boosters"])


def deep_trees(categorical: Sequence[int]) -> LightGBMHead:
    """Trees that no direction binds, for tables rich in interactions, where small ones stop too early."""
    return LightGBMHead(leaves=31, min_rows=10, averaged_rows=50_000, deeper=False, seed=1, categorical=categorical)


def deeper_of(
    small: tuple[Head, Floats], deep: tuple[Head, Floats], y: Floats, codes: RowNumbers | None = None
) -> tuple[Head, Floats]:
    """The rehearsed small trees, or the deep ones where these predict held-out rows better at t > 2 (by account)."""
    tested = np.isfinite(small[1]) & np.isfinite(deep[1])
    if not tested.any():
        return small
    gain = log_losses(y[tested], small[1][tested]) - log_losses(y[tested], deep[1][tested])
    mean, spread = clustered_mean(gain, np.arange(len(gain)) if codes is None else codes[tested])
    return deep if mean > DEEPER_AT * spread else small


def crossed_deeper(
    small: tuple[Head, Floats], deep: tuple[Head, Floats], y: Floats, folds: Folds, codes: RowNumbers
) -> Floats:
    """Logits (rows,) of the trees, small or deep, that are chosen without each row's fold."""
    logits = np.full(len(y), np.nan)
    for _, test in usable(folds, y):
        taken = deeper_of((small[0], without(small[1], test)), deep, y, codes)[0]
        logits[test] = (deep if taken is deep[0] else small)[1][test]
    return logits


def _grow(booster: Any, trees: int) -> Any:
    """The booster, grown to that many trees (fewer where nothing is left to split)."""
    while booster.current_iteration() < trees:
        if booster.update():
            break
    return booster


def _plain(booster: Any) -> Any:
    """The booster read back from its text without the training settings, which say nothing about the trees."""
    return _read(re.sub(r"\nparameters:.*?\nend of parameters\n", "\n", booster.model_to_string(), flags=re.DOTALL))


def _read(text: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=text)
