"""The order in which rows are fitted: it does not depend on how the rows came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from powerml.statistics.folds import Folds, RowNumbers


def row_order(X: pd.DataFrame, y: np.ndarray, *, times: ArrayLike | None, ids: ArrayLike | None) -> RowNumbers:
    """Positions of rows sorted by time and id; rows that share both are sorted by all they hold."""
    keys = pd.DataFrame(index=pd.RangeIndex(len(X)))
    if times is not None:
        keys["time"] = pd.to_datetime(pd.Series(np.asarray(times)))
    if ids is not None:
        keys["id"] = np.asarray(ids).astype(str)
    if keys.shape[1] == 0 or keys.duplicated().any():
        keys["y"] = y.astype(str)
        content = X.reset_index(drop=True).add_prefix("x_")
        texts = content.select_dtypes(exclude=["number", "bool"]).astype(str)
        keys = pd.concat([keys, content.select_dtypes(include=["number", "bool"]), texts], axis=1)
    columns: list[Any] = [pd.factorize(keys[name], sort=True, use_na_sentinel=False)[0] for name in keys]
    return np.lexsort(columns[::-1]).astype(np.intp)


def within(folds: Folds, rows: RowNumbers, n_rows: int) -> Folds:
    """Folds restricted to some rows, as positions among those rows."""
    place = np.full(n_rows, -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    kept = [(place[train], place[test]) for train, test in folds]
    return [(train[train >= 0], test[test >= 0]) for train, test in kept]
