"""One side of the outcome model: a fitted head, its calibrator, and what they were fitted on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.calibration.head import HeadCalibrator
from powerml.calibration.maps import Identity, Isotonic, Platt, clip_logits
from powerml.errors import UsageError
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.registry import head_from_dict
from powerml.scoring.heads.selection import Tried
from powerml.scoring.heads.structure import Structure, link_reasons
from powerml.scoring.heads.weights import FittedWeight
from powerml.scoring.path import head_shares
from powerml.scoring.stored import documented_from_dict
from powerml.statistics.logistic import LogitLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import ArrayLike

    from powerml.calibration.shift import Shift
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.heads.base import Head
    from powerml.statistics.folds import RowNumbers
    from powerml.statistics.logistic import Floats


@dataclass(frozen=True)
class HeadInputs:
    """What the heads read of some rows: encoded metrics, the rows as given, a documented score given as a column."""

    matrix: Floats
    names: tuple[str, ...]
    frame: pd.DataFrame
    prior: Floats | None = None

    def only(self, rows: RowNumbers) -> HeadInputs:
        """Some of the rows, for fitting."""
        prior = None if self.prior is None else self.prior[rows]
        return HeadInputs(self.matrix[rows], self.names, self.frame.iloc[rows], prior)


@dataclass(frozen=True)
class SideExplained:
    """Contributions (rows, names) to a calibrated logit that goes from `start` to `ends` (rows,)."""

    names: tuple[str, ...]
    values: Floats
    start: float
    ends: Floats


@dataclass(frozen=True)
class Link:
    """The line from a head's points to a logit, and the map to the outcome's logit where that is not the same.

    `curve` holds (line's logit, outcome's logit), both rising: straight from one to the next, flat beyond the ends.
    """

    line: LogitLine
    curve: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Side:
    """A head for one outcome, its calibrator, and the training rows' base rate, events and number.

    `tried` lists the heads that were compared, `out_of_fold` the raw logits of the training rows in fitting order and
    `log_loss` (nats a row) what is to be expected on other accounts: by predictions in which neither head nor weights
    of a blend nor calibration were decided by a row's own fold (neither is written). A side may read a weight set's
    score instead of the metrics: `scorer`, with the fitted `weights` beside the documented ones, or standing in for
    want of events (`stands_in`); `average` is what the scorer's metrics contribute in the average training row, which
    reasons start from.
    """

    outcome: str
    head: Head
    calibrator: HeadCalibrator
    base_rate: float
    events: int
    rows: int
    tried: tuple[Tried, ...] = ()
    out_of_fold: Floats | None = field(default=None, compare=False, repr=False)
    log_loss: float = field(default=float("nan"), compare=False)
    stands_in: bool = False
    scorer: DocumentedScorer[Any] | None = None
    average: Mapping[str, float] = field(default_factory=dict)
    reads_column: bool = False
    weights: tuple[FittedWeight, ...] = ()
    structure: Structure | None = None
    silent: bool = False

    @property
    def reads_metrics(self) -> bool:
        """Whether its head reads the encoded metrics."""
        return not isinstance(self.head, PriorLinkHead)

    def _columns(self, inputs: HeadInputs) -> Floats:
        if self.reads_metrics:
            return inputs.matrix
        if self.scorer is not None:
            return np.asarray(self.scorer.predict_score(inputs.frame), dtype=np.float64)[:, None]
        return np.zeros((len(inputs.frame), 1)) if inputs.prior is None else inputs.prior[:, None]

    def logits(self, inputs: HeadInputs) -> Floats:
        """Calibrated logits (rows,)."""
        return self.calibrator.transform(self._raw(inputs))

    def _raw(self, inputs: HeadInputs) -> Floats:
        """Logits (rows,) before calibration."""
        return blended_logits(self.head.decision_function(self._columns(inputs)), self.structure, inputs.frame)

    @property
    def scorers(self) -> tuple[DocumentedScorer[Any], ...]:
        """The weight sets that it reads."""
        beside = None if self.structure is None else self.structure.scorer
        return tuple(scorer for scorer in (self.scorer, beside) if scorer is not None)

    def recalibrate(self, inputs: HeadInputs, happened: np.ndarray, accounts: ArrayLike | None = None) -> Shift:
        """Moves the calibrator's intercept to newer mature rows; returns the move."""
        return self.calibrator.recalibrate(self._raw(inputs), happened, accounts)

    def explain(self, inputs: HeadInputs) -> SideExplained:
        """What each metric adds to the calibrated logit, the logit it starts from and the one it ends at."""
        names, raw, start = self._reasons(inputs)
        ends = self.calibrator.transform(start + raw.sum(axis=1))
        first, nearby = map(float, self.calibrator.transform(np.array([start, start + 1e-4])))
        return SideExplained(names, head_shares(raw, first, ends, (nearby - first) / 1e-4), first, ends)

    def _reasons(self, inputs: HeadInputs) -> tuple[tuple[str, ...], Floats, float]:
        """Names, what each adds to the logit before calibration (rows, names), and the logit they start from."""
        if isinstance(self.head, PriorLinkHead) and self.scorer is not None:
            names, raw, start = link_reasons(self.scorer, self.head, self.average, inputs.frame)
        elif self.silent and (line := self.head.line):
            names, raw, start = (), np.zeros((len(inputs.frame), 0)), line.intercept
        else:
            raw, start = self.head.contributions(self._columns(inputs))
            names = inputs.names if self.reads_metrics else ("documented_score",)
        if self.structure is None:
            return names, raw, start
        share = self.structure.share
        others, more, origin = self.structure.explain(inputs.frame)
        every = tuple(dict.fromkeys([*names, *others]))
        place = {name: i for i, name in enumerate(every)}
        values = np.zeros((len(raw), len(every)))
        values[:, [place[name] for name in names]] += (1.0 - share) * raw
        values[:, [place[name] for name in others]] += share * more
        return every, values, (1.0 - share) * start + share * origin

    def link(self) -> Link:
        """How the head's own points or score become calibrated logits.

        Raises UsageError where the head has no points or its calibrator cannot be written as a table.
        """
        if self.structure is not None:
            raise UsageError(f"{self.outcome}: a blend has no points, so no card file can hold it")
        line = self.head.line
        if line is None:
            raise UsageError(f"{self.outcome}: head {self.head.kind} has no points, so no card file can hold it")
        calibration, shift = self.calibrator.map_, self.calibrator.shift_
        if isinstance(calibration, Isotonic):
            moved = clip_logits(np.array(calibration.logits) + shift).tolist()
            return Link(line, tuple(zip(calibration.at, moved, strict=True)))
        if isinstance(calibration, Platt):
            return Link(line.then(calibration.line).then(LogitLine(1.0, shift)))
        if isinstance(calibration, Identity):
            return Link(line.then(LogitLine(1.0, shift)))
        raise UsageError(f"{self.outcome}: calibration {calibration.kind} is no table, so no card file can hold it")

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
            "stands_in": self.stands_in,
            "reads_column": self.reads_column,
            "scorer": None if self.scorer is None else self.scorer.to_dict(),
            "average": dict(self.average),
            "weights": [weight.to_dict() for weight in self.weights],
            "structure": None if self.structure is None else self.structure.to_dict(),
            "silent": self.silent,
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
            stands_in=written["stands_in"],
            reads_column=written["reads_column"],
            scorer=written["scorer"] and documented_from_dict(written["scorer"]),
            average=written["average"],
            weights=tuple(FittedWeight(**weight) for weight in written["weights"]),
            structure=Structure.from_dict(written["structure"]) if written.get("structure") else None,
            silent=written.get("silent", False),
        )


def blended_logits(own: Floats | None, structure: Structure | None, frame: pd.DataFrame) -> Floats:
    """A head's logits (rows,), blended with those of the structure beside it, if there is one."""
    if structure is None:
        assert own is not None
        return own
    said = structure.logits(frame)
    return said if own is None else (1.0 - structure.share) * own + structure.share * said
