"""Columns of a table that never change within an account: the leak probe cannot judge them, so they get a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from powerml.training.rows import TrainingData

FEWEST_ACCOUNTS = 10
"""Accounts with several dates below which nothing is said of change."""

SHOWN = 5
"""Columns that are named, the strongest first."""


def static_columns(data: TrainingData) -> tuple[str, ...]:
    """The metrics with one value (or none) per account over all its dates; none where few accounts have several.

    Of snapshots none is asked for: they are built from what was known at each cutoff.
    """
    if data.population.from_snapshots or not data.population.timed:
        return ()
    rows = data.labelled
    accounts = pd.Series(rows.accounts, index=rows.frame.index)
    several = rows.frame["as_of"].groupby(accounts).transform("nunique") > 1
    if accounts[several].nunique() < FEWEST_ACCOUNTS:
        return ()
    values = rows.frame.loc[several, data.available].groupby(accounts[several]).nunique(dropna=False)
    return tuple(str(name) for name in values if values[name].max() == 1)


def static_sentence(data: TrainingData, probe: pd.DataFrame) -> str:
    """The sentence on static columns, the strongest by the leak probe's table first; empty where there are none."""
    static = static_columns(data)
    if not static:
        return ""
    strength = probe[probe["metric"].isin(static)].groupby("metric")["auroc"].max()
    ranked = strength.reindex(static).sort_values(ascending=False, kind="stable", na_position="last")
    told = [f"{name} (AUROC {a:.2f})" if a == a else str(name) for name, a in ranked.head(SHOWN).items()]
    more = f" and {len(static) - SHOWN} more" if len(static) > SHOWN else ""
    return (
        f"Static columns, the same at every date of an account: {', '.join(told)}{more}. The leak probe cannot tell "
        "what was known at the time from what was written in later; ask where the strong ones come from."
    )
