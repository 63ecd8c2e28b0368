"""The calibrator of one head: it keeps the identity unless another monotone map is better beyond doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, column_or_1d

from powerml.calibration.maps import CalibrationMap, Identity, Method, clip_logits, fit_map, map_from_dict
from powerml.calibration.shift import Shift, intercept_shift
from powerml.statistics.folds import RowNumbers, account_folds, clustered_mean, group_codes
from powerml.statistics.logistic import Floats, log_losses, sigmoid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CalibrationMethod = Literal["auto", "table", "identity", "platt", "beta", "isotonic"]

MIN_EVENTS_TO_CALIBRATE = 50
"""Accounts with an event (or without one) below which a calibrator adds noise: the identity stays."""
MIN_EVENTS_ISOTONIC = 1000
SURE = 1.0
"""Standard errors by which a map must gain on the identity."""


@dataclass(frozen=True)
class MapCandidate:
    """One map that was tried: its out-of-fold log loss, and its gain over the identity with standard error."""

    method: Method
    log_loss: float
    gain: float
    gain_se: float


class HeadCalibrator(BaseEstimator):
    """Maps a head's raw logits to calibrated logits, monotonically.

    Parameters
    ----------
    method : {"auto", "table", "identity", "platt", "beta", "isotonic"}
        "auto" compares the maps by account-grouped out-of-fold log loss and keeps the identity unless the best gains
        more than `SURE` standard errors; isotonic is tried above 1,000 events only, nothing below 50 (accounts with an
        event are counted). "table" does so without beta: what it finds can be written as probabilities at points.
    n_folds : int
        Folds of that comparison.
    seed : int
        Seed of the folds.

    Attributes
    ----------
    map_ : CalibrationMap
        The chosen map, fitted on all rows.
    shift_ : float
        Later moves of the intercept (`recalibrate`), added after the map.
    candidates_ : tuple of Candidate
        What was compared; empty where nothing was.
    """

    map_: CalibrationMap
    shift_: float
    candidates_: tuple[MapCandidate, ...]

    def __init__(self, method: CalibrationMethod = "auto", *, n_folds: int = 5, seed: int = 0) -> None:
        self.method = method
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, logits: ArrayLike, y: ArrayLike, *, groups: ArrayLike | None = None) -> Self:
        """Chooses and fits the map on raw logits (rows,) and outcomes (rows,) of 0 or 1."""
        z = clip_logits(_one_column(logits))
        outcomes = column_or_1d(np.asarray(y, dtype=np.float64))
        if len(outcomes) != len(z):
            raise ValueError(f"logits and y differ in length: {len(z)} and {len(outcomes)}; give one outcome per row")
        self.shift_ = 0.0
        self.candidates_ = ()
        chosen: Method = "identity"
        if self.method in ("auto", "table"):
            chosen = self._choose(z, outcomes, group_codes(groups, len(z)))
        elif self.method in get_args(Method):
            chosen = cast("Method", self.method)
        else:
            raise ValueError(f"method is {self.method!r}; use auto, table, identity, platt, beta or isotonic")
        self.map_ = fit_map(chosen, z, outcomes)
        return self

    def _choose(self, z: Floats, y: Floats, codes: RowNumbers) -> Method:
        # an account's rows tell of the same events, so accounts are counted
        events = min(len(np.unique(codes[y == 1])), len(np.unique(codes[y == 0])))
        if events < MIN_EVENTS_TO_CALIBRATE:
            return "identity"
        methods: list[Method] = ["identity", "platt"]
        if self.method == "auto":
            methods.append("beta")
        if events > MIN_EVENTS_ISOTONIC:
            methods.append("isotonic")
        folds = account_folds(y, codes, n_folds=self.n_folds, seed=self.seed)
        tested = np.concatenate([test for _, test in folds])
        losses = {}
        for method in methods:
            out_of_fold = np.zeros_like(z)
            for train, test in folds:
                out_of_fold[test] = fit_map(method, z[train], y[train]).apply(z[test])
            losses[method] = log_losses(y, clip_logits(out_of_fold))[tested]
        tried = []
        for method in methods:
            gain, spread = clustered_mean(losses["identity"] - losses[method], codes[tested])
            tried.append(MapCandidate(method, float(losses[method].mean()), gain, spread))
        self.candidates_ = tuple(tried)
        best = min(tried, key=lambda candidate: candidate.log_loss)
        return best.method if best.gain > SURE * best.gain_se else "identity"

    @property
    def gain(self) -> float:
        """Log loss (nats a row) that the map saves out of fold on what it was fitted on; 0 where the identity stays."""
        check_is_fitted(self, "map_")
        return next((tried.gain for tried in self.candidates_ if tried.method == self.map_.kind), 0.0)

    def transform(self, logits: ArrayLike) -> Floats:
        """Calibrated logits (rows,) of raw logits (rows,)."""
        check_is_fitted(self, "map_")
        return clip_logits(self.map_.apply(clip_logits(_one_column(logits))) + self.shift_)

    def predict_proba(self, logits: ArrayLike) -> Floats:
        """Calibrated probabilities (rows,) of the event."""
        return sigmoid(self.transform(logits))

    def recalibrate(self, logits: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Shift:
        """Moves the intercept alone so that newer mature data agrees in total; returns the move, which may alarm."""
        shift = intercept_shift(self.transform(logits), y, groups)
        self.shift_ += shift.by
        return shift

    def to_dict(self) -> dict[str, Any]:
        """The fitted calibrator as JSON-able numbers, what was compared included."""
        check_is_fitted(self, "map_")
        return {
            "method": self.method,
            "map": self.map_.to_dict(),
            "shift": self.shift_,
            "candidates": [
                {"method": c.method, "log_loss": c.log_loss, "gain": c.gain, "gain_se": c.gain_se}
                for c in self.candidates_
            ],
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> HeadCalibrator:
        """The calibrator that `to_dict` wrote."""
        calibrator = cls(written["method"])
        calibrator.map_ = map_from_dict(written["map"])
        calibrator.shift_ = written["shift"]
        calibrator.candidates_ = tuple(MapCandidate(**c) for c in written["candidates"])
        return calibrator

    @classmethod
    def of(cls, known: CalibrationMap) -> HeadCalibrator:
        """A fitted calibrator with a map that is known."""
        calibrator = cls(known.kind)
        calibrator.map_, calibrator.shift_, calibrator.candidates_ = known, 0.0, ()
        return calibrator

    @classmethod
    def identity(cls) -> HeadCalibrator:
        """A fitted calibrator that changes nothing."""
        return cls.of(Identity())


def _one_column(logits: ArrayLike) -> Floats:
    given = np.asarray(logits, dtype=np.float64)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    values: Floats = column_or_1d(given)
    if not np.isfinite(values).all():
        raise ValueError("logits contain NaN or infinity; a head must give every row a logit")
    return values
