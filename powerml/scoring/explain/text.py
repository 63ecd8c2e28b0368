"""Reasons in words, and as the scores table carries them: JSON text, the largest effect first."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.scoring.explain.missing import UNKNOWN, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.families import Reasons

_SAID = ("days", "hours", "minutes", "people", "weeks")  # units that a name does not say by itself
_SHARE, _CHANGE = "ratio", "change"  # units that are read as per cent, of a change with its sign

Cell = float | str | None
"""A metric's value: a number, a category, None where it is not known."""

NOT_LEARNT = ""
"""Stands for what is usual where no training rows told it."""


def reasons_json(
    reasons: Reasons, frame: pd.DataFrame, *, top: int | None, metrics: Mapping[str, MetricSpec] | None = None
) -> pd.Series:
    """One JSON text per row, a list of reasons by falling size of their effect.

    A reason has `metric`, `value`, `usual` (where known), `contribution`, `text`, and where it stands for several
    metrics the others as `with`: `metric`, `value`, `contribution`; its own `contribution` holds theirs. `top` keeps
    that many per row (None: all, which with the baseline add up to the score); what gives exactly 0 is only told where
    all are. `frame` holds the metrics' values, `metrics` their units and what they are missing where they are null.
    """
    said = Wording(reasons, frame, metrics or {})
    order = np.argsort(-np.abs(reasons.effects), axis=1, kind="stable")[:, :top]
    sizes = np.take_along_axis(reasons.effects, order, axis=1).tolist()
    columns = np.take_along_axis(reasons.named, order, axis=1).tolist()
    texts = []
    for row, places in enumerate(order.tolist()):
        entries = [
            said.entry(row, place, column, size)
            for place, column, size in zip(places, columns[row], sizes[row], strict=True)
            if top is None or size != 0
        ]
        texts.append(f"[{', '.join(entries)}]")
    return pd.Series(texts, index=reasons.contributions.values.index, dtype=object)


