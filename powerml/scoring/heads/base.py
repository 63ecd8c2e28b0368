"""What every head shares: two classes, nulls allowed, a logit, and contributions that add up to it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from powerml.statistics.logistic import Floats, LogitLine, base_logit, sigmoid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from powerml.screening.auto import Screens
    from powerml.statistics.folds import Folds, RowNumbers


class Head(ClassifierMixin, BaseEstimator):
    """A probability of one yes/no outcome; `classes_[1]` is the event.

    A head reads numbers only; NaN is a value like any other and each head says what it does with it. Text columns are
    turned into level numbers before (`encoding.py`) and named in `categorical`.

    Subclasses write `_fit`, `_logits`, `raw_contributions`, `_state` and `_restore`.
    """

    kind: ClassVar[str]
    """The head's name in experiments: logistic, card, weights, lightgbm, stack."""

    classes_: np.ndarray
    n_features_in_: int

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fits on metrics (rows, columns) and outcomes (rows,) of two classes."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, event = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            kind = type_of_target(y, input_name="y", raise_unknown=True)
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs two classes; y holds one class only, {self.classes_[0]!r}")
        self._fit(X, event.astype(np.float64))
        return self

    def decision_function(self, X: Any) -> Floats:
        """The logit of the event, (rows,)."""
        return self._logits(self._checked(X))

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of `classes_`, (rows, 2)."""
        p = sigmoid(self.decision_function(X))
        return np.column_stack([1.0 - p, p])

    def predict(self, X: Any) -> np.ndarray:
        """The more probable class of each row."""
        likely = self.decision_function(X) > 0
        return self.classes_[likely.astype(np.intp)]

    @property
    def line(self) -> LogitLine | None:
        """From the head's own points or score to its logit; None for a head that gives neither."""
        return None

    def contributions(self, X: Any) -> tuple[Floats, float]:
        """What each column adds to the logit, (rows, columns), and the baseline: they sum to `decision_function`."""
        return self.raw_contributions(self._checked(X))

    def rehearse(
        self, X: Floats, y: Floats, folds: Folds, codes: RowNumbers | None = None, screens: Screens | None = None
    ) -> tuple[Self, Floats]:
        """An unfitted copy with what it chooses by folds chosen, and its out-of-fold logits (rows,).

        `y` is 0 or 1, `codes` are the rows' accounts; rows that no fold tests get NaN. Heads that do not choose among
        columns by themselves read what one of the `screens` of these folds keeps.
        """
        logits = np.full(len(y), np.nan)
        for train, test in usable(folds, y):
            logits[test] = clone(self).fit(X[train], y[train]).decision_function(X[test])
        return clone(self), logits

    @abstractmethod
    def _fit(self, X: Floats, y: Floats) -> None: ...

    @abstractmethod
    def _logits(self, X: Floats) -> Floats: ...

    @abstractmethod
    def raw_contributions(self, X: Floats) -> tuple[Floats, float]:
        """Contributions of checked columns; see `contributions`."""

    @abstractmethod
    def _state(self) -> dict[str, Any]: ...

    @abstractmethod
    def _restore(self, state: dict[str, Any]) -> None: ...

    def to_dict(self) -> dict[str, Any]:
        """The fitted head as JSON-able data."""
        check_is_fitted(self)
        return {"kind": self.kind, "params": self._written_params(), "columns": self.n_features_in_, **self._state()}

    def _written_params(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in self.get_params(deep=False).items()}

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> Self:
        """The head that `to_dict` wrote, with classes 0 and 1."""
        head = cls(**written["params"])
        head.classes_ = np.array([0, 1])
        head.n_features_in_ = written["columns"]
        head._restore(written)
        return head

    def _checked(self, X: Any) -> Floats:
        check_is_fitted(self)
        checked: Floats = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return checked

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def sum_by(values: Floats, owner: np.ndarray, n_columns: int) -> Floats:
    """Adds design columns (rows, k) up into the input columns that own them (rows, n_columns)."""
    out = np.zeros((len(values), n_columns))
    for k, column in enumerate(owner):
        out[:, column] += values[:, k]
    return out


def usable(folds: Folds, y: Floats) -> Folds:
    """The folds whose training rows hold both outcomes and that test something."""
    return [(train, test) for train, test in folds if len(test) and len(np.unique(y[train])) == 2]


def crossed_base(y: Floats, folds: Folds) -> Floats:
    """The base rate's out-of-fold logits (rows,): each fold's training rate; NaN for rows that no fold tests."""
    logits = np.full(len(y), np.nan)
    for train, test in usable(folds, y):
        logits[test] = base_logit(y[train])
    return logits
