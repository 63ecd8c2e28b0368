"""A table of any columns as numbers: text that holds numbers is read as such, other text becomes level numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns

if TYPE_CHECKING:
    from powerml.statistics.logistic import Floats

MAX_LEVELS = 30
"""Text levels kept apart; rarer ones share a level."""

MOSTLY_DIFFERENT = 0.5
"""A text column with more different texts than this share of its rows is a name or an id, and is left out."""


@dataclass(frozen=True)
class EncodedColumn:
    """How one column is read: as a number (no levels) or as the position of its text in `levels`.

    `low` and `high` are the smallest and largest number that training saw, `blanks` whether it saw a cell without one;
    None where nobody kept it.
    """

    name: str
    levels: tuple[str, ...] | None = None
    has_others: bool = False
    low: float | None = None
    high: float | None = None
    blanks: bool | None = None

    @classmethod
    def of_numbers(cls, name: str, numbers: Floats) -> EncodedColumn | None:
        """The column of these numbers with what they span; None where they never vary."""
        if not _varies(numbers):
            return None
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        return cls(name, low=low, high=high, blanks=bool(np.isnan(numbers).any()))

    def encode(self, values: pd.Series) -> Floats:
        """Numbers (rows,); NaN for null, blank, and text that training did not know."""
        if self.levels is None:
            return _as_numbers(values)
        texts = _as_texts(values)
        positions = {text: float(i) for i, text in enumerate(self.levels)}
        codes: Floats = np.array(texts.map(positions), dtype=np.float64)
        if self.has_others:
            codes[np.isnan(codes) & texts.notna().to_numpy()] = len(self.levels)
        return codes

    def label(self, code: float) -> str:
        """The text behind a level number."""
        if np.isnan(code):
            return "missing"
        assert self.levels is not None
        return self.levels[int(code)] if int(code) < len(self.levels) else "other"


@dataclass(frozen=True)
class TableEncoder:
    """The columns a model reads, in order, and why others were left out."""

    columns: tuple[EncodedColumn, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def learn(cls, X: pd.DataFrame) -> TableEncoder:
        """Decides column by column from training rows; columns that never vary are left out silently."""
        columns, left_out = [], []
        for name in X.columns:
            values = X[name]
            if _is_number(values):
                if (read := EncodedColumn.of_numbers(str(name), _as_numbers(values))) is not None:
                    columns.append(read)
                continue
            counts = _as_texts(values).value_counts()
            if len(counts) > max(MAX_LEVELS, MOSTLY_DIFFERENT * len(values)):
                left_out.append(
                    f"{name}: {len(counts)} different texts in {len(values)} rows, so it says who, not what"
                )
                continue
            ranked = sorted(counts.index, key=lambda text: (-counts[text], text))
            column = EncodedColumn(str(name), tuple(sorted(ranked[:MAX_LEVELS])), len(ranked) > MAX_LEVELS)
            if _varies(column.encode(values)):
                columns.append(column)
        return cls(tuple(columns), tuple(left_out))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns read."""
        return tuple(column.name for column in self.columns)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold level numbers."""
        return tuple(i for i, column in enumerate(self.columns) if column.levels is not None)

    def encode(self, X: pd.DataFrame, *, asked_by: str) -> Floats:
        """The columns as numbers (rows, columns); raises MissingColumns naming those that `X` lacks."""
        if absent := [name for name in self.names if name not in X.columns]:
            raise MissingColumns(absent, asked_by=asked_by, have=map(str, X.columns))
        out = np.empty((len(X), len(self.columns)))
        for j, column in enumerate(self.columns):
            out[:, j] = column.encode(X[column.name])
        return out

    def to_dict(self) -> dict[str, Any]:
        """The encoder as JSON-able data."""
        return {
            "columns": [
                {"name": c.name, "low": c.low, "high": c.high, "blanks": c.blanks}
                if c.levels is None
                else {"name": c.name, "levels": list(c.levels), "others": c.has_others}
                for c in self.columns
            ],
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> TableEncoder:
        """The encoder that `to_dict` wrote."""
        columns = (
            EncodedColumn(c["name"], tuple(c["levels"]), c["others"])
            if "levels" in c
            else EncodedColumn(c["name"], low=c.get("low"), high=c.get("high"), blanks=c.get("blanks"))
            for c in written["columns"]
        )
        return cls(tuple(columns), tuple(written["left_out"]))


def _is_number(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return True
    if pd.api.types.is_datetime64_any_dtype(values):
        return False
    texts = _as_texts(values).dropna()
    return bool(pd.to_numeric(texts, errors="coerce").notna().all())


def _as_numbers(values: pd.Series) -> Floats:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    else:
        numbers = pd.to_numeric(_as_texts(values), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    numbers[np.isinf(numbers)] = np.nan
    return numbers


def _as_texts(values: pd.Series) -> pd.Series:
    """Trimmed text, null where blank."""
    texts = values.astype("object").where(values.notna(), None).map(lambda v: None if v is None else str(v).strip())
    return texts.where(texts != "", None)


def _varies(numbers: Floats) -> bool:
    null = np.isnan(numbers)
    known = numbers[~null]
    return bool(len(known)) and bool(null.any() or known.min() < known.max())
