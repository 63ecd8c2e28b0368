"""The correlation screen: which metrics deserve points, by how far they set churners or expanders apart.

`CorrelationScreen` is the scikit-learn transformer that is refit inside every fold; `screen_report` is the whole
report, run once. The rule is document D's (|r| >= 0.45), read on balanced groups:
a common outcome and a rare one then ask the same of a metric.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from powerml.errors import MissingColumns
from powerml.screening.contrasts import correlation, group_sums, standardise
from powerml.screening.noise import TOLD_AT, signal_t
from powerml.statistics.folds import group_codes
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

Prevalence = float | Literal["natural"]

DISTINCT = 0.9
"""|Pearson| from which on two metrics are near-copies: of those kept for want of stronger ones only one is taken."""


class ScreenWarning(UserWarning):
    """The screen's rule keeps fewer metrics than a model needs."""


def contrasts_of(y: np.ndarray) -> tuple[Any, ...]:
    """The outcomes set against the rest: all but `stay` (or `not_NAME`), or the second of two classes.

    >>> contrasts_of(np.array(["stay", "churn", "expand"]))
    ('churn', 'expand')
    """
    classes = np.unique(y).tolist()
    if any(is_rest(c) for c in classes):
        return tuple(c for c in classes if not is_rest(c))
    return tuple(classes) if len(classes) > 2 else tuple(classes[-1:])


class CorrelationScreen(SelectorMixin, BaseEstimator):
    """Keeps the metrics whose correlation with any outcome reaches a threshold.

    Parameters
    ----------
    threshold : the smallest |r| that is kept; None keeps every metric that some outcome tells from noise (`noise.py`)
    reference_prevalence : share of the outcome at which r is told: 0.5 balances both groups, "natural" is plain Pearson
    force_keep, force_drop : metrics kept or left out whatever their r (names, or positions where X has no names)
    min_keep : where fewer pass, the strongest that are no near-copies of each other (|Pearson| below .9) are kept up
        to this many, with a ScreenWarning
    redundant_at : leave out a metric whose |Pearson| with a stronger kept one reaches this; None = prune nothing

    Attributes
    ----------
    correlations_ : |metrics| x |contrasts| correlations at the reference prevalence
    contrasts_ : the outcomes set against the rest, in the order of the columns
    kept_ : mask of the kept metrics
    passed_ : mask of those that pass by themselves
    noise_ : mask of those that no outcome tells from noise

    Notes
    -----
    r_bal = (m1 - m0) / sqrt(2 (s1^2 + s0^2) + (m1 - m0)^2): with means and variances of the metric with and without
    the outcome, it is the Pearson correlation in a sample that holds as many of both. Nulls are left out.
    """

    def __init__(
        self,
        threshold: float | None = 0.45,
        *,
        reference_prevalence: Prevalence = 0.5,
        force_keep: Iterable[Any] = (),
        force_drop: Iterable[Any] = (),
        min_keep: int = 5,
        redundant_at: float | None = None,
    ) -> None:
        self.threshold = threshold
        self.reference_prevalence = reference_prevalence
        self.force_keep = force_keep
        self.force_drop = force_drop
        self.min_keep = min_keep
        self.redundant_at = redundant_at

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, groups: ArrayLike | None = None) -> CorrelationScreen:
        """Learns which metrics to keep from rows `X` and their outcomes `y`; raises MissingColumns for forced names.

        `groups` are accounts, whose rows count together where noise is told; by default each row counts for itself.
        """
        matrix = validate_data(self, X, ensure_all_finite="allow-nan", dtype=np.float64, ensure_min_samples=2)
        if y is None:
            raise ValueError("CorrelationScreen: requires y to be passed, but the target y is None")
        outcome = column_or_1d(y)
        if len(outcome) != len(matrix):
            raise ValueError(f"X has {len(matrix)} rows and y {len(outcome)}; they must be the same rows")
        x = standardise(matrix)
        self.contrasts_ = contrasts_of(outcome)
        columns = []
        for contrast in self.contrasts_:
            sums = group_sums(x, outcome == contrast)
            natural = self.reference_prevalence == "natural"
            share = sums[0][:, 1] / np.maximum(sums[0].sum(axis=1), 1) if natural else float(self.reference_prevalence)
            columns.append(correlation(*sums, prevalence=share))
        self.correlations_ = np.array(columns).reshape(len(columns), x.shape[1]).T
        strength = np.nan_to_num(np.abs(self.correlations_)).max(axis=1, initial=0.0)
        told = signal_t(matrix, outcome, self.contrasts_, group_codes(groups, len(outcome)))
        self.noise_ = told <= TOLD_AT
        self.passed_ = ~self.noise_ if self.threshold is None else strength >= self.threshold
        keep, drop = self._positions(self.force_keep), self._positions(self.force_drop)
        kept = self.passed_.copy()
        kept[drop] = False
        if self.redundant_at is not None:
            kept &= ~_redundant(x, strength, kept, self.redundant_at, protected=keep)
        kept[keep] = True
        self.kept_ = filled_up(kept, strength, x, least=self.min_keep, barred=drop)
        if added := np.flatnonzero(self.kept_ & ~kept).tolist():
            self._warn(kept, added)
        return self

    def _warn(self, kept: np.ndarray, added: Sequence[int]) -> None:
        """Says loudly what is kept all the same."""
        names = ", ".join(str(self._names()[i]) for i in added)
        noise = "are told from noise by any outcome"
        rule = noise if self.threshold is None else f"reach |r| >= {self.threshold:g}"
        advice = "" if self.threshold is None else " A lower threshold may do better."
        warnings.warn(
            f"only {int(kept.sum())} of {len(kept)} metrics {rule}; "
            f"kept all the same to have {self.min_keep}: {names}.{advice}",
            ScreenWarning,
            stacklevel=3,
        )

    def _names(self) -> np.ndarray:
        return np.asarray(getattr(self, "feature_names_in_", np.arange(self.n_features_in_)), dtype=object)

    def _positions(self, wanted: Iterable[Any]) -> np.ndarray:
        names = list(self._names())
        if absent := [str(w) for w in wanted if w not in names]:
            raise MissingColumns(absent, asked_by="the screen (force_keep, force_drop)", have=map(str, names))
        return np.array([names.index(w) for w in wanted], dtype=int)

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.kept_


