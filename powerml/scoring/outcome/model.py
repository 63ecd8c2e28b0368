"""The outcome model: two nested heads make one probability of churn, stay and expand, and one 0-100 score of it.

`c = P(churn)`, `e = P(expand | not churn)`, so `P(stay) = (1 - c)(1 - e)` and `P(expand) = (1 - c) e`, and
`S = 100 (stay_value P(stay) + P(expand))`; calibrated means that the outcome, valued 0, 60 or 100, averages S among
those who score S. With two outcomes `S = 100 (1 - P(churn))`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from powerml.config import documents
from powerml.config.bands import BandsSpec
from powerml.errors import MissingColumns
from powerml.scoring.contributions import Contributions
from powerml.scoring.heads.encoding import TableEncoder
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.side import HeadInputs
from powerml.scoring.heads.threads import one_thread
from powerml.scoring.heads.training import Ask, HeadPlan, TrainingRows, train_sides
from powerml.scoring.outcome.nested import NestedSides
from powerml.scoring.outcome.rows import STRUCTURE, checked_outcomes, named_columns, ordered_outcomes, screened_rows
from powerml.scoring.outcome.tables import findings_of, fitted_weights, heads_tried, outcome_table
from powerml.statistics.folds import group_codes
from powerml.statistics.row_order import row_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from powerml.calibration.head import CalibrationMethod
    from powerml.calibration.shift import Shift
    from powerml.screening.auto import AutoScreen
    from powerml.statistics.logistic import Floats

KIND_OF_SCORER = "outcome_model"
"""How a written model is told from documented weight sets."""

SHARE_ROWS = 300
"""Training rows whose contributions tell how much each metric weighs."""


class NestedOutcomeModel(ClassifierMixin, BaseEstimator):
    """Probabilities of churn, stay and expand, and the calibrated score.

    Parameters
    ----------
    head : str
        Kind of both heads; `HEAD_NAMES` of `heads/registry.py`.
    head_options : mapping
        Options of that head.
    prior : str or scorer
        The documented score that stands in where an outcome has too few events: a column of X, or a documented
        scorer; without it the base rate does. `weights` fits this scorer's, `auto` and `stack` blend it with others.
    metrics : sequence of str
        The columns that heads may read; by default all of X that are not structure. A documented score reads its own.
    outcomes : sequence of str
        The outcomes from worst to best, two or three; by default those in y.
    stay_value : float
        Value of staying, between churn (0) and expansion (1).
    directions : mapping
        Per metric `up`, `down` or `none`: is more of it good?
    calibration : str
        Method of `HeadCalibrator`.
    n_folds, seed : int
        Account-grouped folds; by default 5, and 3 above 10,000 rows.
    min_events : int
        Distinct events that a head needs.
    screen : AutoScreen
        What cards and logistic heads may leave out, learned anew in every fold; by default heads read all.
    bands : BandsSpec
        The ladder of the band column; document D's by default.
    name, version : str, int
        What score rows carry.

    Attributes
    ----------
    sides_ : NestedSides
        The fitted heads with their calibrators.
    outcomes_ : tuple
        The outcomes, worst first.
    metrics_ : tuple of str
        Columns the model reads.
    mix_ : dict
        Share of each outcome in the training rows.
    notes_ : tuple of str
        Sentences a reader must see: heads not fitted, columns left out.
    trained_until_ : str or None
        The last cutoff among the training rows, where `fit` was given times.
    """

    band_column = "band"
    kind_of_scorer: ClassVar[str] = KIND_OF_SCORER

    metrics_: tuple[str, ...]
    notes_: tuple[str, ...]
    trained_until_: str | None

    def __init__(  # noqa: PLR0913 (an estimator's settings)
        self,
        head: str = "auto",
        *,
        head_options: Mapping[str, Any] | None = None,
        prior: Any = "prior_score",
        metrics: Sequence[str] | None = None,
        outcomes: Sequence[str] | None = None,
        stay_value: float = 0.6,
        directions: Mapping[str, str] | None = None,
        calibration: CalibrationMethod = "auto",
        n_folds: int | None = None,
        seed: int = 0,
        min_events: int = 50,
        screen: AutoScreen | None = None,
        bands: BandsSpec | None = None,
        name: str = "outcome",
        version: int | str = 1,
    ) -> None:
        self.head = head
        self.head_options = head_options
        self.prior = prior
        self.metrics = metrics
        self.outcomes = outcomes
        self.stay_value = stay_value
        self.directions = directions
        self.calibration = calibration
        self.n_folds = n_folds
        self.seed = seed
        self.min_events = min_events
        self.screen = screen
        self.bands = bands
        self.name = name
        self.version = version

    @property
    def kind(self) -> str:
        """Fitted, as against documented or edited."""
        return "fitted"

    @property
    def ladder(self) -> BandsSpec:
        """The ladder of the band column."""
        return self.bands or documents.ladder()

    @property
    def told_outcomes(self) -> tuple[str, ...]:
        """The outcomes, worst first."""
        return tuple(map(str, self.outcomes_))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns read that hold categories rather than numbers."""
        named = {column.name for column in self.encoder_.columns if column.levels is not None}
        return tuple(name for name in self.metrics_ if name in named)

    @property
    def document(self) -> None:
        """No weight set stands behind it as a whole."""
        return

    @property
    def part_metrics(self) -> Mapping[str, tuple[str, ...]]:
        """It has no parts but its metrics."""
        return {}

    def unranked(self) -> Self:
        """Itself: it ranks nothing."""
        return self

    def referenced(self, frame: pd.DataFrame) -> Self:
        """Itself: it ranks nothing."""
        return self

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        times: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        instants: ArrayLike | None = None,
    ) -> Self:
        """Fits both heads and their calibrators.

        `X` holds the metrics (other snapshot columns are skipped), `y` the outcome of each row; `groups` are accounts,
        `times` and `ids` the cutoffs and entities by which rows are sorted, `instants` when outcomes happened (an
        event is a distinct account and instant).
        """
        validate_data(self, X, y, skip_check_array=True)
        frame = named_columns(X, self)
        outcomes = checked_outcomes(y, frame)
        self.classes_ = np.unique(outcomes)
        self.outcomes_ = ordered_outcomes(outcomes, self.outcomes)
        order = row_order(frame, outcomes, times=times, ids=ids)
        frame, outcomes = frame.iloc[order].reset_index(drop=True), outcomes[order]
        accounts, moments = (None if v is None else np.asarray(v)[order] for v in (groups, instants))
        self.encoder_ = TableEncoder.learn(self._readable(frame))
        self.mix_ = {str(outcome): float((outcomes == outcome).mean()) for outcome in self.outcomes_}
        left = outcomes == self.outcomes_[0]
        inputs = self._inputs(frame, fitting=True)
        with one_thread():
            screened = screened_rows(self.screen, self.encoder_, inputs.matrix, outcomes, accounts)
            rows = TrainingRows(inputs, left, accounts, moments, screened)
            asks = [Ask(str(self.outcomes_[0]), rows, -1)]
            if len(self.outcomes_) == 3:
                kept = np.flatnonzero(~left)
                stayed = rows.only(kept, outcomes[kept] == self.outcomes_[2])
                asks.append(Ask(str(self.outcomes_[2]), stayed, 1))
            sides, notes = zip(*train_sides(asks, self._plan()), strict=True)
        self.sides_ = NestedSides(sides[0], sides[1] if len(sides) > 1 else None, self.stay_value)
        self.notes_ = (*filter(None, notes), *(f"left out {reason}" for reason in self.encoder_.left_out))
        self.trained_until_ = None if times is None else str(np.asarray(times).max())[:10]
        self.metrics_, self.shares_ = self._reads(), self._shares(frame)
        return self

    def _shares(self, frame: pd.DataFrame) -> dict[str, float]:
        """Share (in %) of each metric in the mean absolute contribution, over evenly spaced training rows."""
        some = np.linspace(0, len(frame) - 1, min(len(frame), SHARE_ROWS)).astype(np.intp)
        inputs = self._inputs(frame.iloc[np.unique(some)])
        names, values, _ = self.sides_.explain(inputs)
        size = np.abs(values).mean(axis=0)
        return {name: float(100 * v / size.sum()) if size.sum() else 0.0 for name, v in zip(names, size, strict=True)}

    def weight_shares(self) -> dict[str, float]:
        """The share (in %) of each metric in the mean absolute contribution to the score; they add up to 100."""
        check_is_fitted(self, "sides_")
        return dict(self.shares_)

    def _plan(self) -> HeadPlan:
        good, directions = {"up": 1, "down": -1, "none": 0}, self.directions or {}
        return HeadPlan(
            self.head,
            self.head_options or {},
            self.encoder_.categorical,
            tuple(good[directions.get(name, "none")] for name in self.encoder_.names),
            self.calibration,
            self.n_folds,
            self.seed,
            self.min_events,
            None if isinstance(self.prior, str) else self.prior,
        )

    def _readable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns that heads may read; raises MissingColumns."""
        if self.metrics is None:
            prior = [self.prior] if isinstance(self.prior, str) else []
            return frame.drop(columns=[*STRUCTURE, *prior], errors="ignore")
        if absent := [name for name in self.metrics if name not in frame.columns]:
            raise MissingColumns(absent, asked_by=f"model {self.name}@{self.version}", have=map(str, frame.columns))
        return frame[list(self.metrics)]

    def _inputs(self, frame: pd.DataFrame, *, fitting: bool = False) -> HeadInputs:
        """What the heads read of rows; raises MissingColumns."""
        asked_by = f"model {self.name}@{self.version}"
        matrix = np.empty((len(frame), 0))
        if fitting or self.sides_.read_metrics:
            matrix = self.encoder_.encode(frame, asked_by=asked_by)
        column = self.prior if isinstance(self.prior, str) else None
        if column is not None and column in frame.columns:
            return HeadInputs(matrix, self.encoder_.names, frame, frame[column].to_numpy(dtype=np.float64))
        if not fitting and self.sides_.read_column:
            raise MissingColumns([str(column)], asked_by=asked_by, have=map(str, frame.columns))
        return HeadInputs(matrix, self.encoder_.names, frame)

    def _checked(self, X: Any) -> HeadInputs:
        """What the heads read of rows to be scored."""
        check_is_fitted(self, "sides_")
        frame = named_columns(X, self)
        if not isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=False)
        return self._inputs(frame)

    def _reads(self) -> tuple[str, ...]:
        """The columns that the fitted sides read."""
        encoded = self.encoder_.names if self.sides_.read_metrics else ()
        return tuple(dict.fromkeys([*encoded, *(name for scorer in self.sides_.scorers for name in scorer.metrics_)]))

    def predict_proba_outcomes(self, X: Any) -> pd.DataFrame:
        """`p_churn`, `p_stay`, `p_expand` (two columns for two outcomes), with the index of X."""
        inputs = self._checked(X)
        proba = self.sides_.proba(inputs)
        return pd.DataFrame(proba, columns=[f"p_{outcome}" for outcome in self.outcomes_], index=_index(X))

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities in the order of `classes_`, (rows, classes)."""
        proba = self.predict_proba_outcomes(X).to_numpy()
        return proba[:, [self.outcomes_.index(label) for label in self.classes_]]

    def predict(self, X: Any) -> np.ndarray:
        """The most probable outcome of each row."""
        likely = self.predict_proba(X).argmax(axis=1)
        likeliest: np.ndarray = self.classes_[likely]
        return likeliest

    def predict_score(self, X: Any) -> Floats:
        """The calibrated 0-100 score, (rows,)."""
        inputs = self._checked(X)
        return self.sides_.score(inputs)

    def score_table(self, X: Any, *, reference: bool = False) -> pd.DataFrame:
        """`score`, `band`, probabilities, `churn_lift`, `coverage`; with `reference` also `score_reference`.

        `churn_lift` is the probability of the worst outcome over its training base rate; `coverage` the share of the
        model's inputs that are there; `score_reference` the score with probabilities shifted to the mix of outcomes
        in document D's band table, which is comparable across products and not calibrated for this one.
        """
        inputs = self._checked(X)
        columns = outcome_table(
            self.sides_.proba(inputs), self.mix_, stay_value=self.stay_value, bands=self.bands, reference=reference
        )
        return pd.DataFrame(columns | {"coverage": self._coverage(inputs)}, index=_index(X))

    def _coverage(self, inputs: HeadInputs) -> Floats:
        """Share of the model's inputs that are there."""
        others = [name for name in self.metrics_ if name not in inputs.names or not inputs.matrix.shape[1]]
        present = np.column_stack([~np.isnan(inputs.matrix), inputs.frame[others].notna().to_numpy()])
        return present.mean(axis=1) if present.shape[1] else np.ones(len(present))

    def expected_loss(self) -> float:
        """Log loss (nats a row) to expect on other accounts, by the training rows' folds; nan of one read back."""
        check_is_fitted(self, "sides_")
        return self.sides_.expected_loss()

    def findings(self) -> tuple[str, ...]:
        """Sentences on what training found: why which head was chosen, each fitted weight beside the documented one."""
        check_is_fitted(self, "sides_")
        return tuple(sentence for side in self.sides_.all for sentence in findings_of(side))

    def remarks(self) -> tuple[str, ...]:
        """What was left out or not fitted, then `findings`."""
        return (*self.notes_, *self.findings())

    def training_tables(self) -> dict[str, pd.DataFrame]:
        """`heads_tried` and `fitted_weights` by the names of their files."""
        return {"heads/tried.csv": self.heads_tried(), "weights/fitted.csv": self.fitted_weights()}

    def heads_tried(self) -> pd.DataFrame:
        """The heads compared in training; see `outcome_tables.heads_tried`."""
        check_is_fitted(self, "sides_")
        return heads_tried(self.sides_.all)

    def fitted_weights(self) -> pd.DataFrame:
        """Fitted beside documented weights with intervals; empty but for the head `weights`."""
        check_is_fitted(self, "sides_")
        return fitted_weights(self.sides_.all)

    def contributions(self, X: Any) -> Contributions:
        """What each metric adds to or takes from the score; rows sum with the baseline to `predict_score`."""
        inputs = self._checked(X)
        names, values, baseline = self.sides_.explain(inputs)
        return Contributions(pd.DataFrame(values, columns=list(names), index=_index(X)), baseline)

    def recalibrate(self, X: Any, y: ArrayLike, accounts: ArrayLike | None = None) -> dict[str, Shift]:
        """Moves each fitted head's intercept to newer mature rows; returns the moves, of which some may alarm."""
        inputs, outcomes = self._checked(X), np.asarray(y)
        groups = group_codes(accounts, len(outcomes))
        left = outcomes == self.outcomes_[0]
        moves = {self.sides_.churn.outcome: self.sides_.churn.recalibrate(inputs, left, groups)}
        if self.sides_.expand is not None:
            kept = np.flatnonzero(~left)
            side = self.sides_.expand
            grew = outcomes[kept] == self.outcomes_[2]
            moves[side.outcome] = side.recalibrate(inputs.only(kept), grew, groups[kept])
        return moves

    def to_dict(self) -> dict[str, Any]:
        """The whole model as JSON-able data; a documented scorer is written with the side that reads it."""
        check_is_fitted(self, "sides_")
        return {
            "kind_of_scorer": KIND_OF_SCORER,
            "name": self.name,
            "version": self.version,
            "head": self.head,
            "outcomes": [_plain(outcome) for outcome in self.outcomes_],
            "classes": [_plain(label) for label in self.classes_],
            "stay_value": self.stay_value,
            "mix": self.mix_,
            "notes": list(self.notes_),
            "trained_until": self.trained_until_,
            "bands": {f"{band.from_:g}": band.name for band in self.ladder.bands},
            "prior": self.prior if isinstance(self.prior, str) else None,
            "encoder": self.encoder_.to_dict(),
            "sides": self.sides_.to_dict(),
            "shares": self.shares_,
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> NestedOutcomeModel:
        """The model that `to_dict` wrote, ready to score."""
        model = cls(
            written["head"],
            prior=written["prior"],
            outcomes=tuple(written["outcomes"]),
            stay_value=written["stay_value"],
            bands=BandsSpec.model_validate({float(edge): name for edge, name in written["bands"].items()}),
            name=written["name"],
            version=written["version"],
        )
        model.mix_, model.notes_, model.shares_ = written["mix"], tuple(written["notes"]), written["shares"]
        model.trained_until_ = written.get("trained_until")
        model.of_sides(NestedSides.from_dict(written["sides"]), TableEncoder.from_dict(written["encoder"]))
        model.classes_ = np.array(written["classes"])
        return model

    def of_sides(self, sides: NestedSides, encoder: TableEncoder) -> NestedOutcomeModel:
        """This model made of fitted sides; its `outcomes` must be given."""
        assert self.outcomes is not None
        self.outcomes_ = tuple(self.outcomes)
        self.classes_ = np.unique(self.outcomes_)
        self.encoder_, self.sides_ = encoder, sides
        self.metrics_ = self._reads()
        self.n_features_in_ = len(self.metrics_)
        if not hasattr(self, "mix_"):
            left, grew = sides.churn.base_rate, 0.0 if sides.expand is None else sides.expand.base_rate
            rates = [left, 1 - left] if sides.expand is None else [left, (1 - left) * (1 - grew), (1 - left) * grew]
            self.mix_ = dict(zip(map(str, self.outcomes_), rates, strict=True))
            self.notes_, self.shares_ = (), self._attainable()
        if not hasattr(self, "trained_until_"):
            self.trained_until_ = None
        return self

    def _attainable(self) -> dict[str, float]:
        """Share (in %) of each metric in the attainable range of the weight sets that the sides read."""
        total: dict[str, float] = {}
        for side in self.sides_.all:
            if side.scorer is not None and isinstance(side.head, PriorLinkHead):
                for metric, share in side.scorer.weight_shares().items():
                    total[metric] = total.get(metric, 0.0) + share / len(self.sides_.all)
        return total

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags


def _index(X: Any) -> pd.Index | None:
    return X.index if isinstance(X, pd.DataFrame) else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
