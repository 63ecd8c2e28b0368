"""Training one side: out-of-fold predictions once, which then serve selection, blend and calibration."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from powerml.calibration.head import CalibrationMethod, HeadCalibrator
from powerml.errors import UsageError
from powerml.scoring.documented.base import DocumentedScorer
from powerml.scoring.heads.base import Head, crossed_base, usable
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.registry import make_head
from powerml.scoring.heads.selection import AutoHead, Choice, choose, compare_heads
from powerml.scoring.heads.side import HeadInputs, Side, blended_logits
from powerml.scoring.heads.stack import StackHead
from powerml.scoring.heads.structure import Structure, StructureFit, average_reasons, structure_of
from powerml.scoring.heads.weights import FittedWeight, WeightsHead
from powerml.statistics.folds import Folds, RowNumbers, account_folds, group_codes
from powerml.statistics.logistic import Floats, base_logit, log_losses, tested_log_loss
from powerml.statistics.outcomes import count_events
from powerml.statistics.row_order import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.screening.auto import ScreenedRows

FEW_ROWS = 10_000
"""Up to this many rows there are five folds by account; above, three tell enough."""

REHEARSAL_ROWS = 60_000
"""Above this many rows heads are compared on so many rows of whole accounts; the fit is on all."""

BLENDS = (AutoHead.kind, StackHead.kind)
"""Heads in which the documented structure takes part."""


@dataclass(frozen=True)
class TrainingRows:
    """RowNumbers to train a side on: what heads read, whether it happened, accounts, instants.

    `screened` are the model's training rows, of which these stand at the positions `at`; without them all is read.
    """

    inputs: HeadInputs
    happened: np.ndarray
    groups: np.ndarray | None = None
    instants: np.ndarray | None = None
    screened: ScreenedRows | None = None
    at: RowNumbers | None = None

    def only(self, rows: RowNumbers, happened: np.ndarray) -> TrainingRows:
        """Some of the rows, with another outcome."""
        groups, instants = (None if v is None else v[rows] for v in (self.groups, self.instants))
        at = rows if self.at is None else self.at[rows]
        return TrainingRows(self.inputs.only(rows), happened, groups, instants, self.screened, at)

    @property
    def target(self) -> Floats:
        """1 where it happened, else 0."""
        return self.happened.astype(np.float64)


@dataclass(frozen=True)
class HeadPlan:
    """Which head to fit and how: its options, the columns' declared directions, calibration, folds, the event floor.

    `documented` is the scorer that stands in where events are too few and whose weights the head `weights` fits.
    """

    head: str
    options: Mapping[str, Any]
    categorical: tuple[int, ...]
    directions: tuple[int, ...]
    calibration: CalibrationMethod = "auto"
    n_folds: int | None = None
    seed: int = 0
    min_events: int = 50
    documented: DocumentedScorer[Any] | None = None

    def signs(self, sign: int) -> tuple[int, ...]:
        """Expected effect (-1, 0, 1) of each column on an outcome that falls (-1) or rises (1) with success."""
        return tuple(direction * sign for direction in self.directions)


@dataclass(frozen=True)
class Ask:
    """One side to train: its outcome, its rows, and whether the outcome falls (-1) or rises (1) with success."""

    outcome: str
    rows: TrainingRows
    sign: int


def train_sides(asks: Sequence[Ask], plan: HeadPlan) -> list[tuple[Side, str | None]]:
    """Fits, selects and calibrates the sides of a model, each with a sentence that a reader must see, or none.

    One set of predictions by account-grouped folds serves screen, selection, blend and calibration: the last months
    alone are too few rows to choose by. Above `REHEARSAL_ROWS` it is of so many rows of whole accounts; what was chosen
    is then fitted once more to predict the rest, so that the calibrator sees every account without having learnt from
    it. A plain head that costs next to nothing is taken on all sides or on none: beside a blend it makes nothing
    simpler. A head that gains nothing on the base rate gives the base rate, and below the event floor the documented
    score stands in. The evidence is in experiments/studies/learning/README.md.
    """
    rehearsed = [_Rehearsed.of(ask, plan) for ask in asks]
    plain = all(each.allows_plain for each in rehearsed)
    return [each.finished(plain=plain) for each in rehearsed]


@dataclass(frozen=True)
class _Rehearsed:
    """A side with its heads compared; `choice` is None where events are too few to fit any."""

    ask: Ask
    plan: HeadPlan
    events: int
    against: int
    choice: Choice | None = None
    some: RowNumbers = field(default_factory=lambda: np.arange(0))
    folds: Folds = field(default_factory=list)
    structure: StructureFit | None = None

    @classmethod
    def of(cls, ask: Ask, plan: HeadPlan) -> _Rehearsed:
        """The heads that the plan names, compared on out-of-fold predictions."""
        rows, y = ask.rows, ask.rows.target
        events = count_events(rows.happened, rows.groups, rows.instants)
        against = count_events(~rows.happened, rows.groups, rows.instants)
        if min(events, against) < plan.min_events or not rows.inputs.names or not 0 < y.mean() < 1:
            return cls(ask, plan, events, against)
        n_folds = plan.n_folds or (5 if len(y) <= FEW_ROWS else 3)
        folds = usable(account_folds(y, rows.groups, n_folds=n_folds, seed=plan.seed), y)
        if plan.head == WeightsHead.kind:
            choice, fit = _weights_alone(ask.outcome, rows, plan, folds, ask.sign)
            return cls(ask, plan, events, against, choice, np.arange(len(y)), folds, fit)
        some = rehearsal_rows(group_codes(rows.groups, len(y)), REHEARSAL_ROWS)
        own = usable(within(folds, some, len(y)), y[some])
        structure = structure_of(plan.documented, ask.outcome, ask.sign) if plan.head in BLENDS else None
        choice = _compared(rows, plan, some, own, structure, sign=ask.sign, events=min(events, against))
        return cls(ask, plan, events, against, choice, some, folds, structure)

    def _short(self) -> float | None:
        """Points of skill by which the choice falls short of the base rate; None where it gains on it."""
        assert self.choice is not None
        return _short_of(self.choice.honest, self._base(), self.ask.rows.target[self.some])

    def _base(self) -> Floats:
        """The base rate's out-of-fold logits, of the rows that were rehearsed."""
        y = self.ask.rows.target
        return crossed_base(y[self.some], within(self.folds, self.some, len(y)))

    @property
    def allows_plain(self) -> bool:
        """Whether this side can be plain: a plain head costs next to nothing, or none is fitted at all."""
        return self.choice is None or self.choice.plain is not None or self._short() is not None

    def finished(self, *, plain: bool) -> tuple[Side, str | None]:
        """The side fitted and calibrated, with a sentence where something stands in; plain where all sides are."""
        ask, rows, plan, choice = self.ask, self.ask.rows, self.plan, self.choice
        if choice is None:
            told = _stand_in_note(ask.outcome, rows, plan, self.events, self.against)
            return _stand_in(ask.outcome, rows, plan, self.events, ask.sign), told
        if (short := self._short()) is not None:
            return self._silent(choice), f"{ask.outcome}: {_silent_words(choice, short)}"
        choice = choice.plain if plain and choice.plain is not None else choice
        y, codes = rows.target, group_codes(rows.groups, len(rows.happened))
        logits = _out_of_fold(choice, rows, self.some, self.structure, self.folds)
        head, beside = _fitted(choice, rows, self.structure)
        tabled = head.kind in (CardHead.kind, PriorLinkHead.kind) and choice.share in (0.0, 1.0)
        calibrator = _calibrated(logits, y, codes, _tabled(plan) if tabled else plan)
        loss = tested_log_loss(y[self.some], choice.honest) - calibrator.gain
        side = Side(ask.outcome, head, calibrator, float(y.mean()), self.events, len(y), choice.tried, logits, loss)
        if choice.share < 1.0 or beside is None:
            return replace(side, structure=beside), None
        return replace(side, scorer=beside.scorer, average=beside.average, weights=self._weights()), None

    def _weights(self) -> tuple[FittedWeight, ...]:
        """The structure's fitted weights beside the documented ones."""
        assert self.structure is not None
        rows = self.ask.rows
        codes = group_codes(rows.groups, len(rows.happened))
        return self.structure.weights(rows.inputs.frame, rows.target, codes, seed=self.plan.seed)

    def _silent(self, choice: Choice) -> Side:
        """A side that gives everybody the base rate; of the head `weights` with its weights, which were asked for."""
        y = self.ask.rows.target
        head, identity = PriorLinkHead.given(base_logit(y), 0.0), HeadCalibrator.identity()
        told = self.ask.outcome, head, identity, float(y.mean()), self.events, len(y), choice.tried
        side = Side(*told, log_loss=tested_log_loss(y[self.some], self._base()), silent=True)
        if self.plan.head != WeightsHead.kind or self.structure is None:
            return side
        found = self.structure.fit(self.ask.rows.inputs.frame, y)
        return replace(side, scorer=found.scorer, average=found.average, weights=self._weights())


