"""What all documented scorers share: columns by name, the scores table, bands, the stored reference."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_array, validate_data

from powerml.bands.ladder import assign
from powerml.config.weight_set import WeightSetSpec
from powerml.errors import DataError, MissingColumns, UsageError
from powerml.scoring.documented.table import card_table
from powerml.statistics.ranks import Ranks, Reference, active_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from powerml.calibration.shift import Shift
    from powerml.config.bands import BandsSpec
    from powerml.scoring.contributions import Contributions


@dataclass(frozen=True)
class Fill:
    """The value at which a metric gives all it can, and how far that is on the scale of the set itself."""

    full: float
    way: float


Numbers = dict[str, NDArray[np.float64]]
SpecT = TypeVar("SpecT", bound=WeightSetSpec)
PartOrigin = Literal["documented", "fitted", "edited"]


class DocumentedScorer(TransformerMixin, BaseEstimator, Generic[SpecT]):
    """A declared weight set as a scikit-learn estimator.

    It reads the columns of a frame by name. An unnamed array is read by position: the first column is the first of
    `metrics_`, and so on.

    It scores without being fitted: ranks are then taken within the rows given. `fit` learns nothing but the
    *reference*: the distribution of the active rows of a snapshot, against which ranks are taken from then on, so that
    a row scores the same alone as in a batch.

    Parameters
    ----------
    spec : the weight set.
    origin : `documented` for a shipped set, `edited` for a changed or own one, `fitted` for a learned card.

    Attributes
    ----------
    reference_ : Reference, after `fit`.
    feature_names_in_, n_features_in_ : the columns seen by `fit`.
    """

    kind_of_scorer: ClassVar[str]
    spec_type: ClassVar[type[WeightSetSpec]]
    band_column: ClassVar[str] = "band"

    def __init__(self, spec: SpecT | None = None, *, origin: PartOrigin = "edited") -> None:
        self.spec = spec
        self.origin = origin

    @property
    def card(self) -> SpecT:
        """The weight set; raises ValueError where the scorer was made without one."""
        if self.spec is None:
            raise ValueError(f"{type(self).__name__} needs a weight set: {type(self).__name__}(spec)")
        return self.spec

    @property
    def name(self) -> str:
        """The weight set's name."""
        return self.card.name

    @property
    def version(self) -> int | str:
        """The weight set's version, with the settings that were made."""
        return self.card.version

    @property
    def kind(self) -> PartOrigin:
        """Where its numbers come from."""
        return self.origin

    @property
    def metrics_(self) -> tuple[str, ...]:
        """The columns it reads."""
        return self.card.metrics

    @property
    def bands(self) -> BandsSpec | None:
        """Its ladder of bands."""
        return self.card.bands

    @property
    def document(self) -> Self:
        """Itself."""
        return self

    @property
    def told_outcomes(self) -> tuple[str, ...]:
        """None: a weight set alone says nothing of outcomes."""
        return ()

    @property
    def learned_until(self) -> str | None:
        """The last cutoff that its numbers were fitted on, where its file says so."""
        return None

    @property
    def text_columns(self) -> tuple[str, ...]:
        """None: weight sets read numbers."""
        return ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its parts, as the scores table calls them."""
        raise NotImplementedError

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The metrics that each part reads."""
        raise NotImplementedError

    @property
    def declared_metrics(self) -> dict[str, str]:
        """For each column it reads, the metric as the weight set declares it: another window, perhaps."""
        return {metric: metric for metric in self.metrics_}

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The window of each column that is not read as declared: from so many days back to so many."""
        return {}

    def with_counts(self, vocabulary: Mapping[str, float]) -> Self:
        """The same with what its set counts from a project's vocabulary (`features`, `advanced`, `core`) filled in."""
        other = copy.copy(self)
        other.spec = self.card.counted(vocabulary)
        return other

    def branches(self) -> dict[str, str]:
        """The branch of the metric tree of each metric: the part that reads it, the first where several do."""
        found: dict[str, str] = {}
        for part, metrics in self.part_metrics.items():
            for metric in metrics:
                found.setdefault(metric, part)
        return found

    def edges(self, row: Mapping[str, float]) -> Iterable[tuple[str, float | str]]:
        """Every value, or other metric, at which what a metric counts for may change; none where all is gradual."""
        return ()

    def fills(self, row: Mapping[str, float]) -> Mapping[str, Fill] | None:
        """Where each metric gives all it can and how far that is; None for a kind that counts by edges."""
        return None

    def weights(self) -> dict[str, float]:
        """The document's weight of each part; empty for a kind that has none to fit."""
        return {}

    def unit_parts(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """What each part gives, per unit of its documented weight (rows, parts); NaN where a part has no input."""
        worth = np.array([*self.weights().values()])
        return np.asarray(self.transform(X), dtype=np.float64) / np.where(worth > 0, worth, 1.0)

    def normalised(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (..., parts) in the document's unit: adding up to what the document's add up to."""
        adding = self._adding()
        total = sum(weight for weight, adds in zip(self.weights().values(), adding, strict=True) if adds)
        size = weights[..., adding].sum(axis=-1, keepdims=True)
        return np.asarray(total * weights / np.where(size > 0, size, 1.0))

    def reweighted(self, weights: Sequence[float], *, name: str) -> Self:
        """The same set with other weights, as a set of its own that can be read, edited and scored."""
        data = self.card.model_dump(by_alias=True, exclude_none=True)
        data |= {"name": name, "version": 1, "based_on": self.card.label}
        data |= self._with_weights(data, dict(zip(self.weights(), weights, strict=True)))
        return type(self)(type(self.card).model_validate(data), origin="fitted")

    def reviewed(self, X: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """Per reviewed part its level as the scores table shows it, and what it gives to the score.

        None for a kind whose parts are not reviewed by themselves.
        """
        levels = pd.DataFrame(self.transform(X), index=X.index, columns=list(self.parts))
        return levels, levels

    @property
    def needs_reference(self) -> bool:
        """Whether a row alone cannot be scored before `fit`, because something is taken from a reference."""
        return bool(self._ranked) and not hasattr(self, "reference_")

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Stores the active rows of `X` as the reference; raises MissingColumns, DataError."""
        rows = self._named(X, learns=True)
        numbers, active = self._numbers(rows), active_rows(rows)
        self._learn(numbers, active)
        ranks = {metric: Ranks.of(numbers[metric][active]) for metric in self._ranked}
        self.reference_ = Reference(Ranks.of([]), ranks)  # scores that count ranks need them
        self.reference_ = Reference(Ranks.of(self._scores(numbers, active)[active]), ranks)
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """What each part gives, shape (n, parts), in the order of `get_feature_names_out`."""
        rows = self._named(X)
        return self._parts(self._numbers(rows), active_rows(rows))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """The names of the parts."""
        return np.array(self.parts, dtype=object)

    def predict_score(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Scores from 0 to 100, shape (n,), never null."""
        rows = self._named(X)
        return self._scores(self._numbers(rows), active_rows(rows))

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """One row per row of `X`, with its index: parts, `score`, what goes with it, the band."""
        raise NotImplementedError

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """What each metric adds to each score; with the baseline they add up to it."""
        raise NotImplementedError

    def table(self) -> pd.DataFrame:
        """The card to read beside the document; see `powerml.scoring.documented.table`."""
        return card_table(self.card)

    def weight_shares(self) -> dict[str, float]:
        """The share (in %) of the score's attainable range that is due to each metric; they add up to 100."""
        ranges = self._ranges()
        total = sum(ranges.values())
        return {metric: 100 * value / total for metric, value in ranges.items()}

    def expected_loss(self) -> float:
        """Not known: it was fitted to nothing, or elsewhere."""
        return float("nan")

    def training_tables(self) -> dict[str, pd.DataFrame]:
        """Nothing was learnt."""
        return {}

    def remarks(self) -> tuple[str, ...]:
        """Nothing was learnt."""
        return ()

    def recalibrate(self, X: pd.DataFrame, y: ArrayLike, accounts: ArrayLike | None = None) -> dict[str, Shift]:
        """A document's own number has no intercept to move."""
        raise UsageError(f"{self.name}: a document's own number says nothing of outcomes; register it with 'train'")

    def unranked(self) -> Self:
        """The same without its stored reference."""
        other = copy.copy(self)
        if hasattr(other, "reference_"):
            del other.reference_
        return other

    def referenced(self, frame: pd.DataFrame) -> Self:
        """The same with the active rows of `frame` for reference where it has none."""
        return self if hasattr(self, "reference_") else clone(self).fit(frame)

    def to_dict(self) -> dict[str, Any]:
        """The whole scorer as JSON holds it: weight set, origin, stored reference."""
        reference = getattr(self, "reference_", None)
        return {
            "kind_of_scorer": self.kind_of_scorer,
            "origin": self.origin,
            "spec": self.card.model_dump(mode="json", by_alias=True, exclude_none=True),
            "columns": [str(c) for c in getattr(self, "feature_names_in_", ())],
            "reference": None if reference is None else reference.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The scorer that `to_dict` wrote."""
        spec = cast("SpecT", cls.spec_type.model_validate(data["spec"]))
        return cls(spec, origin=data["origin"])._restore(data)

    def _restore(self, data: Mapping[str, Any]) -> Self:
        if data["reference"] is not None:
            self.reference_ = Reference.from_dict(data["reference"])
            self.feature_names_in_ = np.array(data["columns"], dtype=object)
            self.n_features_in_ = len(data["columns"])
        return self

    def _adding(self) -> NDArray[np.bool_]:
        """Which parts add up to the whole; the others deduct."""
        return np.ones(len(self.weights()), dtype=bool)

    def _with_weights(self, data: dict[str, Any], weights: Mapping[str, float]) -> dict[str, Any]:
        """What of the set's `data` changes with other weights."""
        raise NotImplementedError(f"{self.card.label} is of kind {self.card.kind}, which has no weights to fit")

    @property
    def _ranked(self) -> tuple[str, ...]:
        """The metrics whose rank counts."""
        return ()

    def _learn(self, numbers: Numbers, active: NDArray[np.bool_]) -> None:
        """What a kind takes from the reference besides ranks."""

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _ranges(self) -> dict[str, float]:
        raise NotImplementedError

    def _named(self, X: pd.DataFrame, *, learns: bool = False) -> pd.DataFrame:
        """A frame as it is; an unnamed array by position: `metrics_` in their order, further columns are not read."""
        if isinstance(X, pd.DataFrame):
            if learns:
                validate_data(self, X, skip_check_array=True)
            return X
        if learns or not hasattr(self, "feature_names_in_"):
            values = validate_data(self, X, reset=learns, dtype=np.float64, ensure_all_finite="allow-nan")
        else:  # learned from a frame of whatever columns, of which it reads its own
            values = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", estimator=self)
        count = values.shape[1]
        if absent := self.metrics_[count:]:
            asked_by = f"an unnamed array of width {count} is read in the order of metrics_: weight set {self.name!r}"
            raise MissingColumns(absent, asked_by=asked_by, have=())
        return pd.DataFrame(values[:, : len(self.metrics_)], columns=list(self.metrics_))

    def _numbers(self, X: pd.DataFrame) -> Numbers:
        """The columns read, as float64 by name; nulls are NaN."""
        have = list(X.columns) if isinstance(X, pd.DataFrame) else []
        if absent := [metric for metric in self.metrics_ if metric not in have]:
            raise MissingColumns(absent, asked_by=f"weight set {self.name!r}", have=map(str, have))
        return {metric: _column(X[metric], metric) for metric in self.metrics_}

    def _there(self, numbers: Numbers) -> NDArray[np.float64]:
        """The share of the weight of all metrics whose value was there."""
        shares = {metric: share for metric, share in self.weight_shares().items() if share > 0}
        present = [share * ~np.isnan(numbers[metric]) for metric, share in shares.items()]
        return np.asarray(sum(present[1:], present[0]) / sum(shares.values()), dtype=float)

    def _with_band(self, table: dict[str, Any], scores: NDArray[np.float64]) -> dict[str, Any]:
        return table if self.bands is None else {**table, self.band_column: assign(scores, self.bands)}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = True
        return tags


def _column(series: pd.Series | pd.DataFrame, name: str) -> NDArray[np.float64]:
    if isinstance(series, pd.DataFrame):
        raise DataError(f"column {name!r} stands twice; keep one")
    try:
        values = series.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        bad = series[pd.to_numeric(series, errors="coerce").isna() & series.notna()]
        shown = repr(bad.iloc[0]) if len(bad) else f"values of type {series.dtype}"
        raise DataError(f"column {name!r} holds {shown}; metrics are numbers, or empty") from None
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise DataError(f"column {name!r}, row {row + 1}: {values[row]} is no count; leave it empty")
    return np.asarray(values, dtype=np.float64)
