"""The verdict: does the score tell the outcome, in one word and one sentence, per outcome and overall.

`skill` = the lower end of the 95 % account-bootstrap interval of the log-loss skill over the training base rate is
above 0; `ranks only` = the AUROC beats outcomes shuffled between accounts within month at 1 %, but skill is not
shown; `no skill`; `cannot tell` = fewer than 50 events.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from powerml.statistics.bootstrap import AccountBootstrap, interval, permutation_of_ranks
from powerml.statistics.outcomes import Predictions, base_rates, distinct_events
from powerml.statistics.scores import concordance, log_loss_rows, midranks, outcomes_log_loss_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

Word = Literal["skill", "ranks only", "no skill", "cannot tell"]
MIN_EVENTS = 50

# Folds that train on each other's rows meet every pair of folds twice, once from either side: where there is nothing to
# learn, the variance of the pooled result is twice that of as many independent rows. Folds forward in time do not.
CROSS_FITTED = 2.0


@dataclass(frozen=True)
class OutcomeVerdict:
    """The verdict on one outcome (or `overall`) with the numbers it stands on; intervals are 95 %, by account.

    `skill` is the share of the base rate's log loss that is saved. `auroc` is the chance that of two rows the one
    with the outcome has the higher probability; overall, that the one with the better outcome has the higher score.
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
    auroc: float
    auroc_low: float
    auroc_high: float
    p_value: float

    @property
    def sentence(self) -> str:
        """The verdict in a sentence, with n and intervals."""
        skill = f"{100 * self.skill:.1f} % ({100 * self.skill_low:.1f} to {100 * self.skill_high:.1f})"
        ranks = f"AUROC {self.auroc:.3f} ({self.auroc_low:.3f} to {self.auroc_high:.3f})"
        counts = f"{self.events:,} events in {self.rows:,} rows of {self.accounts:,} accounts"
        p = f"p = {self.p_value:.3f}" if self.p_value >= 0.001 else "p < 0.001"
        says = {
            "skill": f"skill: log loss is lower than the base rate's by {skill}, {ranks}; {counts}.",
            "ranks only": f"ranks only: {ranks} beats shuffled outcomes ({p}), but the probabilities are not shown to "
            f"beat the base rate (skill {skill}); {counts}.",
            "no skill": f"no skill: {ranks} is not shown to beat shuffled outcomes ({p}), nor the probabilities the "
            f"base rate (skill {skill}); {counts}.",
            "cannot tell": f"cannot tell: {counts}, and {MIN_EVENTS} events are needed.",
        }[self.verdict]
        return f"{self.outcome.capitalize()}: {says}"


