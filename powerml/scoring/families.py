"""Metrics that say the same thing, learnt once from the training rows and kept with the model: one reason each.

A family is what hangs together by correlations above `ALIKE` (Pearson's or Spearman's, of either sign), so that no two
reasons come from metrics that are alike. Its effect is the sum of its members' contributions, so reasons add up to the
score as contributions do. In each row it bears the name of its clearest member: the one that did most in the direction
of the whole, and whose value lies farthest from the usual one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from powerml.statistics.likeness import likeness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from powerml.scoring.contributions import Contributions

ALIKE = 0.8
"""Correlation above which two metrics say the same thing."""

DIM, UNKNOWN_IS_APART = 0.1, 0.5
"""How much a usual value explains of an effect, beside 1 for any other; how far an unknown one counts as unusual."""

Usual = float | str | None
"""What is usual of a metric: a number, a category, None where most rows do not know it."""

ROWS_TO_LEARN = 20_000
"""Training rows, evenly spaced, that tell which metrics are alike and what is usual."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """Contributions taken together by family: rows sum with the baseline to the score, as contributions do.

    `members` are the columns of `contributions.values` of each reason, those of the largest share first; `read` the
    metrics' values where they are numbers, (rows, metrics).
    """

    contributions: Contributions
    members: tuple[tuple[int, ...], ...]
    usual: Mapping[str, Usual]
    read: NDArray[np.float64]

    @property
    def baseline(self) -> float:
        """The score that reasons start from."""
        return self.contributions.baseline

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics, by column."""
        return tuple(map(str, self.contributions.values.columns))

    @cached_property
    def given(self) -> NDArray[np.float64]:
        """What each metric gives, (rows, metrics)."""
        return self.contributions.values.to_numpy(dtype=np.float64)

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """What each reason gives, (rows, reasons)."""
        columns = [self.given[:, list(m)].sum(axis=1) if len(m) > 1 else self.given[:, m[0]] for m in self.members]
        return np.column_stack(columns) if columns else np.empty((len(self.given), 0))

    @cached_property
    def named(self) -> NDArray[np.intp]:
        """The column of the metric that names each reason, (rows, reasons)."""
        names = np.empty(self.effects.shape, dtype=np.intp)
        for place, members in enumerate(self.members):
            names[:, place] = members[0]
            if len(members) > 1:
                along = self.given[:, list(members)] * np.sign(self.effects[:, [place]])
                names[:, place] = np.array(members)[(along * self._clearness(members)).argmax(axis=1)]
        return names

    def _clearness(self, members: tuple[int, ...]) -> NDArray[np.float64]:
        """How much a value explains, (rows, members): from `DIM` (the usual one) to 1 more (nothing like it)."""
        usual = np.array([_as_number(self.usual.get(self.metrics[column])) for column in members])
        values = self.read[:, list(members)]
        size = np.abs(values) + np.abs(usual)
        apart = np.divide(np.abs(values - usual), size, out=np.zeros_like(size), where=size > 0)
        return DIM + np.where(np.isnan(apart), UNKNOWN_IS_APART, apart)


@dataclass(frozen=True)
class Families:
    """Which metrics are one reason, and what is usual of each metric; nothing of either where nothing was learnt.

    `groups`: the families of two and more, in each the metric with the largest share of the score first. `usual`: what
    a metric is among the training rows: a mean on the logarithmic scale on which heads read long tails (a median would
    call 0 usual, and its effect a riddle), the most frequent category, None where most rows do not know it.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    usual: Mapping[str, Usual] = field(default_factory=dict)

    @classmethod
    def learn(cls, rows: pd.DataFrame, metrics: Sequence[str], *, shares: Mapping[str, float]) -> Self:
        """The families among `metrics`, of training rows; `shares` say how much each weighs in the score."""
        step = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_TO_LEARN)).round().astype(int))
        some = rows[[name for name in metrics if name in rows]].iloc[step]
        numeric = [name for name in some if _is_number(some[name])]
        x = some[numeric].to_numpy(dtype=np.float64, na_value=np.nan)
        _, family = connected_components(likeness(x) > ALIKE, directed=False)
        by_family: dict[int, list[str]] = {}
        for name, number in zip(map(str, numeric), family.tolist(), strict=True):
            by_family.setdefault(number, []).append(name)
        groups = [sorted(names, key=lambda name: -shares.get(name, 0.0)) for names in by_family.values()]
        usual = {str(name): _usual(some[name]) for name in some} if len(some) else {}
        return cls(tuple(tuple(names) for names in groups if len(names) > 1), usual)

    @property
    def leads(self) -> dict[str, str]:
        """Every metric that stands in a family -> the family's first."""
        return {name: names[0] for names in self.groups for name in names}

    def reasons(self, contributions: Contributions, frame: pd.DataFrame) -> Reasons:
        """The contributions to rows as reasons; `frame` holds the metrics' values in the same rows."""
        names, leads = list(map(str, contributions.values.columns)), self.leads
        rank = {name: place for group in self.groups for place, name in enumerate(group)}
        together: dict[str, list[int]] = {}
        for column, name in enumerate(names):
            together.setdefault(leads.get(name, name), []).append(column)
        members = [sorted(columns, key=lambda column: rank.get(names[column], 0)) for columns in together.values()]
        read = np.full((len(frame), len(names)), np.nan)
        for column in {column for columns in members if len(columns) > 1 for column in columns}:
            if names[column] in frame and _is_number(frame[names[column]]):
                read[:, column] = frame[names[column]].to_numpy(dtype=np.float64, na_value=np.nan)
        return Reasons(contributions, tuple(map(tuple, members)), self.usual, read)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"groups": [list(names) for names in self.groups], "usual": dict(self.usual)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(tuple(tuple(names) for names in written["groups"]), dict(written["usual"]))


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def _as_number(usual: Usual) -> float:
    return usual if isinstance(usual, float) else np.nan


def _usual(values: pd.Series) -> Usual:
    known = values.dropna()
    if 2 * len(known) < len(values) or known.empty:
        return None
    if not _is_number(values):
        return str(known.mode().iloc[0])
    numbers = known.to_numpy(dtype=np.float64)
    sizes = np.abs(numbers[numbers != 0])
    if not len(sizes):
        return 0.0
    size = float(np.median(sizes))
    middle = float((np.sign(numbers) * np.log1p(np.abs(numbers) / size)).mean())
    return float(np.sign(middle) * np.expm1(abs(middle)) * size)
