"""One training session: what was asked, what was judged, and which scorer is the challenger."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.config.experiment import ExperimentSpec
    from powerml.scoring.model import ScoringModel
    from powerml.statistics.outcomes import Predictions
    from powerml.training.candidates import Candidate
    from powerml.training.choice import ScorerChoice
    from powerml.training.folds import OutOfFold
    from powerml.training.judged import Judged
    from powerml.training.rows import HeldOut, Split, TrainingData
    from powerml.training.screening import Screening


@dataclass(frozen=True, eq=False)
class Session:
    """A session's candidates with what came of them.

    `its`: how the challenger was judged; None where history is too short to hold anything out. `other_way`: the best
    fitted scorer with the suspected leaks on the other side of the fence, None where nothing is suspected. `few`: the
    sentence that says that nothing could be fitted, or nothing. `models`: the scorers fitted on all mature rows.
    """

    experiment: ExperimentSpec
    data: TrainingData
    split: Split
    screening: Screening
    chosen: Sequence[Candidate]
    made: OutOfFold
    judged: Sequence[Judged]
    choice: ScorerChoice
    its: Judged | None
    other_way: Judged | None = None
    few: str = ""
    notes: tuple[str, ...] = ()
    models: Mapping[str, ScoringModel] = field(default_factory=dict)

    @property
    def best(self) -> Candidate:
        """The challenger."""
        return self.choice.best

    @property
    def seed(self) -> int:
        """The experiment's seed."""
        return self.experiment.seed

    @property
    def test(self) -> HeldOut:
        """The held-out rows."""
        return self.made.test

    @cached_property
    def predictions(self) -> Predictions:
        """What the challenger said of the held-out rows beside what came of them."""
        assert self.its is not None
        return self.its.predictions

    @property
    def twin(self) -> Judged | None:
        """The scorer that `other_way` is the twin of."""
        if self.other_way is None:
            return None
        return next(one for one in self.judged if one.name == self.other_way.candidate.twin_of)

    @property
    def every(self) -> tuple[Judged, ...]:
        """All that were judged, the scorer with the suspects the other way last."""
        return (*self.judged, *([] if self.other_way is None else [self.other_way]))

    @property
    def word(self) -> str:
        """The overall verdict on the challenger in a word."""
        return "cannot tell" if self.its is None else self.its.verdict.word


def other_way(choice: ScorerChoice, judged: Sequence[Judged], screening: Screening) -> Candidate | None:
    """The challenger (or, where that is a weight set, the best fitted scorer) with the suspects the other way."""
    fitted = {one.name: one.candidate for one in judged if one.candidate.is_fitted}
    if not screening.suspected or not fitted:
        return None
    if choice.best.is_fitted:
        return choice.best.other_way()
    losses = choice.table[choice.table["scorer"].isin(fitted)].sort_values("log_loss", kind="stable")
    return fitted[losses["scorer"].iloc[0]].other_way()
