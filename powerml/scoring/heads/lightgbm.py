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

STAGES = (60, 100, 160, 250, 400)
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
    One thread and LightGBM's deterministic mode: the same rows give the same trees. Settings: modelling.md section 8,
    with larger and fewer steps, which lost nothing.
    """

    kind: ClassVar[str] = "lightgbm"

    def __init__(
        self,
        trees: int = 160,
        *,
        leaves: int = 8,
        learning_rate: float = 0.05,
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
        count = 3 if len(y) < FEW_ROWS else 1
        self.boosters_ = tuple(
            _plain(_grow(self._planted(X, y, constraints, seed), self.trees)) for seed in range(count)
        )

    def _decided(self, X: Floats, y: Floats, folds: Folds, codes: Rows | None) -> tuple[int, ...]:
        """Declared signs where the data does not contradict them, else 0."""
        declared = np.array([*self.signs] or [0] * X.shape[1])
        if not declared.any():
            return tuple(declared.tolist())
        bound = np.flatnonzero(declared)
        shapes = learn_shapes(X[:, bound], y, tuple(declared[bound].tolist()), folds=folds, codes=codes)
        declared[bound[[shape == "free" for shape in shapes]]] = 0
        return tuple(declared.tolist())

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
            "feature_fraction": self.column_share,
            "lambda_l2": self.ridge,
            "seed": 1000 * self.seed + seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        if any(constraints):
            settings |= {"monotone_constraints": list(constraints), "monotone_constraints_method": "intermediate"}
        rows = lightgbm.Dataset(X, y, params=settings, categorical_feature=[*self.categorical])
        return lightgbm.Booster(settings, rows)

    def rehearse(self, X: Floats, y: Floats, folds: Folds, codes: Rows | None = None) -> tuple[Self, Floats]:
        """Decides constraints, then grows one booster per fold, stage by stage, until the out-of-fold log loss rises.

        The final fit averages three boosters on small tables and is a little better than what is measured here.
        """
        constraints = self.constraints
        if constraints is None:
            constraints = self._decided(X, y, folds, codes)
        growing = [(self._planted(X[train], y[train], constraints, 0), test) for train, test in usable(folds, y)]
        best, trees, least = np.full(len(y), np.nan), self.trees, np.inf
        for stage in STAGES:
            logits = np.full(len(y), np.nan)
            for booster, test in growing:
                _grow(booster, stage)
                logits[test] = booster.predict(X[test], raw_score=True, num_threads=1)  # or growth uses more
            tested = np.isfinite(logits)
            loss = float(log_losses(y[tested], logits[tested]).sum())
            if loss >= least or not tested.any():
                break
            best, trees, least = logits, stage, loss
        return type(self)(**self.get_params() | {"trees": trees, "constraints": constraints}), best

    def _logits(self, X: Floats) -> Floats:
        return sum(booster.predict(X, raw_score=True) for booster in self.boosters_) / len(self.boosters_)

    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """LightGBM's own (path-dependent Shapley values), averaged over the boosters."""
        total = sum(booster.predict(X, pred_contrib=True) for booster in self.boosters_) / len(self.boosters_)
        baseline = float(total[0, -1]) if len(total) else 0.0
        return total[:, :-1], baseline

    def _state(self) -> dict[str, Any]:
        return {"boosters": [booster.model_to_string() for booster in self.boosters_]}

    def _restore(self, state: dict[str, Any]) -> None:
        self.boosters_ = tuple(_read(text) for text in state["boosters"])


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