def _weights_alone(
    outcome: str, rows: TrainingRows, plan: HeadPlan, folds: Folds, sign: int
) -> tuple[Choice, StructureFit]:
    """The documented set with fitted weights as the only head."""
    if not isinstance(plan.documented, DocumentedScorer):
        raise UsageError("head weights fits the weights of a documented weight set; name one as the prior")
    structure, y = StructureFit(plan.documented, outcome, sign, plan.options), rows.target
    logits = structure.crossed(rows.inputs.frame, y, folds)
    tried = compare_heads({WeightsHead.kind: logits}, y, group_codes(rows.groups, len(y)), base=crossed_base(y, folds))
    return Choice(None, logits, tried, logits, share=1.0), structure


def _compared(
    rows: TrainingRows,
    plan: HeadPlan,
    some: RowNumbers,
    folds: Folds,
    structure: StructureFit | None,
    *,
    sign: int,
    events: int,
) -> Choice:
    """The choice among heads by folds (positions among the rows `some`)."""
    X, y = rows.inputs.matrix[some], rows.target[some]
    head = make_head(plan.head, categorical=plan.categorical, signs=plan.signs(sign), sign=sign, options=plan.options)
    beside = None if structure is None else structure.crossed(rows.inputs.frame.iloc[some], y, folds)
    at = np.arange(len(rows.happened)) if rows.at is None else rows.at
    screens = None if rows.screened is None else rows.screened.screens(folds, at[some])
    codes = group_codes(rows.groups, len(rows.happened))[some]
    return choose(head, X, y, folds=folds, codes=codes, events=events, screens=screens, beside=beside)


