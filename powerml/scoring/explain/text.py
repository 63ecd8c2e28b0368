"""Reasons as the scores table carries them: JSON text, the largest contribution first."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.contributions import Contributions

_SAID = ("days", "hours", "minutes", "people", "weeks")  # units that a name does not say by itself


def reasons_json(
    contributions: Contributions, frame: pd.DataFrame, *, top: int | None, units: Mapping[str, str] | None = None
) -> pd.Series:
    """One JSON text per row: metric, value, contribution and a sentence, by falling size of the contribution.

    `top` keeps that many per row (None: all, which with the baseline add up to the score); contributions of exactly 0
    are only told where all are. `frame` holds the metrics' values.
    """
    names = [str(name) for name in contributions.values.columns]
    given = contributions.values.to_numpy(dtype=float)
    values = frame.reindex(columns=names)
    cells = [_cells(values[name]) for name in names]
    order = np.argsort(-np.abs(given), axis=1, kind="stable")[:, :top]
    units = units or {}
    heads = [f'{{"metric": {_quoted(name)}, "value": ' for name in names]
    texts = []
    for row, places in enumerate(order.tolist()):
        size = given[row].tolist()
        entries = [
            f'{heads[i]}{_written(cells[i][row])}, "contribution": {size[i] + 0.0!r}, "text": '
            f"{_quoted(reason_text(names[i], cells[i][row], size[i], unit=units.get(names[i], '')))}}}"
            for i in places
            if top is None or size[i] != 0
        ]
        texts.append(f"[{', '.join(entries)}]")
    return pd.Series(texts, index=contributions.values.index, dtype=object)


def _quoted(text: str) -> str:
    """A text as JSON has it; `json.dumps` of whole entries took a third of the time of scoring with reasons."""
    return encode_basestring(text)


def _written(value: float | str | None) -> str:
    """A number, a text or nothing as JSON has it."""
    return "null" if value is None else _quoted(value) if isinstance(value, str) else repr(value)


def _cells(values: pd.Series) -> list[float | str | None]:
    """A metric's values as JSON holds them: numbers, texts where it is a category, None where nothing is known."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        cells: list[float | str | None] = numbers.tolist()
        for row in np.flatnonzero(np.isnan(numbers)):
            cells[row] = None
        return cells
    return [None if v is None or v is pd.NA or v != v or str(v).strip() == "" else str(v).strip() for v in values]


def reason_text(metric: str, value: float | str | None, contribution: float, *, unit: str = "") -> str:
    """What one metric did to a score, in words.

    >>> reason_text("tickets_unresolved", 3, -15, unit="tickets")
    'tickets unresolved: 3 (-15.0 points)'
    >>> reason_text("active_days_30d", 12, 4.25, unit="days")
    'active days 30d: 12 days (+4.2 points)'
    """
    name = metric.replace("_", " ")
    if value is None or value != value:
        shown = "unknown"
    else:
        shown = value if isinstance(value, str) else f"{value:.4g}" + (f" {unit}" if unit in _SAID else "")
    return f"{name}: {shown} ({contribution:+.1f} points)"
