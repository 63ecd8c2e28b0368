"""Which scorer is the challenger: the least expected loss on out-of-fold predictions of training rows.

Held-out rows judge and choose nothing. Each scorer tells the loss to expect of what is registered (`expected_loss`): a
fitted one by predictions in which neither head nor blend were decided by a row's own fold, a documented set by links
that were fitted without each row's account, bound in sign as the registered ones are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.documents import DOCUMENTED_CARD
from powerml.statistics.outcomes import outcome_codes
from powerml.statistics.scores import outcomes_log_loss_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.scoring.model import ScoringModel
    from powerml.training.candidates import Candidate
    from powerml.training.folds import OutOfFold
    from powerml.training.rows import Rows

ENOUGH = 0.005  # half a point of skill: a simpler scorer may cost less than that


@dataclass(frozen=True, eq=False)
class ScorerChoice:
    """The scorers that took part and the one taken.

    `table`: one row per scorer, simplest first: scorer, log_loss (out of fold, nats a row), skill (over the training
    rate), chosen. `rows`: training rows it was chosen on. `by_fold`: which one each fold would take on its own training
    rows, where folds train on each other's test rows; else empty.
    """

    best: Candidate
    table: pd.DataFrame
    rows: int
    by_fold: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How it was chosen, with how many were tried; empty where there was nothing to choose by."""
        if not self.rows:
            return ""
        if len(self.table) == 1:
            return "No other scorer was tried."
        least = self.table.sort_values("log_loss", kind="stable").iloc[0]
        row = self.table[self.table["chosen"]].iloc[0]
        simpler = ""
        if least["scorer"] != row["scorer"]:
            simpler = (
                f" It is simpler than {least['scorer']} and costs {100 * (least['skill'] - row['skill']):.2f} points."
            )
        return (
            f"{self.best.name} was chosen of {len(self.table)} scorers that were tried, by out-of-fold predictions of "
            f"{self.rows:,} training rows (skill there {100 * row['skill']:.1f} %); held-out rows chose nothing."
            f"{simpler}"
        )


def challenger(chosen: Sequence[Candidate], made: OutOfFold, *, few: bool) -> ScorerChoice:
    """The simplest of the best; the documented card where nothing could be fitted or judged."""
    if few or not made.folds:
        return ScorerChoice(next((c for c in chosen if c.name == DOCUMENTED_CARD), chosen[0]), pd.DataFrame(), 0)
    order, folds = sorted(chosen, key=lambda candidate: candidate.complexity), _honest(made)
    losses = {number: _losses(order, made, number) for number in folds}
    sizes = [len(made.folds[number].train.frame) for number in folds]
    table = _table(order, (pd.DataFrame(losses) * sizes).sum(axis=1) / sum(sizes))
    best = next(c for c in chosen if c.name == _taken(table))
    by_fold = tuple(_taken(_table(order, each)) for each in losses.values()) if len(folds) > 1 else ()
    return ScorerChoice(best, table.assign(chosen=table["scorer"] == best.name), _distinct(made, folds), by_fold)


def _losses(order: Sequence[Candidate], made: OutOfFold, number: int) -> pd.Series:
    """Every scorer's expected loss on a fold's training rows, and under the empty name that of their own rates."""
    train = made.folds[number].train
    found = {c.name: expected_loss(c, made.models[c.name][number], train) for c in order}
    rates = made.folds[number].rates
    return pd.Series({"": -sum(rate * np.log(rate) for rate in rates.values() if rate > 0), **found})


def _table(order: Sequence[Candidate], losses: pd.Series) -> pd.DataFrame:
    names = [candidate.name for candidate in order]
    table = pd.DataFrame({"scorer": names, "log_loss": losses[names].to_numpy(dtype=float)})
    return table.assign(skill=1 - table["log_loss"] / losses[""])


def _taken(table: pd.DataFrame) -> str:
    """The simplest that costs less than half a point of skill."""
    return str(table.loc[table["skill"] >= table["skill"].max() - ENOUGH, "scorer"].iloc[0])


def expected_loss(candidate: Candidate, model: ScoringModel, rows: Rows) -> float:
    """Log loss (nats a row) of a scorer on rows it was trained on, by predictions made without each row's account."""
    if model.scorer.document is not model.scorer:
        return model.scorer.expected_loss()
    outcomes = candidate.data.outcomes  # a card file has probabilities of its own: it learned elsewhere
    said = model.probabilities(rows.frame)[[f"p_{outcome}" for outcome in outcomes]]
    return float(outcomes_log_loss_rows(outcome_codes(rows.y, outcomes), said).mean())


def _honest(made: OutOfFold) -> list[int]:
    """The folds to choose by: the last whose training rows hold no test row; where every one does, all of them."""
    tested = set(zip(made.test.rows.ids, made.test.rows.times, strict=True))
    free = [fold.number for fold in made.folds if not tested & set(zip(fold.train.ids, fold.train.times, strict=True))]
    return free[-1:] or [fold.number for fold in made.folds]


def _distinct(made: OutOfFold, folds: Sequence[int]) -> int:
    """How many different rows the folds were trained on."""
    trained = [made.folds[number].train for number in folds]
    return len({key for rows in trained for key in zip(rows.ids, rows.times, strict=True)})
