"""Reasons in words, and as the scores table carries them: JSON text, the largest effect first."""

from __future__ import annotations

from itertools import islice
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.scoring.explain.missing import what_is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.families import Reasons

_SAID = ("days", "hours", "minutes", "people", "weeks")  # units that a name does not say by itself
_SHARE, _CHANGE = "ratio", "change"  # units that are read as per cent, of a change with its sign

Cell = float | str | None
"""A metric's value: a number, a category, None where it is not known."""

MOST_KEPT = 10_000
"""Values of a metric whose words are kept: counts come again and again."""

NOT_LEARNT = ""
"""Stands for what is usual where no training rows told it."""


def reasons_json(
    reasons: Reasons, frame: pd.DataFrame, *, top: int | None, metrics: Mapping[str, MetricSpec] | None = None
) -> pd.Series:
    """One JSON text per row, a list of reasons by falling size of their effect.

    A reason has `metric`, `value`, `usual` (where learnt), `contribution`, `text`, and where it stands for several
    metrics the names of the others as `with`; its `contribution` holds theirs (`reasons_table` tells them apart). `top`
    keeps that many per row (None: all, which with the baseline add up to the score); what gives exactly 0 is only told
    where all are. `frame` holds the metrics' values, `metrics` their units and what they are missing where null.
    """
    said = Wording(reasons, frame, metrics or {})
    texts = [f"[{', '.join(said.entry(row, *one) for one in told)}]" for row, told in enumerate(_largest(reasons, top))]
    return pd.Series(texts, index=reasons.contributions.values.index, dtype=object)


def reasons_text(reasons: Reasons, frame: pd.DataFrame, *, top: int, metrics: Mapping[str, MetricSpec]) -> list[str]:
    """The sentences of `reasons_json` alone, a text per row."""
    said = Wording(reasons, frame, metrics)
    return ["; ".join(said.text(row, *one) for one in told) for row, told in enumerate(_largest(reasons, top))]


def _largest(reasons: Reasons, top: int | None) -> Iterator[list[tuple[int, int, float]]]:
    """Per row its reasons that are told, by falling size: place, column of the metric that names it, effect."""
    order = np.argsort(-np.abs(reasons.effects), axis=1, kind="stable")[:, :top]
    told = (order, np.take_along_axis(reasons.named, order, axis=1), np.take_along_axis(reasons.effects, order, axis=1))
    each = zip(*(numbers.ravel().tolist() for numbers in told), strict=True)
    for _ in range(len(order)):
        yield [one for one in islice(each, order.shape[1]) if top is None or one[2] != 0]


