"""One training session: what was asked, what was judged, and which scorer is the challenger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from powerml.config.documents import DOCUMENTED_CARD
from powerml.training.beside_the_verdict import CloserLook
from powerml.training.judging import Judged, simplest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.config.experiment import ExperimentSpec
    from powerml.training.candidates import Candidate
    from powerml.training.rows import HeldOut, TrainingData
    from powerml.training.screening import Screening


@dataclass(frozen=True, eq=False)
class Session:
    """A session's candidates with what came of them.

    `best`: the challenger. `other_way`: the best fitted scorer with the suspected leaks on the other side of the fence,
    None where nothing is suspected. `few`: the sentence that says that nothing could be fitted, or nothing.
    """

    experiment: ExperimentSpec
    data: TrainingData
    screening: Screening
    chosen: Sequence[Candidate]
    test: HeldOut
    judged: Sequence[Judged]
    best: Candidate
    other_way: Judged | None = None
    few: str = ""
    look: CloserLook = field(default_factory=CloserLook)
    notes: tuple[str, ...] = ()

    @property
    def its(self) -> Judged | None:
        """How the challenger was judged; None where history is too short to hold anything out."""
        return next((one for one in self.judged if one.name == self.best.name), None)

    @property
    def twin(self) -> Judged | None:
        """The scorer that `other_way` is the twin of."""
        if self.other_way is None:
            return None
        return next(one for one in self.judged if one.name == twin_of(self.other_way.candidate))

    @property
    def word(self) -> str:
        """The overall verdict on the challenger in a word."""
        return "cannot tell" if self.its is None else self.its.verdict.word


def challenger(
    chosen: Sequence[Candidate], judged: Sequence[Judged], test: HeldOut, *, few: bool, seed: int
) -> Candidate:
    """The simplest of the best; the documented card where nothing could be fitted or judged."""
    if few or not judged:
        return next((c for c in chosen if c.name == DOCUMENTED_CARD), chosen[0])
    return simplest(judged, test, seed=seed).candidate


def other_way(best: Candidate, judged: Sequence[Judged], screening: Screening) -> Candidate | None:
    """The challenger (or, where that is a weight set, the best fitted scorer) with the suspects the other way."""
    fitted = [one for one in judged if one.candidate.is_fitted]
    if not screening.suspected or not fitted:
        return None
    base = best
    if not best.is_fitted:
        base = min(fitted, key=lambda one: one.figures["skill/log_loss"]).candidate
    return base.other_way()


def twin_of(candidate: Candidate) -> str:
    """The name of the scorer that a candidate is the other way of."""
    return candidate.name.removesuffix(WITH).removesuffix(WITHOUT)


WITH, WITHOUT = " with suspects", " without suspects"