class Wording:
    """Reasons of rows in words; what does not change from row to row is made once."""

    def __init__(self, reasons: Reasons, frame: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> None:
        names = reasons.metrics
        values = frame.reindex(columns=list(names))
        self.names = names
        self.cells = [cells_of(values[name]) for name in names]
        self._metrics = [metrics.get(name) for name in names]
        self._missing = [what_is_missing(metric) for metric in self._metrics]
        self._units = ["" if m is None else _CHANGE if m.change else m.unit for m in self._metrics]
        self._usual = [reasons.usual.get(name, NOT_LEARNT) for name in names]
        self._members = reasons.members
        self._given = reasons.given
        self._heads = [f'{{"metric": {_quoted(name)}, "value": ' for name in names]
        self._usually = ["" if usual == NOT_LEARNT else f'"usual": {_written(usual)}, ' for usual in self._usual]

    def text(self, row: int, place: int, column: int, size: float) -> str:
        """The sentence on reason `place` of a row, which bears the name of the metric in `column`."""
        return self.alone(row, column, size, others=[self.names[m] for m in self._members[place] if m != column])

    def alone(self, row: int, column: int, size: float, *, others: Sequence[str] = ()) -> str:
        """The same with the `others` that say the same, by default without."""
        return reason_text(
            self.names[column],
            self.cells[column][row],
            size,
            unit=self._units[column],
            usual=self._usual[column],
            missing=self._missing[column],
            others=others,
        )

    def shown(self, row: int, column: int) -> str:
        """A metric's value in a row as people read it."""
        return _shown(self.cells[column][row], self._units[column], self._missing[column])

    def usual(self, column: int) -> str:
        """What is usual of a metric as people read it; empty where nothing was learnt."""
        usual = self._usual[column]
        return "" if usual == NOT_LEARNT else _shown(usual, self._units[column], self._missing[column])

    def entry(self, row: int, place: int, column: int, size: float) -> str:
        """The reason as JSON text."""
        inside = ""
        if len(self._members[place]) > 1:
            others = [
                f'{self._heads[other]}{_written(self.cells[other][row])}, "contribution": {given!r}}}'
                for other in self._members[place]
                if other != column and (given := float(self._given[row, other]) + 0.0) != 0
            ]
            inside = f', "with": [{", ".join(others)}]' if others else ""
        return (
            f'{self._heads[column]}{_written(self.cells[column][row])}, {self._usually[column]}"contribution": '
            f'{size + 0.0!r}, "text": {_quoted(self.text(row, place, column, size))}{inside}}}'
        )


def _quoted(text: str) -> str:
    """A text as JSON has it; `json.dumps` of whole entries took a third of the time of scoring with reasons."""
    return encode_basestring(text)


def _written(value: Cell) -> str:
    """A number, a text or nothing as JSON has it."""
    return "null" if value is None else _quoted(value) if isinstance(value, str) else repr(value)


def cells_of(values: pd.Series) -> list[Cell]:
    """A metric's values as JSON holds them: numbers, texts where it is a category, None where nothing is known."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        cells: list[Cell] = numbers.tolist()
        for row in np.flatnonzero(np.isnan(numbers)):
            cells[row] = None
        return cells
    return [None if v is None or v is pd.NA or v != v or str(v).strip() == "" else str(v).strip() for v in values]


def reason_text(
    metric: str,
    value: Cell,
    contribution: float,
    *,
    unit: str = "",
    usual: Cell = NOT_LEARNT,
    missing: str = UNKNOWN,
    others: Sequence[str] = (),
) -> str:
    """What one reason did to a score, in words: the value, the usual one, the effect, the metrics that say the same.

    >>> reason_text("tickets_unresolved", 3, -15, unit="tickets")
    'tickets unresolved: 3 (-15.0 points)'
    >>> reason_text("active_days_30d", 12, 4.25, unit="days", usual=7.0, others=["logins_30d"])
    'active days 30d: 12 days, usually 7 (+4.2 points, with logins 30d)'
    >>> reason_text("nps_latest", None, -0.5, usual=8.0, missing="no survey answer yet")
    'nps latest: no survey answer yet (-0.5 points)'
    """
    told = _shown(value, unit, missing)
    if usual != NOT_LEARNT and not (told == missing and usual is not None):
        bare = unit if unit in (_SHARE, _CHANGE) else ""
        usually = _shown(usual, bare, missing if usual != value else "")
        alike = "like most" if isinstance(value, str) else "as usual"
        told += f", {alike}" if usually in ("", _shown(value, bare, missing)) else f", usually {usually}"
    return f"{_named(metric, unit)}: {told} ({contribution:+.1f} points{_with(others)})"


def _with(others: Sequence[str]) -> str:
    if not others:
        return ""
    if len(others) > 2:
        return f", with {_words(others[0])} and {len(others) - 1} more like it"
    return f", with {' and '.join(map(_words, others))}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _named(metric: str, unit: str) -> str:
    """The metric's name without the unit at its end, where the value says it: `account age: 58 days`."""
    return _words(metric).removesuffix(f" {unit}") if unit in _SAID else _words(metric)


def _shown(value: Cell, unit: str, missing: str) -> str:
    if value is None or value != value:
        return missing
    if isinstance(value, str):
        return value
    if unit in (_SHARE, _CHANGE):
        return f"{'+' * (unit == _CHANGE and value > 0)}{_per_cent(100 * value)}%"
    counted = ("person" if unit == "people" else unit.removesuffix("s")) if value == 1 else unit
    return f"{_digits(value)} {counted}" if unit in _SAID else _digits(value)


def _digits(value: float) -> str:
    """Whole numbers whole, others to three digits, none in powers of ten; what is next to nothing is 0."""
    if abs(value) < 0.0005:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def _per_cent(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else _digits(float(f"{value:.2g}"))
