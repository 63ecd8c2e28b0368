"""What the outcome model takes from the rows it is given: a frame of named columns, and the outcomes worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_array, check_consistent_length, column_or_1d

from powerml.screening.auto import ScreenedRows
from powerml.statistics.folds import group_codes
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.base import BaseEstimator

    from powerml.scoring.heads.encoding import TableEncoder
    from powerml.screening.auto import AutoScreen
    from powerml.statistics.logistic import Floats

STRUCTURE = ("as_of", "user_id", "account_id", "enough_history", "active", "label", "treated")
"""Snapshot columns that say who, when and what, and are never metrics."""


def named_columns(X: Any, estimator: BaseEstimator) -> pd.DataFrame:
    """X as a frame with text names; arrays are checked and their columns called x0, x1, ..."""
    if isinstance(X, pd.DataFrame):
        return X.rename(columns=str)
    values = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", estimator=estimator)
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])


def checked_outcomes(y: Any, rows: pd.DataFrame) -> np.ndarray:
    """The outcome of each row (rows,); raises ValueError where y is no column of classes as long as `rows`."""
    outcomes: np.ndarray = column_or_1d(np.asarray(y), warn=True)
    assert_all_finite(outcomes, input_name="y")
    check_consistent_length(rows, outcomes)
    check_classification_targets(outcomes)
    return outcomes


def ordered_outcomes(y: np.ndarray, given: Sequence[str] | None) -> tuple[Any, ...]:
    """The outcomes, worst first: those given, or those in y; raises ValueError where y holds others, or too few.

    >>> ordered_outcomes(np.array(["stay", "expand", "churn"]), None)
    ('churn', 'stay', 'expand')
    """
    seen = np.unique(y).tolist()
    if given is not None:
        outcomes = tuple(given)
        if unknown := [v for v in seen if v not in outcomes]:
            raise ValueError(f"y holds {unknown[0]!r}; the outcomes are {', '.join(map(str, outcomes))}")
        if len(outcomes) not in (2, 3):
            raise ValueError(f"there are {len(outcomes)} outcomes; name two or three, worst first")
        return outcomes
    if len(seen) < 2:
        raise ValueError(f"y holds one class only, {seen[0]!r}; a model needs rows of two outcomes")
    if set(seen) <= set(OUTCOMES):
        return tuple(outcome for outcome in OUTCOMES if outcome in seen or outcome != "expand")
    if len(seen) > 2:
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return tuple(seen)


def screened_rows(
    rule: AutoScreen | None, encoder: TableEncoder, matrix: Floats, outcomes: np.ndarray, accounts: np.ndarray | None
) -> ScreenedRows | None:
    """The training rows from which screens are learned; None where all is read."""
    if rule is None:
        return None
    labels, codes = outcomes.astype(str), group_codes(accounts, len(outcomes))
    return ScreenedRows.of(rule, matrix, labels, codes, names=encoder.names, categorical=encoder.categorical)
