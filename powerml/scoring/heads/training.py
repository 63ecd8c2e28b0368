"""Training one side: out-of-fold predictions once, which then serve selection, blend and calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from powerml.calibration.head import CalibrationMethod, HeadCalibrator
from powerml.errors import UsageError
from powerml.scoring.heads.base import Head, usable
from powerml.scoring.heads.card import CardHead
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.registry import make_head
from powerml.scoring.heads.selection import choose, compare_heads
from powerml.scoring.heads.side import HeadInputs, Side, average_reasons
from powerml.scoring.heads.weights import FittedWeight, WeightsHead, documented_weights
from powerml.scoring.outcome.row_order import within
from powerml.statistics.folds import Folds, RowNumbers, account_folds, group_codes
from powerml.statistics.outcomes import count_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.statistics.logistic import Floats

FEW_ROWS = 10_000
"""Up to this many rows there are five folds by account; above, three tell enough."""

REHEARSAL_ROWS = 60_000
"""Above this many rows heads are compared on so many rows of whole accounts, forward in time; the fit is on all."""


@dataclass(frozen=True)
class TrainingRows:
    """Rows to train a side on: what heads read, whether it happened, accounts, instants, folds of row positions."""

    inputs: HeadInputs
    happened: np.ndarray
    groups: np.ndarray | None = None
    instants: np.ndarray | None = None
    folds: Folds | None = None

    def only(self, rows: RowNumbers, happened: np.ndarray) -> TrainingRows:
        """Some of the rows, with another outcome."""
        groups, instants = (None if v is None else v[rows] for v in (self.groups, self.instants))
        folds = None if self.folds is None else within(self.folds, rows, len(self.happened))
        return TrainingRows(self.inputs.only(rows), happened, groups, instants, folds)

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


def train_side(outcome: str, rows: TrainingRows, plan: HeadPlan, *, sign: int) -> tuple[Side, str | None]:
    """Fits, selects and calibrates one side, or lets the documented score stand in and says so in a sentence.

    `sign` is -1 for an outcome that falls with how well things go (churn), 1 for one that rises (expand).

    Up to `REHEARSAL_ROWS` one set of predictions by account-grouped folds serves selection, blend and calibration: the
    last months alone are too few rows to choose by. Above, heads are compared forward in time on some of the accounts,
    and the chosen one is fitted once more on two thirds of all accounts each, so that its calibrator sees every account
    without having learnt from it. The evidence for both is in experiments/learning/README.md.
    """
    y = rows.target
    events = count_events(rows.happened, rows.groups, rows.instants)
    against = count_events(~rows.happened, rows.groups, rows.instants)
    if min(events, against) < plan.min_events or not rows.inputs.names or not 0 < y.mean() < 1:
        return _stand_in(outcome, rows, plan, events, sign), _stand_in_note(outcome, rows, plan, events, against)
    codes = group_codes(rows.groups, len(y))
    n_folds = plan.n_folds or (5 if len(y) <= FEW_ROWS else 3)
    by_account = account_folds(y, rows.groups, n_folds=n_folds, seed=plan.seed)
    if plan.head == WeightsHead.kind:
        return _train_weights(outcome, rows, plan, by_account, events, sign), None
    folds = by_account if rows.folds is None or len(y) <= REHEARSAL_ROWS else rows.folds
    X = rows.inputs.matrix
    head = make_head(plan.head, categorical=plan.categorical, signs=plan.signs(sign), sign=sign, options=plan.options)
    some = rehearsal_rows(codes, REHEARSAL_ROWS)
    own = within(folds, some, len(y))
    choice = choose(head, X[some], y[some], folds=own, codes=codes[some], events=min(events, against))
    logits = choice.logits if len(some) == len(y) else crossed(choice.head, X, y, by_account)
    calibrator = _calibrated(logits, y, codes, _tabled(plan) if choice.head.kind == CardHead.kind else plan)
    fitted = choice.head.fit(X, y)
    return Side(outcome, fitted, calibrator, float(y.mean()), events, len(y), choice.tried, logits), None


def rehearsal_rows(codes: RowNumbers, most: int) -> RowNumbers:
    """Positions of the rows of as many accounts as fit into `most` rows, the accounts drawn by a fixed shuffle."""
    if len(codes) <= most:
        return np.arange(len(codes))
    order = np.random.default_rng(0).permutation(int(codes.max()) + 1)
    sizes = np.bincount(codes)[order]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[np.cumsum(sizes) <= most]] = True
    return np.flatnonzero(chosen[codes])


def crossed(head: Head, X: Floats, y: Floats, folds: Folds) -> Floats:
    """Out-of-fold logits (rows,) of a head whose choices are made; NaN for rows that no fold tests."""
    logits = np.full(len(y), np.nan)
    for train, test in usable(folds, y):
        logits[test] = clone(head).fit(X[train], y[train]).decision_function(X[test])
    return logits


def _tabled(plan: HeadPlan) -> HeadPlan:
    """The plan for a head on points, whose calibration its card file must hold."""
    return replace(plan, calibration="table") if plan.calibration == "auto" else plan


def _calibrated(logits: Floats, y: Floats, codes: RowNumbers, plan: HeadPlan) -> HeadCalibrator:
    """The calibrator of out-of-fold logits; the identity where no fold tests anything."""
    tested = np.isfinite(logits)
    if not tested.any():
        return HeadCalibrator.identity()
    return HeadCalibrator(plan.calibration, seed=plan.seed).fit(logits[tested], y[tested], groups=codes[tested])


def _train_weights(outcome: str, rows: TrainingRows, plan: HeadPlan, folds: Folds, events: int, sign: int) -> Side:
    """The documented weight set with fitted weights, read through a link of its own."""
    scorer = plan.documented
    if scorer is None:
        raise UsageError("head weights fits the weights of a documented weight set; name one as the prior")
    y, codes = rows.target, group_codes(rows.groups, len(rows.happened))
    documented = documented_weights(scorer)
    parts = scorer.unit_parts(rows.inputs.frame)
    head = WeightsHead(tuple(documented.values()), sign=sign, **plan.options)
    frame, logits = rows.inputs.frame, np.full(len(y), np.nan)
    for train, test in usable(folds, y):  # as it will score: clipped, scaled and read through a link
        own, link, fitted = _linked(scorer, clone(head), parts[train], frame.iloc[train], y[train], outcome)
        logits[test] = link.decision_function(_score(fitted, frame.iloc[test]))
    own, link, fitted = _linked(scorer, head, parts, frame, y, outcome)
    with np.errstate(invalid="ignore"):
        low, high = np.nanquantile(
            scorer.normalised(head.draws(parts, y, codes, seed=plan.seed)), [0.025, 0.975], axis=0
        )
    return Side(
        outcome,
        link,
        _calibrated(logits, y, codes, _tabled(plan)),
        float(y.mean()),
        events,
        len(y),
        compare_heads({WeightsHead.kind: logits}, y, codes),
        logits,
        scorer=fitted,
        average=average_reasons(fitted, rows.inputs.frame),
        weights=tuple(
            FittedWeight(part, *map(float, numbers))
            for part, *numbers in zip(documented, documented.values(), own, low, high, strict=True)
        ),
    )


def _linked(
    scorer: DocumentedScorer[Any], head: WeightsHead, parts: Floats, frame: pd.DataFrame, y: Floats, outcome: str
) -> tuple[Floats, PriorLinkHead, DocumentedScorer[Any]]:
    """The head's weights in the document's unit, the link on their score, and the set that gives it."""
    head.fit(parts, y)
    own = scorer.normalised(head.weights_)
    if not np.isfinite(own).all():  # the first action says nothing, so nothing can be relative to it
        own = head.weights_ / max(head.scale_, 1e-12)
    if not own.any():  # no part says anything, so nothing contradicts the document; the link will be flat
        own = np.array([*documented_weights(scorer).values()])
    fitted = scorer.reweighted(own.tolist(), name=f"{scorer.name}_for_{outcome}").fit(frame)
    return own, PriorLinkHead(head.sign, pull=1e-6).link(_score(fitted, frame)[:, 0], y), fitted


def _score(scorer: DocumentedScorer[Any], frame: pd.DataFrame) -> Floats:
    """The score as a column (rows, 1)."""
    return np.asarray(scorer.predict_score(frame), dtype=np.float64)[:, None]


def _stand_in(outcome: str, rows: TrainingRows, plan: HeadPlan, events: int, sign: int) -> Side:
    y, scorer = rows.target, plan.documented
    score = rows.inputs.prior
    if scorer is not None:
        score = np.asarray(scorer.predict_score(rows.inputs.frame), dtype=np.float64)
    head = PriorLinkHead(sign, pull=max(float(y.sum()), 1.0) / max(events, 1))
    return Side(
        outcome,
        head.link(np.zeros(len(y)) if score is None else score, y),
        HeadCalibrator.identity(),
        float(y.mean()) if len(y) else 0.0,
        events,
        len(y),
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
