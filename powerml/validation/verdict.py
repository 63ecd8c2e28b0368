"""The verdict: does the score tell the outcome, in one word and one sentence, per outcome and overall.

Skill is the share of log loss that is saved, told twice: over the training base rate, and over the best constant in
hindsight, the rate of the tested rows themselves. `skill` = the latter is half a point at least and the lower end of
its 95 % account-bootstrap interval is above 0; `ranks only` = the AUROC beats outcomes shuffled between
accounts within month at 1 %, but skill is not shown; `no skill`, and `inverted` where the AUROC's interval lies below
one half; `cannot tell` = fewer than 50 events.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval, permutation_of_ranks
from powerml.statistics.outcomes import Predictions, distinct_events
from powerml.statistics.scores import concordance, log_loss_rows, midranks, outcomes_log_loss_rows
from powerml.validation.loss_gain import log_loss_gain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.statistics.bootstrap import PermutationTest
    from powerml.validation.held_rows import HeldRows, Said

Word = Literal["skill", "ranks only", "no skill", "cannot tell"]
Ends = tuple[float, float]
Three = tuple[float, float, float]  # a value with the ends of its interval
MIN_EVENTS = 50
SMALLEST_SKILL = 0.005  # half a point: what saves less is nothing to speak of
FAIR, STRONG = 0.05, 0.20

# Folds that train on each other's rows meet every pair of folds twice, once from either side: where there is nothing to
# learn, the variance of the pooled result is twice that of as many independent rows. Folds forward in time do not.
CROSS_FITTED = 2.0
NAN_ENDS = (float("nan"), float("nan"))


@dataclass(frozen=True)
class OutcomeVerdict:
    """The verdict on one outcome (or `overall`) with the numbers it stands on; intervals are 95 %, by account.

    `skill` is the share of the training base rate's log loss that is saved, `hindsight` that of the best constant in
    hindsight. `auroc` is the chance that of two rows the one with the outcome has the higher probability; overall, that
    the one with the better outcome has the higher score. All are nan where the rows hold one outcome only.
    """

    outcome: str
    verdict: Word
    rows: int
    accounts: int
    events: int
    rate: float
    skill: float
    skill_low: float
    skill_high: float
    hindsight: float
    hindsight_low: float
    hindsight_high: float
    auroc: float
    auroc_low: float
    auroc_high: float
    p_value: float

    @property
    def size(self) -> str:
        """How much skill that is, in a word: slight below 5 %, fair, strong from 20 % on."""
        if self.hindsight < FAIR:
            return "slight"
        return "fair" if self.hindsight < STRONG else "strong"

    @property
    def told_by_rows(self) -> bool:
        """Whether the rows hold it, and something else: without that there is no figure."""
        return not np.isnan(self.auroc)

    @property
    def tells_nothing(self) -> bool:
        """Whether nothing should be built on what is said of this outcome."""
        return self.verdict == "no skill"

    @property
    def inverted(self) -> bool:
        """Whether the outcome comes where it is said to come least: the AUROC's interval lies below one half."""
        return self.tells_nothing and self.auroc_high < 0.5

    @property
    def called(self) -> str:
        """The verdict's word, or that it is inverted."""
        return "inverted" if self.inverted else self.verdict

    @property
    def told(self) -> str:
        """The verdict in words, with n and intervals."""
        counts = f"{self.events:,} events in {self.rows:,} rows of {self.accounts:,} accounts"
        if not self.told_by_rows:
            what = "no row has it" if not self.rate else "the outcome is the same in every row"
            return f"cannot tell: {what} ({counts})."
        skill = _share(self.skill, self.skill_low, self.skill_high)
        hindsight = _share(self.hindsight, self.hindsight_low, self.hindsight_high)
        ranks = f"AUROC {self.auroc:.3f} ({self.auroc_low:.3f} to {self.auroc_high:.3f})"
        p = f"p = {self.p_value:.3f}" if self.p_value >= 0.001 else "p < 0.001"
        both = f"over the best constant in hindsight {hindsight}, over the training rate {skill}"
        if self.inverted:
            where = "so the outcome comes where it is said to come least"
            return f"no skill, inverted: {ranks} lies below one half, {where} (skill {both}); {counts}."
        return {
            "skill": f"skill: log loss is lower than the base rate's by {skill}, and than the best constant's in "
            f"hindsight by {hindsight}: {self.size}; {ranks}; {counts}.",
            "ranks only": f"ranks only: {ranks} beats shuffled outcomes ({p}), but the probabilities are not shown to "
            f"beat a constant (skill {both}); {counts}.",
            "no skill": f"no skill: {ranks} is not shown to beat shuffled outcomes ({p}), nor the probabilities a "
            f"constant (skill {both}); {counts}.",
            "cannot tell": f"cannot tell: {counts}, and {MIN_EVENTS} events are needed.",
        }[self.verdict]

    @property
    def sentence(self) -> str:
        """The verdict in a sentence that names the outcome."""
        return f"{self.outcome.capitalize()}: {self.told}"


