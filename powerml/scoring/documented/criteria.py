"""Rules and signals: the share of the criteria that are met, and whether they make a power user (documents B, C)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from powerml.config.bands import Band, BandsSpec
from powerml.config.conditions import Comparator, Criterion, TopShare
from powerml.config.signals import CriteriaSpec, RuleSpec, SignalsSpec
from powerml.scoring.contributions import Contributions
from powerml.scoring.documented.base import DocumentedScorer, Numbers
from powerml.statistics.comparing import holds
from powerml.statistics.ranks import Ranks, active_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

CriteriaT = TypeVar("CriteriaT", bound=CriteriaSpec)


class CriteriaScorer(DocumentedScorer[CriteriaT]):
    """`score = 100 x criteria met / criteria`; a power user meets at least as many as the weight set says.

    Ranks are taken within the stored reference after `fit`, else within the active rows given.
    """

    @property
    def parts(self) -> tuple[str, ...]:
        """The criteria."""
        return tuple(self.card.criteria)

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The metrics that each criterion reads."""
        return {name: criterion.metrics for name, criterion in self.card.criteria.items()}

    @property
    def bands(self) -> BandsSpec:
        """The declared ladder, or two bands: power users and the others."""
        if self.card.bands is not None:
            return self.card.bands
        edge = 100 * self.card.least / len(self.card.criteria)
        return BandsSpec(
            name=self.name, bands=(Band(from_=edge, name="Power User"), Band(from_=0, name="Not a power user"))
        )

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Score points by metric: a criterion's points are split evenly among the metrics by which it is met."""
        numbers, active = self._numbers(X), active_rows(X)
        ranks = self._ranks(numbers, active)
        each = 100 / len(self.card.criteria)
        values = {metric: np.zeros(len(X)) for metric in self.metrics_}
        for criterion in self.card.criteria.values():
            met = {metric: np.zeros(len(X), dtype=bool) for metric in criterion.metrics}
            for condition in criterion.any_of:
                for metric in condition.metrics:
                    met[metric] |= _condition(condition, numbers, active, ranks)
            count = np.sum(list(met.values()), axis=0)
            for metric, by in met.items():
                values[metric] += np.divide(each, count, out=np.zeros(len(X)), where=by)
        return Contributions(pd.DataFrame(values, index=X.index), 0.0)

    def edges(self, row: Mapping[str, float]) -> Iterable[tuple[str, float | str]]:
        """What conditions compare with; of a top share its edge in the stored reference."""
        for criterion in self.card.criteria.values():
            for condition in criterion.any_of:
                if isinstance(condition, Comparator):
                    yield condition.metric, condition.value
                elif hasattr(self, "reference_"):
                    top = self.reference_.metrics[condition.metric].top_edge(condition.share)
                    if top is not None:
                        yield condition.metric, top

    def _met(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        ranks = self._ranks(numbers, active)
        return np.column_stack([_criterion(c, numbers, active, ranks) for c in self.card.criteria.values()])

    def _table(self, X: pd.DataFrame, met: NDArray[np.bool_]) -> dict[str, Any]:
        score = 100 * met.sum(axis=1) / len(self.parts)
        table: dict[str, Any] = {name: met[:, i] for i, name in enumerate(self.parts)}
        table |= {
            "score": score,
            "power_user": met.sum(axis=1) >= self.card.least,
            "coverage": self._there(self._numbers(X)),
        }
        return self._with_band(table, score)

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return 100 * self._met(numbers, active) / len(self.parts)

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = 100 * self._met(numbers, active).sum(axis=1) / len(self.parts)
        return scores

    @property
    def _ranked(self) -> tuple[str, ...]:
        conditions = [condition for criterion in self.card.criteria.values() for condition in criterion.any_of]
        return tuple(dict.fromkeys(c.metric for c in conditions if isinstance(c, TopShare)))

    def _ranks(self, numbers: Numbers, active: NDArray[np.bool_]) -> dict[str, Ranks]:
        if hasattr(self, "reference_"):
            return dict(self.reference_.metrics)
        return {metric: Ranks.of(numbers[metric][active]) for metric in self._ranked}

    def _ranges(self) -> dict[str, float]:
        ranges = dict.fromkeys(self.metrics_, 0.0)
        for criterion in self.card.criteria.values():
            for metric in criterion.metrics:
                ranges[metric] += 100 / len(self.parts) / len(criterion.metrics)
        return ranges


class RuleScorer(CriteriaScorer[RuleSpec]):
    """A definition all of whose conditions must hold (document B, "How do we identify Power Users")."""

    kind_of_scorer = "rule"
    spec_type = RuleSpec

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Whether each condition is met, `score`, `power_user`, `coverage`, `band`."""
        return pd.DataFrame(self._table(X, self._met(self._numbers(X), active_rows(X))), index=X.index)


class SignalsScorer(CriteriaScorer[SignalsSpec]):
    """Signals of which some make a power user (document C, "Essential Metrics for Finding Power Users")."""

    kind_of_scorer = "signals"
    spec_type = SignalsSpec

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Whether each signal is met, `signals` (how many), `score`, `power_user`, `joint_rule`, `coverage`, `band`."""
        numbers, active = self._numbers(X), active_rows(X)
        met = self._met(numbers, active)
        table = self._table(X, met)
        table = {**{k: table.pop(k) for k in self.parts}, "signals": met.sum(axis=1), **table}
        if (joint := self.card.joint_rule) is not None:
            ranks = self._ranks(numbers, active)
            table["joint_rule"] = np.logical_and.reduce([_condition(c, numbers, active, ranks) for c in joint.all_of])
        return pd.DataFrame(table, index=X.index)

    @property
    def _ranked(self) -> tuple[str, ...]:
        joint = self.card.joint_rule.all_of if self.card.joint_rule else ()
        return tuple(dict.fromkeys([*super()._ranked, *(c.metric for c in joint if isinstance(c, TopShare))]))


def _criterion(
    criterion: Criterion, numbers: Numbers, active: NDArray[np.bool_], ranks: dict[str, Ranks]
) -> NDArray[np.bool_]:
    met: NDArray[np.bool_] = np.logical_or.reduce([_condition(c, numbers, active, ranks) for c in criterion.any_of])
    return met


def _condition(
    condition: Comparator | TopShare, numbers: Numbers, active: NDArray[np.bool_], ranks: dict[str, Ranks]
) -> NDArray[np.bool_]:
    if isinstance(condition, TopShare):
        return active & ranks[condition.metric].in_top(numbers[condition.metric], condition.share)
    return holds(condition, numbers)
