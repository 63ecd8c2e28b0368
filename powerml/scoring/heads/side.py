"""One side of the outcome model: a fitted head, its calibrator, and what they were fitted on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from powerml.calibration.folds import Rows
from powerml.calibration.head import HeadCalibrator
from powerml.calibration.likelihood import Floats
from powerml.calibration.shift import Shift
from powerml.scoring.heads.base import Head
from powerml.scoring.heads.making import head_from_dict
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.selection import Tried
from powerml.scoring.reasons import head_shares


@dataclass(frozen=True)
class Inputs:
    """What the heads read of some rows: the encoded metrics, and the documented score with its contributions."""

    matrix: Floats
    names: tuple[str, ...]
    prior: Floats | None = None
    prior_contributions: pd.DataFrame | None = None
    prior_baseline: float = 0.0

    def only(self, rows: Rows) -> Inputs:
        """Some of the rows, for fitting."""
        return Inputs(self.matrix[rows], self.names, None if self.prior is None else self.prior[rows])


@dataclass(frozen=True)
class Explained:
    """Contributions (rows, names) to a calibrated logit that goes from `start` to `ends` (rows,)."""

    names: tuple[str, ...]
    values: Floats
    start: float
    ends: Floats


@dataclass(frozen=True)
class Side:
    """A head for one outcome, its calibrator, and the training rows' base rate, events and number.

    `tried` lists the heads that were compared, `out_of_fold` the raw logits of the training rows in fitting order
    (not written), `leans_on_score` whether a documented score stands in for a fitted head.
    """

    outcome: str
    head: Head
    calibrator: HeadCalibrator
    base_rate: float
    events: int
    rows: int
    tried: tuple[Tried, ...] = ()
    out_of_fold: Floats | None = field(default=None, compare=False, repr=False)
    leans_on_score: bool = False

    @property
    def stands_in(self) -> bool:
        """Whether there were too few events for a head of its own."""
        return isinstance(self.head, PriorLinkHead)

    def _columns(self, inputs: Inputs) -> Floats:
        if not self.stands_in:
            return inputs.matrix
        return np.zeros((len(inputs.matrix), 1)) if inputs.prior is None else inputs.prior[:, None]

    def logits(self, inputs: Inputs) -> Floats:
        """Calibrated logits (rows,)."""
        return self.calibrator.transform(self.head.decision_function(self._columns(inputs)))

    def recalibrate(self, inputs: Inputs, happened: np.ndarray) -> Shift:
        """Moves the calibrator's intercept to newer mature rows; returns the move."""
        return self.calibrator.recalibrate(self.head.decision_function(self._columns(inputs)), happened)

    def explain(self, inputs: Inputs) -> Explained:
        """What each metric adds to the calibrated logit, the logit it starts from and the one it ends at."""
        raw, start = self.head.contributions(self._columns(inputs))
        names = inputs.names
        if isinstance(self.head, PriorLinkHead):
            names = ("documented_score",)
            if inputs.prior_contributions is not None:
                raw = inputs.prior_contributions.to_numpy(dtype=np.float64) * self.head.per_point
                start = start + self.head.per_point * (inputs.prior_baseline - self.head.mean_)
                names = tuple(map(str, inputs.prior_contributions.columns))
        ends = self.calibrator.transform(start + raw.sum(axis=1))
        first, nearby = map(float, self.calibrator.transform(np.array([start, start + 1e-4])))
        return Explained(names, head_shares(raw, first, ends, (nearby - first) / 1e-4), first, ends)

    def to_dict(self) -> dict[str, Any]:
        """The side as JSON-able data, out-of-fold predictions left out."""
        return {
            "outcome": str(self.outcome),
            "head": self.head.to_dict(),
            "calibrator": self.calibrator.to_dict(),
            "base_rate": self.base_rate,
            "events": self.events,
            "rows": self.rows,
            "tried": [tried.to_dict() for tried in self.tried],
            "leans_on_score": self.leans_on_score,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Side:
        """The side that `to_dict` wrote."""
        return cls(
            written["outcome"],
            head_from_dict(written["head"]),
            HeadCalibrator.from_dict(written["calibrator"]),
            written["base_rate"],
            written["events"],
            written["rows"],
            tuple(Tried(**tried) for tried in written["tried"]),
            leans_on_score=written["leans_on_score"],
        )