@dataclass(frozen=True)
class Rival:
    """The score against another on the same rows: `gain` is the rival's log loss less ours, in nats per row.

    `few`: the rows hold fewer events than a verdict needs, and so than any answer but "cannot tell".
    """

    name: str
    answer: Literal["better", "worse", "cannot tell"]
    gain: float
    low: float
    high: float
    few: bool = False

    @property
    def sentence(self) -> str:
        """The answer in a sentence, with its interval."""
        says = {"better": "better than", "worse": "worse than", "cannot tell": "cannot be told apart from"}[self.answer]
        says = "too few to be told apart from" if self.few else says
        return f"{says} {self.name} ({log_loss_gain(self.gain, self.low, self.high)})"


@dataclass(frozen=True)
class Verdict:
    """The verdict overall, per outcome, and over rivals such as the best single metric and the documented card."""

    overall: OutcomeVerdict
    outcomes: tuple[OutcomeVerdict, ...]
    rivals: tuple[Rival, ...] = ()

    @property
    def word(self) -> Word:
        """The overall verdict in a word."""
        return self.overall.verdict

    @property
    def told(self) -> str:
        """The overall verdict in words, and how it stands to its rivals."""
        if not self.rivals:
            return self.overall.told
        return f"{self.overall.told[:-1]}; {'; '.join(r.sentence for r in self.rivals)}."

    @property
    def sentence(self) -> str:
        """The overall verdict, and how it stands to its rivals, in one sentence."""
        return f"Overall: {self.told}"

    @property
    def telling_nothing(self) -> dict[str, str]:
        """The outcomes (and `overall`) on which nothing should be built, with the word for each."""
        return {one.outcome: one.called for one in (self.overall, *self.outcomes) if one.tells_nothing}

    @property
    def sentences(self) -> tuple[str, ...]:
        """The overall sentence, then one for each outcome."""
        return (self.sentence, *(o.sentence for o in self.outcomes))

    def table(self) -> pd.DataFrame:
        """One row overall and one per outcome, with every number."""
        return pd.DataFrame([asdict(o) for o in (self.overall, *self.outcomes)])


