"""Early warning: how well a score of 30, 60, 90 and 120 days before the cutoff tells the outcome that came after it.

The score of an entity's earlier snapshot is set against the label of the later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.scores import auroc
from powerml.validation.leak_probe import values_earlier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from powerml.statistics.outcomes import Predictions

EARLY_DAYS = (30, 60, 90, 120)  # document D claims three to four months
MIN_ROWS_OF_DAY = 10  # rows with the outcome below which an AUROC says nothing


def rows_earlier(snapshots: pd.DataFrame, rows: pd.DataFrame, *, id_column: str, days: int) -> np.ndarray:
    """For each of `rows` the position in `snapshots` of the same entity's row about `days` earlier, -1 where none is.

    Both hold `as_of` and the id, and every row is among the snapshots; an earlier one may lie up to 10 days off.
    """
    keys = ["as_of", id_column]
    placed = snapshots[keys].assign(place=np.arange(len(snapshots), dtype=float))
    before = values_earlier(placed, ["place"], id_column=id_column, days=days)["place"]
    found = rows[keys].merge(placed[keys].assign(before=before), on=keys, how="left")["before"].to_numpy(dtype=float)
    return np.where(np.isnan(found), -1, found).astype(int)


def early_warning(
    now: Predictions, earlier: Mapping[int, pd.DataFrame], *, groups: ArrayLike, repeats: int = 300, seed: int = 0
) -> pd.DataFrame:
    """One row per outcome and number of days: outcome, days, rows, events, auroc, low, high, auroc_at_cutoff.

    `now`: outcomes and predictions at the cutoffs; `earlier`: days -> probabilities for the same rows, null where there
    was no snapshot. `auroc_at_cutoff` is on the same rows, so that the two can be compared; intervals are 95 %, by
    account. AUROC is null below 10 rows with the outcome.
    """
    accounts, found = np.asarray(groups), []
    for outcome in now.judged:
        for days, said in earlier.items():
            then = said[f"p_{outcome}"].to_numpy(dtype=float)
            known = ~np.isnan(then)
            came = now.came(outcome)[known]
            row: dict[str, object] = {"outcome": outcome, "days": days, "rows": len(came), "events": int(came.sum())}
            told = (np.nan,) * 4
            if MIN_ROWS_OF_DAY <= came.sum() < len(came):
                draws = AccountBootstrap.of(accounts[known], repeats=repeats, seed=seed)
                ends = interval(draws.auroc(came, then[known])) if repeats else (np.nan, np.nan)
                told = (auroc(came, then[known]), *ends, auroc(came, now.said(outcome)[known]))
            found.append(row | dict(zip(("auroc", "low", "high", "auroc_at_cutoff"), told, strict=True)))
    columns = ["outcome", "days", "rows", "events", "auroc", "low", "high", "auroc_at_cutoff"]
    return pd.DataFrame(found, columns=columns)


def early_sentence(table: pd.DataFrame) -> str:
    """What early warning there is, in a sentence per outcome; empty where no earlier snapshot is at hand."""
    said = []
    for outcome, part in table[table["auroc"].notna()].groupby("outcome", sort=False):
        parts = [
            f"{row['auroc']:.3f} ({row['low']:.3f} to {row['high']:.3f}) {row['days']} days earlier"
            for row in part.to_dict("records")
        ]
        at, n = part["auroc_at_cutoff"].iloc[0], int(part["rows"].iloc[0])
        said.append(f"Early warning of {outcome}: AUROC {at:.3f} at the cutoff, {', '.join(parts)} (n = {n:,} rows).")
    return " ".join(said)
