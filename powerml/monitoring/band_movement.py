"""How entities move between bands from one date to the next, and how full the bands are over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.bands.ladder import ladder_index, shares

if TYPE_CHECKING:
    from powerml.config.bands import BandsSpec


def movements(before: pd.Series, after: pd.Series, bands: BandsSpec) -> pd.DataFrame:
    """Entities scored at both dates: `from_band`, `to_band`, `score_before`, `score_after`, `steps`.

    Both are scores indexed by entity; rows keep the order of `after`. `steps` counts bands, negative downwards.

    >>> import pandas as pd
    >>> from powerml.config.bands import BandsSpec
    >>> bands = BandsSpec.model_validate({70: "High", 30: "Middle", 0: "Low"})
    >>> moved = movements(pd.Series({"ada": 75.0}), pd.Series({"ada": 20.0, "new": 50.0}), bands)
    >>> print(*moved.loc["ada", ["from_band", "to_band", "steps"]])
    High Low -2
    """
    old = before.reindex(after.index)
    both = (old.notna() & after.notna()).to_numpy()
    old, new = old[both], after[both]
    names = np.array(bands.names, dtype=object)
    source, target = ladder_index(old, bands.edges), ladder_index(new, bands.edges)
    return pd.DataFrame(
        {
            "from_band": names[source],
            "to_band": names[target],
            "score_before": old.to_numpy(),
            "score_after": new.to_numpy(),
            "steps": source - target,
        },
        index=old.index,
    )


def crossed_down(before: pd.Series, after: pd.Series, bands: BandsSpec) -> pd.DataFrame:
    """Who moved down a band since last time, the longest fall first; columns as `movements`."""
    moved = movements(before, after, bands)
    return moved[moved["steps"] < 0].sort_values(["steps", "score_after"], kind="stable")


def transitions(moved: pd.DataFrame, bands: BandsSpec) -> pd.DataFrame:
    """How many of `movements` went from each band (rows) to each (columns), highest band first."""
    counts = pd.crosstab(moved["from_band"], moved["to_band"])
    return counts.reindex(index=list(bands.names), columns=list(bands.names), fill_value=0)


def shares_over_time(scores: pd.DataFrame, bands: BandsSpec) -> pd.DataFrame:
    """Share of entities in each band at each date: columns `as_of`, `band`, `n`, `share`.

    `scores` has columns `as_of` and `score`; rows without a score are left out.
    """
    dated = [
        shares(group["score"], bands)[["band", "n", "share"]].assign(as_of=as_of)
        for as_of, group in scores.groupby("as_of", sort=True)
    ]
    columns = ["as_of", "band", "n", "share"]
    return pd.concat(dated, ignore_index=True)[columns] if dated else pd.DataFrame(columns=columns)