def verdict(
    held: HeldRows,
    said: Said,
    *,
    rivals: Mapping[str, pd.DataFrame] | None = None,
    repeats: int = 1000,
    seed: int = 0,
) -> Verdict:
    """The verdict on what was said of held-out rows.

    `rivals`: name -> probabilities of another scorer for the same rows, from the same folds. Raises DataError for
    labels that are no outcome and probabilities that do not sum to 1.
    """
    ours, accounts = said.of(held.y), held.accounts
    draws = AccountBootstrap.of(accounts, repeats=repeats, seed=seed)
    losses = outcomes_log_loss_rows(ours.codes, ours.probabilities)
    alone = len(ours.judged) == 1 and said.score is None  # then the overall verdict is that of the one outcome
    questions = [_overall(ours, said, held)]
    questions += [] if alone else [_question(ours, said, held, outcome) for outcome in ours.judged]
    against = {
        name: outcomes_log_loss_rows(ours.codes, Predictions.of(held.y, other).probabilities) - losses
        for name, other in (rivals or {}).items()
    }
    tests = permutation_of_ranks(
        np.column_stack([midranks(question.codes) for question in questions]),
        np.column_stack([question.ranks for question in questions]),
        accounts, held.times, variance_factor=held.variance_factor, seed=seed,
    )  # fmt: skip
    wider = float(np.sqrt(held.variance_factor))
    found = [_answer(question, draws, test, wider) for question, test in zip(questions, tests, strict=True)]
    few = found[0].verdict == "cannot tell"
    answers = tuple(
        _rival(name, gain, _widened(interval(draws.means(gain)), float(gain.mean()), wider), few=few)
        for name, gain in against.items()
    )
    if alone:
        found.append(replace(found[0], outcome=ours.judged[0]))
    return Verdict(found[0], tuple(found[1:]), answers)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of an outcome, or overall: the class of each row, losses and what should rise with the class."""

    outcome: str
    events: int
    rate: float
    codes: np.ndarray
    losses: np.ndarray
    reference: np.ndarray
    ranks: np.ndarray


def _overall(ours: Predictions, said: Said, held: HeldRows) -> _Question:
    judged = [ours.outcomes.index(outcome) for outcome in ours.judged]
    return _Question(
        "overall",
        sum(_events(ours, held, outcome) for outcome in ours.judged),
        float(np.isin(ours.codes, judged).mean()),
        ours.codes,
        outcomes_log_loss_rows(ours.codes, ours.probabilities),
        outcomes_log_loss_rows(ours.codes, said.rates(ours.outcomes)),
        ours.score,
    )


def _question(ours: Predictions, said: Said, held: HeldRows, outcome: str) -> _Question:
    came, p = ours.came(outcome), ours.said(outcome)
    rates = said.rates(ours.outcomes)[:, ours.outcomes.index(outcome)]
    events, losses = _events(ours, held, outcome), log_loss_rows(came, p)
    return _Question(outcome, events, float(came.mean()), came.astype(int), losses, log_loss_rows(came, rates), p)


def _events(ours: Predictions, held: HeldRows, outcome: str) -> int:
    return distinct_events(
        ours.came(outcome), held.accounts, held.times, horizon_days=held.horizon_days, event_ids=held.instants
    )


def _answer(asked: _Question, draws: AccountBootstrap, test: PermutationTest, wider: float) -> OutcomeVerdict:
    kinds = np.unique(asked.codes)
    if len(kinds) < 2:
        none = (float("nan"), *NAN_ENDS)
        return _told_of(asked, draws, "cannot tell", none, none, none, 1.0)
    drawn = draws.sums(np.column_stack([asked.losses, asked.reference, *(asked.codes == kind for kind in kinds)]))
    loss, reference, *counts = drawn.T
    skill = float(_saved(asked.losses.sum(), asked.reference.sum()))
    best = _constant_loss(np.array([(asked.codes == kind).sum() for kind in kinds], dtype=float)[:, None])[0]
    hindsight = float(_saved(asked.losses.sum(), best))
    saved = _widened(interval(_saved(loss, _constant_loss(np.array(counts)))), hindsight, wider)
    auroc = concordance(asked.codes, asked.ranks)
    aurocs = draws.auroc(asked.codes, asked.ranks) if len(kinds) == 2 else draws.concordance(asked.codes, asked.ranks)
    ranks = _widened(interval(aurocs), auroc, wider)
    word = _word(asked.events, hindsight=hindsight, low=saved[0], p_value=test.p_value)
    over_training = _widened(interval(_saved(loss, reference)), skill, wider)
    return _told_of(asked, draws, word, (skill, *over_training), (hindsight, *saved), (auroc, *ranks), test.p_value)


def _told_of(
    asked: _Question, draws: AccountBootstrap, word: Word, skill: Three, hindsight: Three, auroc: Three, p: float
) -> OutcomeVerdict:
    rows = len(asked.codes)
    counts = (rows, draws.accounts, asked.events, asked.rate)
    return OutcomeVerdict(asked.outcome, word, *counts, *skill, *hindsight, *auroc, p)


def _saved(loss: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The share of the reference's loss that is saved; nan where it loses nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share: np.ndarray = np.where(np.asarray(reference) > 0, 1 - loss / reference, np.nan)
    return share


def _constant_loss(counts: np.ndarray) -> np.ndarray:
    """Log loss, summed over rows, of always saying the rates themselves: `counts` are outcomes x replicates."""
    n = counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss: np.ndarray = -np.where(counts > 0, counts * np.log(counts / n), 0.0).sum(axis=0)
    return loss


def _word(events: int, *, hindsight: float, low: float, p_value: float) -> Word:
    if events < MIN_EVENTS:
        return "cannot tell"
    if low > 0 and hindsight >= SMALLEST_SKILL:
        return "skill"
    return "ranks only" if p_value <= 0.01 else "no skill"


def _widened(ends: Ends, value: float, factor: float) -> Ends:
    return value - factor * (value - ends[0]), value + factor * (ends[1] - value)


def _share(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _rival(name: str, gain: np.ndarray, ends: Ends, *, few: bool) -> Rival:
    answer: Literal["better", "worse", "cannot tell"] = "cannot tell"
    if not few and ends[0] > 0:
        answer = "better"
    elif not few and ends[1] < 0:
        answer = "worse"
    return Rival(name, answer, float(gain.mean()), *ends, few)
