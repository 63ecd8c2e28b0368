"""A card file of two heads as a weight set: it scores like any other, and gives probabilities of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.card_model import CardModelSpec
from powerml.scoring.documented.base import DocumentedScorer, Numbers
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.outcome.card_file import card_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from powerml.scoring.contributions import Contributions
    from powerml.scoring.outcome.model import NestedOutcomeModel


class CardScorer(DocumentedScorer[CardModelSpec]):
    """Cards of points for one or two outcomes, each with a link: score, probabilities, and the points of each head.

    `score` is the outcome model's, calibrated as far as the card's lines and curves are; `<outcome>_points` is
    what each card gives. See `DocumentedScorer` for parameters and attributes.
    """

    kind_of_scorer = "cards"
    spec_type = CardModelSpec

    @property
    def model(self) -> NestedOutcomeModel:
        """The outcome model that the file declares."""
        return card_model(self.card)

    @property
    def parts(self) -> tuple[str, ...]:
        """The points of each head."""
        return tuple(f"{outcome}_points" for outcome in self.card.heads)

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The metrics that each head reads."""
        return {f"{outcome}_points": self.card.card(outcome).metrics for outcome in self.card.heads}

    @property
    def stay_value(self) -> float:
        """What staying is worth in the score, 0 to 1."""
        return self.card.stay_value

    @property
    def told_outcomes(self) -> tuple[str, ...]:
        """The outcomes of its heads, worst first."""
        return self.card.outcomes

    @property
    def learned_until(self) -> str | None:
        """The last cutoff that the cards were fitted on, where the file says so."""
        return self.card.trained_until

    def predict_proba_outcomes(self, X: pd.DataFrame) -> pd.DataFrame:
        """`p_churn`, `p_stay`, `p_expand` (two columns for two outcomes), with the index of X."""
        return self.model.predict_proba_outcomes(self._frame(X))

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """`score`, `band`, points of each head, probabilities, `churn_lift`, `coverage`."""
        table = self.model.score_table(self._frame(X))
        points = pd.DataFrame(self.transform(X), columns=list(self.parts), index=X.index)
        return pd.concat([table[["score", "band"]], points, table.drop(columns=["score", "band"])], axis=1)

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """What each metric adds to or takes from each score, from the average training row on."""
        return self.model.contributions(self._frame(X))

    def weight_shares(self) -> dict[str, float]:
        """The share (in %) of each metric in the points that can be had, over the heads."""
        return self.model.weight_shares()

    def reviewed(self, X: pd.DataFrame) -> None:
        """Its parts are metrics that give points for several outcomes: contributions to the score say more."""
        return

    def _frame(self, X: pd.DataFrame) -> pd.DataFrame:
        """The columns read, as numbers; raises MissingColumns, DataError."""
        return pd.DataFrame(self._numbers(X), index=X.index)

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self.model.predict_score(pd.DataFrame(numbers))

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        frame = pd.DataFrame(numbers)
        cards = [PointsScorer(self.card.card(outcome)) for outcome in self.card.heads]
        return np.column_stack([card.predict_score(frame) for card in cards])