@dataclass(frozen=True)
class Rival:
    """The score against another on the same rows: `gain` is the rival's log loss less ours, in nats per row."""

    name: str
    answer: Literal["better", "worse", "cannot tell"]
    gain: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """The answer in a sentence, with its interval."""
        says = {"better": "better than", "worse": "worse than", "cannot tell": "cannot be told apart from"}[self.answer]
        if self.answer == "worse":
            return f"{says} {self.name} (log loss higher by {-self.gain:.4f}, {-self.high:.4f} to {-self.low:.4f})"
        return f"{says} {self.name} (log loss lower by {self.gain:.4f}, {self.low:.4f} to {self.high:.4f})"


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
    def sentence(self) -> str:
        """The overall verdict, and how it stands to its rivals, in one sentence."""
        if not self.rivals:
            return self.overall.sentence
        return f"{self.overall.sentence.removesuffix('.')}; {'; '.join(r.sentence for r in self.rivals)}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """The overall sentence, then one for each outcome."""
        return (self.sentence, *(o.sentence for o in self.outcomes))

    def table(self) -> pd.DataFrame:
        """One row overall and one per outcome, with every number."""
        return pd.DataFrame([asdict(o) for o in (self.overall, *self.outcomes)])


def verdict(  # noqa: PLR0913 (keyword arguments of one question)
    y: ArrayLike,
    p: pd.DataFrame,
    *,
    base: Mapping[str, float] | pd.DataFrame,
    groups: ArrayLike,
    times: ArrayLike,
    score: ArrayLike | None = None,
    rivals: Mapping[str, pd.DataFrame] | None = None,
    event_ids: ArrayLike | None = None,
    horizon_days: int = 90,
    variance_factor: float = 1.0,
    repeats: int = 1000,
    seed: int = 0,
) -> Verdict:
    """The verdict on held-out predictions of labels `y` ("churn", "stay", "expand").

    Parameters
    ----------
    p : frame with `p_churn`, `p_stay` and, for three outcomes, `p_expand`; one row per row of `y`
    base : base rates of the *training* data, one per outcome, or a frame with one row per row where folds differ
    groups, times : account and cutoff of each row
    score : the 0-100 score, for the overall ranking; absent = the expected outcome value of `p`
    rivals : name -> probabilities of another scorer for the same rows, from the same folds
    variance_factor : CROSS_FITTED where the rows were predicted by account folds that trained on each other
    event_ids : the outcome's instant (or a name for it) per row; absent = see `outcomes.distinct_events`

    Raises DataError for labels that are no outcome and probabilities that do not sum to 1.
    """
    ours = Predictions.of(y, p, score)
    groups, times = np.asarray(groups), np.asarray(times)
    rates = base_rates(base, ours.outcomes, len(ours.codes))
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    events = {
        o: distinct_events(ours.came(o), groups, times, horizon_days=horizon_days, event_ids=event_ids)
        for o in ours.judged
    }

    losses = [outcomes_log_loss_rows(ours.codes, ours.probabilities), outcomes_log_loss_rows(ours.codes, rates)]
    gains, scores = [midranks(ours.codes)], [ours.score]
    alone = len(ours.judged) == 1 and score is None  # then the overall verdict is that of the one outcome
    for outcome in () if alone else ours.judged:
        came, column = ours.came(outcome), ours.outcomes.index(outcome)
        losses += [log_loss_rows(came, ours.said(outcome)), log_loss_rows(came, rates[:, column])]
        gains.append(came.astype(float))
        scores.append(ours.said(outcome))
    against = {
        name: outcomes_log_loss_rows(ours.codes, Predictions.of(y, other).probabilities) - losses[0]
        for name, other in (rivals or {}).items()
    }
    columns = np.column_stack([*losses, *against.values()])
    drawn = draws.sums(columns)
    tests = permutation_of_ranks(
        np.column_stack(gains), np.column_stack(scores), groups, times, variance_factor=variance_factor, seed=seed
    )
    wider = np.sqrt(variance_factor)

    found = []
    for i, outcome in enumerate(("overall", *(() if alone else ours.judged))):
        skill = float(1 - columns[:, 2 * i].sum() / columns[:, 2 * i + 1].sum())
        saved = _widened(interval(1 - drawn[:, 2 * i] / drawn[:, 2 * i + 1]), skill, wider)
        if outcome == "overall":
            auroc, aurocs = concordance(ours.codes, ours.score), draws.concordance(ours.codes, ours.score)
            count, rate = sum(events.values()), float(np.isin(ours.codes, _positions(ours)).mean())
        else:
            came = ours.came(outcome)
            auroc, aurocs = concordance(came, ours.said(outcome)), draws.auroc(came, ours.said(outcome))
            count, rate = events[outcome], float(came.mean())
        low, high = _widened(interval(aurocs), auroc, wider)
        found.append(
            OutcomeVerdict(
                outcome=outcome,
                verdict=_word(count, skill_low=saved[0], p_value=tests[i].p_value),
                rows=len(ours.codes),
                accounts=draws.accounts,
                events=count,
                rate=rate,
                skill=skill,
                skill_low=saved[0],
                skill_high=saved[1],
                auroc=auroc,
                auroc_low=low,
                auroc_high=high,
                p_value=tests[i].p_value,
            )
        )
    rows_drawn = draws.sums(np.ones(len(ours.codes)))
    answers = tuple(
        _rival(name, gain, _widened(interval(drawn[:, len(losses) + j] / rows_drawn), float(gain.mean()), wider))
        for j, (name, gain) in enumerate(against.items())
    )
    if alone:
        found.append(replace(found[0], outcome=ours.judged[0]))
    return Verdict(found[0], tuple(found[1:]), answers)


def _widened(ends: tuple[float, float], value: float, factor: float) -> tuple[float, float]:
    return value - factor * (value - ends[0]), value + factor * (ends[1] - value)


def _positions(ours: Predictions) -> list[int]:
    return [ours.outcomes.index(o) for o in ours.judged]


def _word(events: int, *, skill_low: float, p_value: float) -> Word:
    if events < MIN_EVENTS:
        return "cannot tell"
    if skill_low > 0:
        return "skill"
    return "ranks only" if p_value <= 0.01 else "no skill"


def _rival(name: str, gain: np.ndarray, ends: tuple[float, float]) -> Rival:
    answer: Literal["better", "worse", "cannot tell"] = "cannot tell"
    if ends[0] > 0:
        answer = "better"
    elif ends[1] < 0:
        answer = "worse"
    return Rival(name, answer, float(gain.mean()), *ends)
