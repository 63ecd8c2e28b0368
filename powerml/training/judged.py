"""A scorer with what it said of held-out rows, and what came of that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from powerml.statistics.outcomes import VALUES
from powerml.validation.reliability import reliability_curve, score_calibration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from powerml.scoring.model import ScoringModel
    from powerml.statistics.outcomes import Predictions
    from powerml.training.candidates import Candidate
    from powerml.training.rows import HeldOut
    from powerml.validation.band_report import BandReport
    from powerml.validation.held_rows import Said
    from powerml.validation.verdict import Verdict


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorer with what it said of the held-out rows, and what came of that.

    `models`: the scorer as each fold trained it, in the order of the folds. `by_cutoff`: figures month by month.
    `rivals`: what others said of the same rows.
    """

    candidate: Candidate
    said: Said
    test: HeldOut
    verdict: Verdict
    bands: BandReport
    figures: Mapping[str, float]
    by_cutoff: Mapping[str, list[float]]
    models: tuple[ScoringModel, ...]
    rivals: Mapping[str, pd.DataFrame]

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.candidate.name

    @cached_property
    def predictions(self) -> Predictions:
        """What it said beside what came."""
        return self.said.of(self.test.rows.y)

    @property
    def stay_value(self) -> float:
        """What an outcome `stay` is worth in its score (0 to 100), and so in what its score is judged by."""
        return stay_value_of(self.models)

    @cached_property
    def score_curve(self) -> pd.DataFrame:
        """The mean outcome of those with a score, by tenths of the score; see `score_calibration`."""
        ours, rows = self.predictions, self.test.rows
        return score_calibration(
            ours.score, rows.y, outcomes=ours.outcomes, stay_value=self.stay_value, groups=rows.accounts, repeats=100
        )[1]

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """Observed against predicted rates with intervals by account; see `reliability_curve`."""
        return reliability_curve(self.test.rows.y, self.said.probabilities, groups=self.test.rows.accounts)


def stay_value_of(models: Sequence[ScoringModel]) -> float:
    """What an outcome `stay` is worth, 0 to 100, in the score that models of one scorer give."""
    return 100 * models[0].stay_value if models else VALUES["stay"]
