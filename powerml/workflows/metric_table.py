"""A table of metrics made elsewhere: its columns carry catalogue names, and a bad file is one clear message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from powerml.errors import DataError, MissingColumns
from powerml.workflows.table_files import dates, ids, numbers, read_table, row_error

IDS = ("user_id", "account_id")
_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True)
class MetricTable:
    """Rows to score: `frame` holds ids as text, metrics as numbers, `enough_history` and `active` as truth values.

    `columns` are all the file's, so that a misspelt one can be named.
    """

    frame: pd.DataFrame
    id_column: str
    has_history: bool
    columns: tuple[str, ...]


def read_metric_table(path: Path, *, metrics: Iterable[str]) -> MetricTable:
    """Reads a CSV or Parquet file with an id column and at least one of `metrics` (the names that count as metrics).

    Of two id columns `user_id` is the entity and `account_id` stands beside it. Rows without `active` are active where
    `events_30d` is at least 1, or all where that is absent. Raises DataError naming the file, the row and the fix.
    """
    raw = read_table(path)
    twice = raw.columns[raw.columns.duplicated()]
    if len(twice):
        raise DataError.in_file(path, f"has two columns {twice[0]!r}", "keep one of them")
    id_column = next((name for name in IDS if name in raw), None)
    if id_column is None:
        raise MissingColumns(["user_id"], asked_by=f"{path}: a table to score", have=raw.columns)
    measured = [name for name in raw.columns if name in set(metrics)]
    if not measured:
        shown = ", ".join(map(str, raw.columns[:8]))
        fix = "name columns as 'powerml metrics' lists them"
        raise DataError.in_file(path, f"no column carries a metric's name (it has {shown})", fix)
    columns = {name: ids(raw[name], path) for name in IDS if name in raw}
    if "as_of" in raw:
        columns["as_of"] = dates(raw["as_of"], path)
    columns |= {name: numbers(raw[name], path) for name in measured}
    columns |= {name: _truths(raw[name], path) for name in ("enough_history", "active") if name in raw}
    frame = pd.DataFrame(columns)
    if "active" not in frame:
        frame["active"] = frame["events_30d"].ge(1) if "events_30d" in frame else True
    has_history = "enough_history" in frame
    if not has_history:
        frame["enough_history"] = True
    return MetricTable(frame, id_column, has_history, tuple(map(str, raw.columns)))


def _truths(values: pd.Series, path: Path) -> pd.Series:
    if pd.api.types.is_bool_dtype(values):
        return values.astype(bool)
    truths = values.astype("string").str.strip().str.lower().map(_TRUTHS)
    bad = truths.isna()
    if bad.any():
        raise row_error(path, values, bad, "is neither true nor false", "write true or false")
    return truths.astype(bool)