def _fitted(
    choice: Choice, rows: TrainingRows, structure: StructureFit | None, some: RowNumbers | None = None
) -> tuple[Head, Structure | None]:
    """What was chosen, fitted on all rows (or `some`): the head, and the structure beside it.

    Where the structure counts for all, its link is the head.
    """
    own, y = (rows.inputs, rows.target) if some is None else (rows.inputs.only(some), rows.target[some])
    beside = None
    if structure is not None and choice.share > 0:
        beside = structure.fit(own.frame, y, share=choice.share)
    if choice.head is None:
        assert beside is not None
        return beside.link, beside
    return clone(choice.head).fit(own.matrix, y), beside


def _out_of_fold(
    choice: Choice, rows: TrainingRows, some: RowNumbers, structure: StructureFit | None, folds: Folds
) -> Floats:
    """Logits (rows,) of every row by fits without its account, where only `some` were rehearsed.

    A single head is fitted once more on the training rows of each of the `folds`; for a blend, whose fits cost several
    times as much, what was rehearsed stands, and one fit on those rows predicts the rest.
    """
    if len(some) == len(rows.happened):
        return choice.logits
    logits = np.full(len(rows.happened), np.nan)
    if isinstance(choice.head, StackHead) or 0.0 < choice.share < 1.0:
        logits[some] = choice.logits
        folds = [(some, np.setdiff1d(np.arange(len(logits)), some))]
    for train, test in folds:
        head, beside = _fitted(choice, rows, structure, train)
        own = rows.inputs.only(test)
        alone = None if choice.head is None else head.decision_function(own.matrix)
        logits[test] = blended_logits(alone, beside, own.frame)
    return logits


