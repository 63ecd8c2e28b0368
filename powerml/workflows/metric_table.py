"""A table of metrics made elsewhere: its columns carry catalogue names, and a bad file is one clear message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.errors import DataError, MissingColumns

IDS = ("user_id", "account_id")
_NULLS = ("", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "<NA>")
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
    raw = _read(path)
    if raw.empty:
        raise DataError.in_file(
            path, "has no rows", "write the table again; it needs at least one row below its header"
        )
    twice = raw.columns[raw.columns.duplicated()]
    if len(twice):
        raise DataError.in_file(path, f"has two columns {twice[0]!r}", "keep one of them")
    id_column = next((name for name in IDS if name in raw), None)
    if id_column is None:
        raise MissingColumns(["user_id"], asked_by=f"{path}: a table to score", have=raw.columns)
    numbers = [name for name in raw.columns if name in set(metrics)]
    if not numbers:
        shown = ", ".join(map(str, raw.columns[:8]))
        fix = "name columns as 'powerml metrics' lists them"
        raise DataError.in_file(path, f"no column carries a metric's name (it has {shown})", fix)
    columns = {name: _text(raw[name], path) for name in IDS if name in raw}
    if "as_of" in raw:
        columns["as_of"] = _dates(raw["as_of"], path)
    columns |= {name: _numbers(raw[name], path) for name in numbers}
    columns |= {name: _truths(raw[name], path) for name in ("enough_history", "active") if name in raw}
    frame = pd.DataFrame(columns)
    if "active" not in frame:
        frame["active"] = frame["events_30d"].ge(1) if "events_30d" in frame else True
    has_history = "enough_history" in frame
    if not has_history:
        frame["enough_history"] = True
    return MetricTable(frame, id_column, has_history, tuple(map(str, raw.columns)))


def _read(path: Path) -> pd.DataFrame:
    if path.is_dir():
        raise DataError.in_file(path, "is a folder", "name a .csv or .parquet file")
    if not path.is_file():
        raise DataError.in_file(path, "no such file", "check the path")
    if path.stat().st_size == 0:
        raise DataError.in_file(path, "is empty", "write the table again")
    if path.suffix == ".parquet":
        return read_parquet(path)
    if path.suffix == ".csv" or path.name.endswith(".csv.gz"):
        return _read_csv(path)
    raise DataError.in_file(path, "is neither .csv nor .parquet", "save it as one of them")


def read_parquet(path: Path) -> pd.DataFrame:
    """A whole Parquet file; raises DataError where it is cut short or none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        first = str(error).splitlines()[0].rstrip(".")
        fix = "it is cut short or no Parquet file; write it again"
        raise DataError.in_file(path, f"cannot be read ({first})", fix) from None


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except pd.errors.EmptyDataError:
        raise DataError.in_file(path, "is empty", "write the table again") from None
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise DataError.in_file(path, f"is no well-formed CSV ({what})", "write it again, texts in quotes") from None
    except UnicodeDecodeError:
        raise DataError.in_file(path, "is not UTF-8 text", "save it as UTF-8") from None
    except (EOFError, OSError) as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "it may be cut short; write it again") from None


def _text(values: pd.Series, path: Path) -> pd.Series:
    """Ids as text; whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(values) and values.dropna().mod(1).eq(0).all():
        values = values.astype("Int64")
    text = values.astype("string")
    bad = text.isna() | text.str.strip().isin(_NULLS[:1])
    if bad.any():
        raise _in_row(path, values, bad, "is empty", "every row needs an id")
    return text.astype(object)


def _numbers(values: pd.Series, path: Path) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64").replace([np.inf, -np.inf], np.nan)
    text = values.astype("string").str.strip()
    null = text.isna() | text.isin(_NULLS)
    numbers = pd.to_numeric(text.mask(null), errors="coerce").astype("float64")
    bad = ~null & ~np.isfinite(numbers.fillna(np.nan))
    if bad.any():
        raise _in_row(path, values, bad, "is not a number", "leave it empty where nothing is known")
    return numbers


def _truths(values: pd.Series, path: Path) -> pd.Series:
    if pd.api.types.is_bool_dtype(values):
        return values.astype(bool)
    truths = values.astype("string").str.strip().str.lower().map(_TRUTHS)
    bad = truths.isna()
    if bad.any():
        raise _in_row(path, values, bad, "is neither true nor false", "write true or false")
    return truths.astype(bool)


def _dates(values: pd.Series, path: Path) -> pd.Series:
    dates = pd.to_datetime(values, errors="coerce", format=None if values.dtype.kind == "M" else "ISO8601")
    bad = dates.isna()
    if bad.any():
        raise _in_row(path, values, bad, "is not a date", "use YYYY-MM-DD, like 2026-04-01")
    return dates


def _in_row(path: Path, values: pd.Series, bad: pd.Series, what: str, fix: str) -> DataError:
    """The first bad row; rows are counted as an editor counts lines, the header being line 1."""
    place = int(np.flatnonzero(bad.to_numpy(dtype=bool))[0])
    more = int(bad.sum()) - 1
    also = f" (and {more} more rows)" if more else ""
    return DataError(f"{path}: row {place + 2}: column {values.name!r}: {values.iloc[place]!r} {what}{also}; {fix}")
