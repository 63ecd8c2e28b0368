"""A table of metrics made elsewhere: its columns carry catalogue names, and a bad file is one clear message."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.metrics import catalogue
from powerml.errors import DataError, MissingColumns
from powerml.scoring.unseen import known_levels
from powerml.sources.tables.files import blank, check_once, dates, ids, numbers, read_table, truths
from powerml.sources.tables.instants import days_before, moments_of
from powerml.sources.tables.kinds import categories
from powerml.tables import ENTITY_IDS, ROW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from powerml.scoring.named import NamedScorer


@dataclass(frozen=True)
class MetricTable:
    """Rows to score: `frame` holds ids as text, metrics as numbers, `enough_history` and `active` as truth values.

    `columns` are all the file's, so that a misspelt one can be named.
    """

    frame: pd.DataFrame
    id_column: str
    has_history: bool
    columns: tuple[str, ...]


def read_metric_table(
    path: Path,
    *,
    metrics: Iterable[str],
    texts: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    id_column: str = "",
    instants: Collection[str] = (),
    time: str = "",
) -> MetricTable:
    """Reads a CSV or Parquet file with an id column and at least one of `metrics` (the names that count as metrics).

    `texts`: metrics that hold categories, with those known to training. `id_column`: what the id is called where it is
    neither `user_id` nor `account_id`; "row" stands for the number of the row where the file has no ids. `instants`:
    metrics that are read as days before the row's date, which stands in the column `time` or in `as_of`.

    Of two id columns `user_id` is the entity and `account_id` stands beside it. Rows without `active` are active where
    `events_30d` is at least 1, or all where that is absent. Raises DataError naming the file, the row and the fix.
    """
    raw = read_table(path)
    found = next((name for name in (id_column, *ENTITY_IDS) if name and name in raw), None)
    if found is None and id_column == ROW:
        raw, found = raw.assign(row=np.arange(1, len(raw) + 1)), ROW
    if found is None:
        raise MissingColumns([id_column or "user_id"], asked_by=f"{path}: a table to score", have=raw.columns)
    measured = [name for name in raw.columns if name in set(metrics)]
    if not measured and not id_column:  # a model that was trained on a table says itself what it lacks
        shown = ", ".join(map(str, raw.columns[:8]))
        fix = "name columns as 'powerml metrics' lists them"
        raise DataError.in_file(path, f"no column carries a metric's name (it has {shown})", fix)
    columns = {n: ids(raw[n], path, required=n == found) for n in dict.fromkeys([found, *ENTITY_IDS]) if n in raw}
    dated = next((name for name in (time, "as_of") if name and name in raw), None)
    if dated is not None:
        columns["as_of"] = dates(raw[dated], path)
    for name in measured:
        if name in instants:
            columns[name] = _days(raw[name], columns.get("as_of"), path, time=time)
        else:
            columns[name] = categories(raw[name], texts[name]) if name in texts else numbers(raw[name], path)
    columns |= {name: truths(raw[name], path) for name in ("enough_history", "active") if name in raw}
    frame = pd.DataFrame(columns)
    if found != ROW:
        check_once(frame, found, path, fix="keep one row of each, or name the column of their dates 'as_of'")
    if "active" not in frame:
        frame["active"] = frame["events_30d"].ge(1) if "events_30d" in frame else True
    has_history = "enough_history" in frame
    if not has_history:
        frame["enough_history"] = True
    return MetricTable(frame, found, has_history, tuple(map(str, raw.columns)))


def _days(values: pd.Series, at: pd.Series | None, path: Path, *, time: str) -> pd.Series:
    """A column of instants as days before the rows' dates; raises DataError where either cannot be read."""
    if at is None:
        what = f"column {values.name!r} holds instants, which count as days before the row's date, and there is none"
        raise DataError.in_file(path, what, f"add a column {time or 'as_of'!r} with the date of each row")
    moments, why = moments_of(values)
    if moments is None and blank(values).all():
        return pd.Series(np.nan, index=values.index)
    if moments is None:
        what = f"column {values.name!r} held instants in training, and holds none here"
        raise DataError.in_file(path, what, why or "write dates like 2026-04-01, or epochs")
    return days_before(moments, at)


def rows_to_score(path: Path, scorer: NamedScorer) -> MetricTable:
    """The rows of a file that a scorer is to score; raises MissingColumns naming the metrics that the file lacks."""
    its = scorer.model
    known = {*catalogue(), *its.columns}
    table = read_metric_table(
        path, metrics=known, texts=known_levels(its), id_column=its.id_column, instants=its.instants, time=its.time
    )
    if absent := [name for name in its.scorer.metrics_ if name not in table.columns]:
        raise MissingColumns(absent, asked_by=f"{path}: {scorer.shown}", have=table.columns)
    return table
