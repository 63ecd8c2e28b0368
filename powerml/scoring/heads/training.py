"""Training one side: out-of-fold predictions once, which then serve selection, blend and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from powerml.calibration.folds import Folds, Rows, account_folds, group_codes
from powerml.calibration.head import CalibrationMethod, HeadCalibrator
from powerml.calibration.likelihood import Floats
from powerml.scoring.heads.making import make_head
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.selection import choose
from powerml.scoring.heads.side import Inputs, Side
from powerml.scoring.ordering import count_events, within


@dataclass(frozen=True)
class TrainingRows:
    """Rows to train a side on: what heads read, whether it happened, accounts, instants, folds of row positions."""

    inputs: Inputs
    happened: np.ndarray
    groups: np.ndarray | None = None
    instants: np.ndarray | None = None
    folds: Folds | None = None

    def only(self, rows: Rows, happened: np.ndarray) -> TrainingRows:
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
    """Which head to fit and how: its options, the columns' declared directions, calibration, folds, the event floor."""

    head: str
    options: Mapping[str, Any]
    categorical: tuple[int, ...]
    directions: tuple[int, ...]
    calibration: CalibrationMethod = "auto"
    n_folds: int = 5
    seed: int = 0
    min_events: int = 50

    def signs(self, sign: int) -> tuple[int, ...]:
        """Expected effect (-1, 0, 1) of each column on an outcome that falls (-1) or rises (1) with success."""
        return tuple(direction * sign for direction in self.directions)


def train_side(outcome: str, rows: TrainingRows, plan: HeadPlan, *, sign: int) -> tuple[Side, str | None]:
    """Fits, selects and calibrates one side, or lets the documented score stand in and says so in a sentence.

    `sign` is -1 for an outcome that falls with how well things go (churn), 1 for one that rises (expand).
    """
    y = rows.target
    events = count_events(rows.happened, rows.groups, rows.instants)
    against = count_events(~rows.happened, rows.groups, None)
    if min(events, against) < plan.min_events or not rows.inputs.names or not 0 < y.mean() < 1:
        return _stand_in(outcome, rows, events, sign), _stand_in_note(outcome, rows, plan, events, against)
    folds = rows.folds
    if folds is None:
        folds = account_folds(y, rows.groups, n_folds=plan.n_folds, seed=plan.seed)
    codes = group_codes(rows.groups, len(y))
    X = rows.inputs.matrix
    head = make_head(plan.head, categorical=plan.categorical, signs=plan.signs(sign), sign=sign, options=plan.options)
    choice = choose(head, X, y, folds=folds, codes=codes, events=min(events, against))
    tested = np.isfinite(choice.logits)
    calibrator = HeadCalibrator.identity()
    if tested.any():
        calibrator = HeadCalibrator(plan.calibration, seed=plan.seed)
        calibrator.fit(choice.logits[tested], y[tested], groups=codes[tested])
    fitted = choice.head.fit(X, y)
    return Side(outcome, fitted, calibrator, float(y.mean()), events, len(y), choice.tried, choice.logits), None


def _stand_in(outcome: str, rows: TrainingRows, events: int, sign: int) -> Side:
    y = rows.target
    score = np.zeros(len(y)) if rows.inputs.prior is None else rows.inputs.prior
    head = PriorLinkHead(sign, rows_per_event=max(float(y.sum()), 1.0) / max(events, 1)).link(score, y)
    rate = float(y.mean()) if len(y) else 0.0
    return Side(
        outcome, head, HeadCalibrator.identity(), rate, events, len(y), leans_on_score=rows.inputs.prior is not None
    )


def _stand_in_note(outcome: str, rows: TrainingRows, plan: HeadPlan, events: int, against: int) -> str:
    if not rows.inputs.names:
        why = "no column varies"
    elif events < plan.min_events:
        counted = "event" if events == 1 else "events"
        why = f"{events} {counted} (distinct accounts and instants), fewer than the {plan.min_events} a head needs"
    else:
        why = f"only {against} accounts without it, fewer than the {plan.min_events} a head needs"
    if rows.inputs.prior is None:
        return f"{outcome}: {why}; no head was fitted and, for want of a documented score, the base rate stands in"
    return f"{outcome}: {why}; no head was fitted and the documented score stands in, through a cautious link"
