"""Categories as numbers: each text stands at the mean outcome of the training rows that carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.outcomes import outcome_codes, outcome_values, outcomes_seen

if TYPE_CHECKING:
    from collections.abc import Iterable

ENCODING_PULL = 10.0
"""Rows at the overall mean that every text counts with, so that a rare text does not stand for its own outcome."""


def numeric_view(
    frame: pd.DataFrame, metrics: Iterable[str], *, learned_from: pd.DataFrame, texts: Iterable[str] = ()
) -> pd.DataFrame:
    """The columns `metrics` of `frame` as numbers: those among `texts` at the mean outcome of their text, in 0-100.

    `learned_from`: training rows with `label`. A text that they do not hold stands at their overall mean; nulls stay.

    >>> rows = pd.DataFrame({"contract": ["monthly"] * 10 + ["yearly"] * 10, "label": ["churn"] * 10 + ["stay"] * 10})
    >>> numeric_view(rows, ["contract"], learned_from=rows, texts=["contract"])["contract"].unique().tolist()
    [25.0, 75.0]
    """
    metrics, categories = list(metrics), set(texts)
    view = {name: frame[name].astype(float) for name in metrics if name not in categories}
    if categories & set(metrics):
        labels = learned_from["label"]
        outcomes = outcomes_seen(labels)
        worth = outcome_values(outcomes)[outcome_codes(labels, outcomes)]
        mean = float(worth.mean())
        for name in metrics:
            if name in categories:
                known = learned_from[name]
                sums = pd.Series(worth, index=known.index).groupby(known).agg(["sum", "size"])
                means = (sums["sum"] + ENCODING_PULL * mean) / (sums["size"] + ENCODING_PULL)
                value = frame[name].map(means).astype(float)
                view[name] = value.where(~(value.isna() & frame[name].notna()), mean)
    return pd.DataFrame({name: view[name] for name in metrics}, index=frame.index).astype(np.float64)
