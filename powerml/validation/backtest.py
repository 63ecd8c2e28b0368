"""The list we would have had then, and what happened: hits, false alarms, and the churners it missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from powerml.errors import DataError, MissingColumns
from powerml.statistics.intervals import wilson
from powerml.statistics.scores import auroc

if TYPE_CHECKING:
    import pandas as pd

ListTeam = Literal["cs", "sales"]
_SOUGHT = {"cs": "churn", "sales": "expand"}


@dataclass(frozen=True, eq=False)
class Backtest:
    """`rows`: rank, id, score (and band, p_*, reasons, why where the scores have them), label, result.

    `result` is "hit", "false alarm" or "missed" (an account with the outcome that the list did not hold; ranks go on
    below the list). Accounts that were rightly left out are only counted. `tied`: accounts with the number of the last
    one listed, where some of them did not find a place.
    """

    rows: pd.DataFrame
    team: ListTeam
    listed: int
    hits: int
    events: int
    judged: int
    unjudged: int
    auroc: float
    tied: int = 0

    @property
    def sentence(self) -> str:
        """What the list caught, with interval and base rate."""
        low, high = wilson(self.hits, self.listed)
        rate = self.hits / self.listed if self.listed else float("nan")
        base = self.events / self.judged if self.judged else float("nan")
        sought = "churned" if self.team == "cs" else "expanded"
        lift = f", {rate / base:.1f} times the base rate of {100 * base:.1f} %" if base else ""
        return (
            f"Of {self.listed:,} listed {self.hits:,} {sought} ({100 * rate:.0f} %, n = {self.listed:,}, "
            f"{100 * float(low):.0f} to {100 * float(high):.0f} %){lift}; {self.events - self.hits:,} of the "
            f"{self.events:,} who {sought} were missed; {self.unjudged:,} have a score but no outcome."
            f"{self._ties}"
        )

    @property
    def _ties(self) -> str:
        """How many stand at the cut with the same number, of whom the list could take some only; else nothing."""
        if not self.tied:
            return ""
        return f" {self.tied:,} tie at the cut, and which of them are listed is by id alone."


def backtest(
    scores: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    id_column: str,
    team: ListTeam = "cs",
    top: int = 20,
) -> Backtest:
    """Scores of one cutoff against the labels of that cutoff (`id_column`, `label`).

    The list is sorted by `p_churn` (cs) or `p_expand` (sales) where the scores have them, else by `score`: lowest first
    for churn, highest for expansion; ties by `document_score` likewise, then by id. Accounts without an outcome take no
    place in it. Raises DataError where no scored account has an outcome.
    """
    sought = _SOUGHT[team]
    if absent := [c for c in (id_column, "score") if c not in scores]:
        raise MissingColumns(absent, asked_by="backtest", have=scores.columns)
    both = scores.dropna(subset=["score"]).merge(labels[[id_column, "label"]], on=id_column, how="left")
    known = both["label"].isin(["churn", "stay", "expand"])
    if not known.any():
        raise DataError("backtest: no scored account has an outcome yet; choose an earlier date")
    judged = both[known]
    pressing = judged[f"p_{sought}"] if f"p_{sought}" in judged else judged["score"] * (-1 if team == "cs" else 1)
    # where a flat link gives everybody the same, the document's own number decides before the id does
    beside = judged.get("document_score", 0.0)
    ordered = judged.assign(pressing=pressing, beside=beside).sort_values(
        ["pressing", "beside", id_column], ascending=[False, team == "cs", True]
    )
    ordered["rank"] = np.arange(1, len(ordered) + 1)
    came, in_list = ordered["label"].eq(sought), ordered["rank"] <= top
    ordered["result"] = np.select([in_list & came, in_list, came], ["hit", "false alarm", "missed"], "left out")
    shown = ["score", "band", "tier", "p_churn", "p_stay", "p_expand", "reasons", "why"]
    columns = ["rank", id_column, *(c for c in shown if c in ordered), "label", "result"]
    rows = ordered.loc[ordered["result"] != "left out", columns].reset_index(drop=True)
    return Backtest(
        rows=rows,
        team=team,
        listed=int(in_list.sum()),
        hits=int((in_list & came).sum()),
        events=int(came.sum()),
        judged=len(ordered),
        unjudged=int((~known).sum()),
        auroc=auroc(came, ordered["pressing"]),
        tied=_tied(ordered["pressing"].to_numpy(dtype=float), top),
    )


def _tied(pressing: np.ndarray, top: int) -> int:
    """How many have the number of the last one listed (`pressing` falls), 0 where all of them are listed."""
    if not 0 < top < len(pressing) or pressing[top] != pressing[top - 1]:
        return 0
    return int((pressing == pressing[top - 1]).sum())
