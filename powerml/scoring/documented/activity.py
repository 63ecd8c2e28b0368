"""Activity scorers: weighted counts over a full scale that is declared or taken from the reference (document E)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from powerml.config.activity import Action, ActivitySpec
from powerml.scoring.contributions import Contributions, shrink_to
from powerml.scoring.documented.base import DocumentedScorer, Fill, Numbers
from powerml.statistics.ranks import active_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

FULL_SCALE_PERCENTILE = 95
UNGROUPED = "other"


class ActivityScorer(DocumentedScorer[ActivitySpec]):
    """`score = 100 min(raw / full_scale, 1)` with `raw` the weighted sum of action counts; a null count counts 0.

    Attributes
    ----------
    full_scale_ : after `fit`, the declared full scale, or the 95th percentile of raw among the active rows of the
        reference (linear interpolation, at least 1). Unfitted, with `auto`, it is taken from the rows given.

    Notes
    -----
    Source of the shipped set: document E, "How to calculate a user activity score".
    """

    kind_of_scorer = "activity"
    spec_type = ActivitySpec

    @property
    def parts(self) -> tuple[str, ...]:
        """The actions, by the column each is counted from; as declared where it is counted from many."""
        return tuple(columns[0][0] if len(columns) == 1 else name for name, columns in self.card.columns.items())

    @property
    def part_metrics(self) -> dict[str, tuple[str, ...]]:
        """The columns from which each action is counted."""
        columns = self.card.columns.values()
        return {part: tuple(name for name, _ in read) for part, read in zip(self.parts, columns, strict=True)}

    @property
    def declared_metrics(self) -> dict[str, str]:
        """For each column it reads, the action as declared."""
        return {column: action for action, columns in self.card.columns.items() for column, _ in columns}

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The window of each column that is not read as declared: from so many days back to so many."""
        return self.card.windows

    @property
    def needs_reference(self) -> bool:
        """Whether the full scale is still to be taken from a reference."""
        return self.card.full_scale == "auto" and not hasattr(self, "full_scale_")

    @property
    def points_each(self) -> dict[str, float]:
        """Score points that one more of each column gives, below the full scale; the full scale must be known."""
        full_scale = self._full_scale(np.empty(0), lambda: np.empty(0, dtype=bool))
        return {
            column: 100 * factor * self.card.actions[action].weight / full_scale
            for action, columns in self.card.columns.items()
            for column, factor in columns
        }

    def score_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """`raw_score`, `score`, `unweighted` (every action counted equally), `coverage`, `band`."""
        numbers = self._numbers(X)
        counts = self._counts(numbers)
        raw = (counts * self._weights).sum(axis=1)
        score = self._scaled(raw, self._full_scale(raw, lambda: active_rows(X)))
        there = self._there({part: _all_there(numbers, columns) for part, columns in self.part_metrics.items()})
        table: dict[str, Any] = {"raw_score": raw, "score": score, "unweighted": counts.sum(axis=1), "coverage": there}
        return pd.DataFrame(self._with_band(table, score), index=X.index)

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Score points by action; where the score was clipped to 100, all are scaled down alike. The baseline is 0."""
        counts = self._counts(self._numbers(X))
        weighted = counts * self._weights
        raw = weighted.sum(axis=1)
        scale = self._full_scale(raw, lambda: active_rows(X))
        values = shrink_to(100 * weighted / scale, self._scaled(raw, scale))
        return Contributions(pd.DataFrame(values, index=X.index, columns=list(self.parts)), 0.0)

    def branches(self) -> dict[str, str]:
        """The group of each action."""
        actions = self.card.actions.values()
        return {part: action.group or UNGROUPED for part, action in zip(self.parts, actions, strict=True)}

    def fills(self, row: Mapping[str, float]) -> dict[str, Fill]:
        """The count of each action that alone would give all 100 points more, the dearest the farthest."""
        way = {metric: 100 / each for metric, each in self.points_each.items() if each > 0}
        return {metric: Fill(row[metric] + distance, distance) for metric, distance in way.items()}

    def weights(self) -> dict[str, float]:
        """The weight of each action."""
        return {name: action.weight for name, action in self.card.actions.items()}

    def normalised(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (..., actions) relative to the first, which has the document's."""
        first = weights[..., :1]
        worth = next(iter(self.weights().values()))
        return worth * weights / np.where(first > 0, first, np.nan)

    def reviewed(self, X: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Raw weighted counts by action as declared."""
        levels = pd.DataFrame(self.transform(X), index=X.index, columns=list(self.card.actions))
        return levels, levels

    def _with_weights(self, data: dict[str, Any], weights: Mapping[str, float]) -> dict[str, Any]:
        actions = {name: data["actions"][name] | {"weight": weight} for name, weight in weights.items()}
        return {"actions": actions, "full_scale": "auto"}

    def unweighted(self) -> ActivityScorer:
        """The twin that counts every action equally, on a full scale of its own."""
        actions = {name: Action(weight=1, group=action.group) for name, action in self.card.actions.items()}
        name = f"{self.card.name}_unweighted"
        twin = self.card.model_copy(update={"name": name, "actions": actions, "full_scale": "auto"})
        return ActivityScorer(twin, origin="edited")

    def to_dict(self) -> dict[str, Any]:
        """The whole scorer as JSON holds it, the stored full scale included."""
        return {**super().to_dict(), "full_scale": getattr(self, "full_scale_", None)}

    def _restore(self, data: Mapping[str, Any]) -> Self:
        super()._restore(data)
        if data["full_scale"] is not None:
            self.full_scale_ = float(data["full_scale"])
        return self

    @property
    def _weights(self) -> NDArray[np.float64]:
        return np.array([action.weight for action in self.card.actions.values()], dtype=float)

    def _counts(self, numbers: Numbers) -> NDArray[np.float64]:
        """Counts by action (n, actions), decayed where a half-life is declared."""
        return np.column_stack(
            [
                sum((factor * np.nan_to_num(numbers[name]) for name, factor in columns[1:]),
                    columns[0][1] * np.nan_to_num(numbers[columns[0][0]]))
                for columns in self.card.columns.values()
            ]
        )  # fmt: skip

    def _scaled(self, raw: NDArray[np.float64], full_scale: float) -> NDArray[np.float64]:
        return np.clip(100 * raw / full_scale, 0.0, 100.0)

    def _learn(self, numbers: Numbers, active: NDArray[np.bool_]) -> None:
        self.full_scale_ = self._declared_or_from((self._counts(numbers) * self._weights).sum(axis=1), active)

    def _full_scale(self, raw: NDArray[np.float64], active: Callable[[], NDArray[np.bool_]]) -> float:
        return float(self.full_scale_) if hasattr(self, "full_scale_") else self._declared_or_from(raw, active())

    def _declared_or_from(self, raw: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
        if self.card.full_scale != "auto":
            return float(self.card.full_scale)
        return max(1.0, float(np.percentile(raw[active], FULL_SCALE_PERCENTILE))) if active.any() else 1.0

    def _parts(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self._counts(numbers) * self._weights

    def _scores(self, numbers: Numbers, active: NDArray[np.bool_]) -> NDArray[np.float64]:
        raw = (self._counts(numbers) * self._weights).sum(axis=1)
        return self._scaled(raw, self._full_scale(raw, lambda: active))

    def _ranges(self) -> dict[str, float]:
        total = sum(abs(action.weight) for action in self.card.actions.values())
        actions = self.card.actions.values()
        return {part: 100 * abs(action.weight) / total for part, action in zip(self.parts, actions, strict=True)}


def _all_there(numbers: Numbers, columns: Sequence[str]) -> NDArray[np.float64]:
    """NaN where any of the columns is null."""
    return np.where(np.any([np.isnan(numbers[column]) for column in columns], axis=0), np.nan, 0.0)
