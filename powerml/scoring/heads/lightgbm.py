"""The tree head: small, slow, averaged LightGBM boosters that keep the declared directions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from powerml.calibration.folds import Folds, Rows, account_folds
from powerml.calibration.likelihood import Floats, log_losses
from powerml.scoring.heads.base import Head, usable
from powerml.scoring.heads.shapes import learn_shapes

STAGES = (100, 160, 250, 400)
"""Numbers of trees that `rehearse` compares."""

FEW_ROWS = 20_000
"""Below this many rows three boosters of different seeds are averaged; above, one is stable enough."""

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
    seed : int
        Seed of row and column draws.

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster

    Notes
    -----
    One thread and LightGBM's deterministic mode: the same rows give the same trees. Settings: modelling.md section 8.
    """

    kind: ClassVar[str] = "lightgbm"

    def __init__(
        self,
        trees: int = 250,
        *,
        leaves: int = 8,
        learning_rate: float = 0.03,
        ridge: float = 5.0,
        column_share: float = 0.5,
        row_share: float = 0.7,
        min_rows: int = 40,
        signs: Sequence[int] = (),
        constraints: Sequence[int] | None = None,
        categorical: Sequence[int] = (),
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
        self.seed = seed

    def _fit(self, X: Floats, y: Floats) -> None:
        constraints = self.constraints
        if constraints is None:
            constraints = self._decided(X, y, account_folds(y), None)
        self.boosters_ = self._grow(X, y, constraints, self.trees, 3 if len(y) < FEW_ROWS else 1)

    def _decided(self, X: Floats, y: Floats, folds: Folds, codes: Rows | None) -> tuple[int, ...]:
        """Declared signs where the data does not contradict them, else 0."""
        declared = np.array([*self.signs] or [0] * X.shape[1])
        if not declared.any():
            return tuple(declared.tolist())
        bound = np.flatnonzero(declared)
        shapes = learn_shapes(X[:, bound], y, tuple(declared[bound].tolist()), folds=folds, codes=codes)
        declared[bound[[shape == "free" for shape in shapes]]] = 0
        return tuple(declared.tolist())

    def _grow(self, X: Floats, y: Floats, constraints: Sequence[int], trees: int, count: int) -> tuple[Any, ...]:
        import lightgbm

        settings: dict[str, Any] = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": min(self.min_rows, max(2, len(y) // 20)),
            "bagging_fraction": self.row_share * min(1.0, max(0.43, ENOUGH_ROWS / len(y))),
            "bagging_freq": 1,
            "feature_fraction": self.column_share,
            "lambda_l2": self.ridge,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        if any(constraints):
            settings |= {"monotone_constraints": list(constraints), "monotone_constraints_method": "intermediate"}
        rows = lightgbm.Dataset(
            X, y, params=settings, categorical_feature=[*self.categorical], free_raw_data=False
        ).construct()
        return tuple(
            _plain(lightgbm.train(settings | {"seed": 1000 * self.seed + k}, rows, num_boost_round=trees))
            for k in range(count)
        )

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: Rows | None = None) -> tuple[Self, Floats]:
        """Decides constraints, then the number of trees with the smallest out-of-fold log loss, growing them once.

        One booster per fold: the average of the final fit is a little better than what is measured here.
        """
        constraints = self.constraints
        if constraints is None:
            constraints = self._decided(X, y, folds, codes)
        stages = STAGES if len(y) < FEW_ROWS else STAGES[1:3]
        logits = np.full((len(stages), len(y)), np.nan)
        for train, test in usable(folds, y):
            grown = self._grow(X[train], y[train], constraints, max(stages), 1)
            for k, trees in enumerate(stages):
                logits[k, test] = _mean_logit(grown, X[test], trees)
        tested = np.isfinite(logits[0])
        best = int(np.argmin([log_losses(y[tested], row[tested]).sum() for row in logits]))
        chosen = {"trees": stages[best], "constraints": constraints}
        return type(self)(**self.get_params() | chosen), logits[best]

    def _logits(self, X: Floats) -> Floats:
        return _mean_logit(self.boosters_, X, None)

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """LightGBM's own (path-dependent Shapley values), averaged over the boosters."""
        total = sum(booster.predict(X, pred_contrib=True) for booster in self.boosters_) / len(self.boosters_)
        baseline = float(total[0, -1]) if len(total) else 0.0
        return total[:, :-1], baseline

    def _state(self) -> dict[str, Any]:
        return {"boosters": [booster.model_to_string() for booster in self.boosters_]}

    def _restore(self, state: dict[str, Any]) -> None:
        self.boosters_ = tuple(_read(text) for text in state["boosters"])


def _mean_logit(boosters: tuple[Any, ...], X: Floats, trees: int | None) -> Floats:
    return sum(booster.predict(X, raw_score=True, num_iteration=trees) for booster in boosters) / len(boosters)


def _plain(booster: Any) -> Any:
    """The booster read back from its text without the training settings, which say nothing about the trees."""
    return _read(re.sub(r"\nparameters:.*?\nend of parameters\n", "\n", booster.model_to_string(), flags=re.DOTALL))


def _read(text: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=text)