def _short_of(logits: Floats, base: Floats, y: Floats) -> float | None:
    """Points of skill by which out-of-fold logits fall short of the base rate's; None where they gain on it."""
    tested = np.isfinite(logits) & np.isfinite(base)
    if not tested.any():
        return None
    loss, whole = float(log_losses(y[tested], logits[tested]).sum()), float(log_losses(y[tested], base[tested]).sum())
    return None if loss < whole else 100 * (loss / whole - 1)


def _silent_words(choice: Choice, short: float) -> str:
    told = f"{short:.1f} points" if short >= 0.05 else "nothing"
    return (
        f"out of fold no head gains on the base rate (the best of {max(len(choice.tried), 1)} loses {told} of skill "
        "against it), so everybody gets the base rate"
    )


def rehearsal_rows(codes: RowNumbers, most: int) -> RowNumbers:
    """Positions of the rows of as many accounts as fit into `most` rows, the accounts drawn by a fixed shuffle."""
    if len(codes) <= most:
        return np.arange(len(codes))
    order = np.random.default_rng(0).permutation(int(codes.max()) + 1)
    sizes = np.bincount(codes)[order]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[np.cumsum(sizes) <= most]] = True
    return np.flatnonzero(chosen[codes])


def _tabled(plan: HeadPlan) -> HeadPlan:
    """The plan for a head on points, whose calibration its card file must hold."""
    return replace(plan, calibration="table") if plan.calibration == "auto" else plan


def _calibrated(logits: Floats, y: Floats, codes: RowNumbers, plan: HeadPlan) -> HeadCalibrator:
    """The calibrator of out-of-fold logits; the identity where no fold tests anything."""
    tested = np.isfinite(logits)
    if not tested.any():
        return HeadCalibrator.identity()
    return HeadCalibrator(plan.calibration, seed=plan.seed).fit(logits[tested], y[tested], groups=codes[tested])


def _stand_in(outcome: str, rows: TrainingRows, plan: HeadPlan, events: int, sign: int) -> Side:
    y, scorer = rows.target, plan.documented
    score = rows.inputs.prior
    if scorer is not None:
        score = np.asarray(scorer.predict_score(rows.inputs.frame), dtype=np.float64)
    column = np.zeros(len(y)) if score is None else score
    head = PriorLinkHead(sign, pull=max(float(y.sum()), 1.0) / max(events, 1))
    crossed = head.crossed(column, y, account_folds(y, rows.groups)) if len(y) else y
    return Side(
        outcome,
        head.link(column, y),
        HeadCalibrator.identity(),
        float(y.mean()) if len(y) else 0.0,
        events,
        len(y),
        log_loss=tested_log_loss(y, crossed) if len(y) else 0.0,
        stands_in=True,
        scorer=scorer,
        average={} if scorer is None else average_reasons(scorer, rows.inputs.frame),
        reads_column=scorer is None and score is not None,
    )


def _stand_in_note(outcome: str, rows: TrainingRows, plan: HeadPlan, events: int, against: int) -> str:
    if not rows.inputs.names:
        why = "no column varies"
    elif events < plan.min_events:
        counted = "event" if events == 1 else "events"
        why = f"{events} {counted} (distinct accounts and instants), fewer than the {plan.min_events} a head needs"
    else:
        why = (
            f"only {against} (distinct accounts and instants) without it, fewer than the {plan.min_events} a head needs"
        )
    if rows.inputs.prior is None and plan.documented is None:
        return f"{outcome}: {why}; no head was fitted and, for want of a documented score, the base rate stands in"
    return f"{outcome}: {why}; no head was fitted and the documented score stands in, through a cautious link"