def filled_up(
    kept: np.ndarray, strength: np.ndarray, x: np.ndarray, *, least: int, barred: Sequence[int] | np.ndarray = ()
) -> np.ndarray:
    """At least `least` metrics: to those kept the strongest are added that are no near-copies of one that is there.

    Metrics in `barred` are never added; `x` are standardised columns (rows, metrics). Where there are too few that
    differ, fewer are kept, but one at least.
    """
    wanted = min(least, len(kept)) - int(kept.sum())
    if wanted <= 0:
        return kept
    candidates = np.setdiff1d(np.flatnonzero(~kept), np.asarray(barred, dtype=int))
    alike = _alike(x)
    filled = kept.copy()
    for i in sorted(candidates.tolist(), key=lambda i: (-strength[i], i)):
        if wanted > 0 and not (alike[i, filled] >= DISTINCT).any():
            filled[i] = True
            wanted -= 1
    return filled


def _alike(x: np.ndarray) -> np.ndarray:
    """|Pearson| of every pair of columns, a null standing at the mean; 0 for those that do not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.nan_to_num(np.corrcoef(np.nan_to_num(x), rowvar=False)).reshape(x.shape[1], x.shape[1])
    alike: np.ndarray = np.abs(found)
    return alike


def _redundant(
    x: np.ndarray, strength: np.ndarray, kept: np.ndarray, limit: float, *, protected: Sequence[int] | np.ndarray
) -> np.ndarray:
    """True for kept metrics that say the same as a stronger kept one."""
    alike = _alike(x)
    out = np.zeros(len(kept), dtype=bool)
    stays: list[int] = []
    for i in np.argsort(-strength, kind="stable"):
        if not kept[i]:
            continue
        if i not in set(np.asarray(protected).tolist()) and any(alike[i, j] >= limit for j in stays):
            out[i] = True
        else:
            stays.append(int(i))
    return out