class Wording:
    """Reasons of rows in words; what does not change from row to row is made once."""

    def __init__(self, reasons: Reasons, frame: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> None:
        names = reasons.metrics
        values = frame.reindex(columns=list(names))
        self.names = names
        self.cells = [ShownValues(values[name]) for name in names]
        specs = [metrics.get(name) for name in names]
        units = ["" if m is None else _CHANGE if m.change else m.unit for m in specs]
        usual = [reasons.usual.get(name, NOT_LEARNT) for name in names]
        self._metrics = [
            _Metric(name, unit, what_is_missing(spec), usually)
            for name, unit, spec, usually in zip(names, units, specs, usual, strict=True)
        ]
        self._heads = [f'{{"metric": {_quoted(name)}, "value": ' for name in names]
        self._usually = ["" if one == NOT_LEARNT else f'"usual": {_written(one)}, ' for one in usual]
        self._members = reasons.members
        self._others: dict[int, tuple[str, str]] = {}
        self._around: list[dict[Cell, tuple[str, str, str]]] = [{} for _ in names]

    def text(self, row: int, place: int, column: int, size: float) -> str:
        """The sentence on reason `place` of a row, which bears the name of the metric in `column`."""
        return self._metrics[column].sentence(self.cells[column][row], size, self._beside(place, column)[0])

    def alone(self, row: int, column: int, size: float) -> str:
        """The same without the metrics that say the same."""
        return self._metrics[column].sentence(self.cells[column][row], size, "")

    def shown(self, row: int, column: int) -> str:
        """A metric's value in a row as people read it."""
        return self._metrics[column].shown(self.cells[column][row])

    def usual(self, column: int) -> str:
        """What is usual of a metric as people read it; empty where nothing was learnt."""
        return self._metrics[column].usual

    def entry(self, row: int, place: int, column: int, size: float) -> str:
        """The reason as JSON text."""
        value, around = self.cells[column][row], self._around[column]
        if (known := around.get(value)) is None:
            known = self._without_size(value, place, column)
            if len(around) < MOST_KEPT:
                around[value] = known
        before, between, after = known
        return f"{before}{size + 0.0!r}{between}{size:+.1f}{after}"

    def _without_size(self, value: Cell, place: int, column: int) -> tuple[str, str, str]:
        """What stands before, between and after the two places where an entry tells the effect."""
        words, inside = self._beside(place, column)
        before, after = (_quoted(part)[1:-1] for part in self._metrics[column].around(value, words))
        head = f'{self._heads[column]}{_written(value)}, {self._usually[column]}"contribution": '
        return head, f', "text": "{before}', f'{after}"{inside}}}'

    def _beside(self, place: int, column: int) -> tuple[str, str]:
        """What is said of the other metrics of a reason that bears the name of one: in words, and as JSON has it."""
        if column not in self._others:  # a metric stands in one reason
            others = [self.names[member] for member in self._members[place] if member != column]
            told = f', "with": [{", ".join(map(_quoted, others))}]' if others else ""
            self._others[column] = _with(others), told
        return self._others[column]


class _Metric:
    """How one metric's values are said."""

    def __init__(self, name: str, unit: str, missing: str, usual: Cell) -> None:
        self.name = _words(name).removesuffix(f" {unit}") if unit in _SAID else _words(name)
        self.missing, self.learnt, self.expected = missing, usual != NOT_LEARNT, usual
        self.per_cent, self.signed = unit in (_SHARE, _CHANGE), unit == _CHANGE
        self.unit = f" {unit}" if unit in _SAID else ""
        self.one = (" person" if unit == "people" else self.unit.removesuffix("s")) if self.unit else ""
        self._said: dict[float, str] = {}
        self._usually = "" if not self.learnt else self.number(usual)

    @property
    def usual(self) -> str:
        """What is usual in words; empty where nothing was learnt."""
        return self.shown(self.expected) if self.learnt else ""

    def number(self, value: Cell) -> str:
        """A value without its unit; a category itself, or what is missing."""
        if value is None or value != value:
            return self.missing
        if isinstance(value, str):
            return value
        if (said := self._said.get(value)) is None:
            sign = "+" * (self.signed and value > 0)
            said = f"{sign}{_per_cent(100 * value)}%" if self.per_cent else _digits(value)
            if len(self._said) < MOST_KEPT:
                self._said[value] = said
        return said

    def shown(self, value: Cell) -> str:
        """A value with its unit."""
        return self.number(value) + self._counted(value)

    def sentence(self, value: Cell, size: float, others: str) -> str:
        """Value, usual value and effect."""
        before, after = self.around(value, others)
        return f"{before}{size:+.1f}{after}"

    def around(self, value: Cell, others: str) -> tuple[str, str]:
        """The sentence before and after its effect."""
        number = self.number(value)
        said, after = number + self._counted(value), f" points{others})"
        if not self.learnt or (number is self.missing and self.expected is not None):
            return f"{self.name}: {said} (", after
        like = f"usually {self._usually}"
        if number == self._usually:
            like = "like most" if isinstance(value, str) else "as usual"
        return f"{self.name}: {said}, {like} (", after

    def _counted(self, value: Cell) -> str:
        if not self.unit or not isinstance(value, float) or value != value:
            return ""
        return self.one if value == 1 else self.unit


def _quoted(text: str) -> str:
    """A text as JSON has it; `json.dumps` of whole entries took a third of the time of scoring with reasons."""
    return encode_basestring(text)


def _written(value: Cell) -> str:
    """A number, a text or nothing as JSON has it."""
    return "null" if value is None else _quoted(value) if isinstance(value, str) else repr(value)


class ShownValues:
    """A metric's values as JSON holds them: numbers, texts where it is a category, None where nothing is known.

    Numbers are read when they are asked for: of a large table most are never told.
    """

    def __init__(self, values: pd.Series) -> None:
        self._texts: list[Cell] = []
        self._numbers: np.ndarray | None = None
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            self._numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            blank = (v is None or v is pd.NA or v != v or str(v).strip() == "" for v in values)
            self._texts = [None if none else str(v).strip() for v, none in zip(values, blank, strict=True)]

    def __getitem__(self, row: int) -> Cell:
        if self._numbers is None:
            return self._texts[row]
        value: float = self._numbers.item(row)
        return None if value != value else value


def _with(others: Sequence[str]) -> str:
    if not others:
        return ""
    if len(others) > 2:
        return f", with {_words(others[0])} and {len(others) - 1} more like it"
    return f", with {' and '.join(map(_words, others))}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _digits(value: float) -> str:
    """Whole numbers whole, others to three digits, none in powers of ten; what is next to nothing is 0."""
    if abs(value) < 0.0005:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def _per_cent(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else _digits(float(f"{value:.2g}"))
