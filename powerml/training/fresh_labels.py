"""Two registered versions on the labels that ripened since: rows that neither learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.validation.comparison import compare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.scoring.learned import Learned
    from powerml.scoring.model import ScoringModel
    from powerml.training.rows import Rows
    from powerml.validation.comparison import Comparison


@dataclass(frozen=True, eq=False)
class FreshComparison:
    """How the second of two versions stands to the first: `answer` ("better", "worse", "cannot tell"), in a sentence.

    `comparison` is None where no row is fresh; `rows` and `accounts` are those that are, `since` and `until` their
    first and last cutoff.
    """

    names: tuple[str, str]
    comparison: Comparison | None
    learned_until: str
    rows: int = 0
    accounts: int = 0
    since: str = ""
    until: str = ""

    @property
    def answer(self) -> str:
        """By log loss, over all outcomes together."""
        return "cannot tell" if self.comparison is None else self.comparison.answer(*self.names)

    @property
    def sentence(self) -> str:
        """On which rows, and what they say."""
        if self.comparison is None:
            return (
                f"Too few labels have ripened that neither {self.names[0]} nor {self.names[1]} learned from (one knows "
                f"outcomes up to {self.learned_until}), so they are not compared."
            )
        on = f"{self.rows:,} rows of {self.accounts:,} accounts ({self.since} to {self.until})"
        return f"On {on} that neither learned from: {self.comparison.sentences[0]}"


def compare_fresh(
    labelled: Rows, models: Mapping[str, ScoringModel], learned: Sequence[Learned], *, seed: int = 0
) -> FreshComparison:
    """The two `models`, by name, on the rows after those that either learned from, paired, resampled by account.

    A row is fresh where its outcome came after all that either was taught: an outcome that one of them knows would
    flatter it.
    """
    first, second = models
    times = labelled.times
    last = max(pd.Timestamp(one.outcomes_until or one.until) for one in learned if one.until is not None)
    later = pd.DatetimeIndex(times) >= last
    said = {name: model.score(labelled.frame) for name, model in models.items()}
    told = np.logical_and.reduce([table.filter(regex="^p_").notna().all(axis=1).to_numpy() for table in said.values()])
    at = np.flatnonzero(later & told)
    if len(set(labelled.y[at])) < 2 or any(not len(table.filter(regex="^p_").columns) for table in said.values()):
        return FreshComparison((first, second), None, str(last.date()))
    fresh = labelled.take(at)
    tables = {name: table.filter(regex="^p_").iloc[at].reset_index(drop=True) for name, table in said.items()}
    days = pd.DatetimeIndex(fresh.times)
    return FreshComparison(
        (first, second),
        compare(fresh.y, tables, groups=fresh.accounts, seed=seed),
        str(last.date()),
        len(at),
        len(set(fresh.accounts)),
        str(days.min().date()),
        str(days.max().date()),
    )
