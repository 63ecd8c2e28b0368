"""A table somebody made elsewhere, CSV or Parquet, read whole; a bad file is one clear message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError
from powerml.sources.files import check_width
from powerml.spreadsheets import read_back

if TYPE_CHECKING:
    from pathlib import Path

NULLS = ("", "nan", "na", "n/a", "null", "none", "<na>")
"""Texts, in small letters, that stand for nothing in a column of numbers."""
TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file with at least one row, as it stands: a CSV's cells are texts, blanks included.

    Raises DataError that names the file and the fix.
    """
    if path.is_dir():
        raise DataError.in_file(path, "is a folder", "name a .csv or .parquet file")
    if not path.is_file():
        raise DataError.in_file(path, "no such file", "check the path")
    if path.stat().st_size == 0:
        raise DataError.in_file(path, "is empty", "write it again; it needs a header and at least one row")
    if path.suffix == ".parquet":
        table = _read_parquet(path)
    elif path.name.endswith((".csv", ".csv.gz")):
        table = read_back(_read_csv(path))
    else:
        raise DataError.in_file(path, "is neither .csv nor .parquet", "save it as one of them")
    if table.empty:
        raise DataError.in_file(path, "has no rows", "write it again; it needs at least one row below its header")
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
        return frame
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        first = str(error).splitlines()[0].rstrip(".")
        fix = "it is cut short or no Parquet file; write it again"
        raise DataError.in_file(path, f"cannot be read ({first})", fix) from None


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        check_width(str(path), len(pd.read_csv(path, dtype=str, nrows=0, encoding="utf-8-sig").columns))
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except pd.errors.EmptyDataError:
        raise DataError.in_file(path, "is empty", "write it again; it needs a header and at least one row") from None
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise DataError.in_file(path, f"is no well-formed CSV ({what})", "write it again, texts in quotes") from None
    except UnicodeDecodeError:
        raise DataError.in_file(path, "is not UTF-8 text", "save it as UTF-8") from None
    except (EOFError, OSError) as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "it may be cut short; write it again") from None


def blank(values: pd.Series) -> pd.Series:
    """True where a cell stands for nothing: null, blank, or a word such as `NA`."""
    return values.isna() | values.astype("string").str.strip().str.lower().isin(NULLS).fillna(True)


def numbers(values: pd.Series, path: Path, *, fix: str = "leave it empty where nothing is known") -> pd.Series:
    """A column as float64, blank = nan; raises DataError with the first row that is no number."""
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64").replace([np.inf, -np.inf], np.nan)
    empty = blank(values)
    found = pd.to_numeric(values.astype("string").str.strip().mask(empty), errors="coerce").astype("float64")
    if (bad := ~empty & ~np.isfinite(found)).any():
        raise row_error(path, values, bad, "is not a number", fix)
    return found


def dates(values: pd.Series, path: Path) -> pd.Series:
    """A column as datetimes; raises DataError with the first row that is no date."""
    found = pd.to_datetime(values, errors="coerce", format=None if values.dtype.kind == "M" else "ISO8601")
    if found.isna().any():
        raise row_error(path, values, found.isna(), "is not a date", "use YYYY-MM-DD, like 2026-04-01")
    return found


def ids(values: pd.Series, path: Path, *, required: bool = True) -> pd.Series:
    """Ids as text, whole numbers without a decimal point; raises DataError where a required one is empty."""
    if pd.api.types.is_float_dtype(values) and values.dropna().mod(1).eq(0).all():
        values = values.astype("Int64")
    text = values.astype("string")
    empty = text.isna() | (text.str.strip() == "")
    if required and empty.any():
        raise row_error(path, values, empty, "is empty", "every row needs an id")
    return text.astype(object)


def truths(values: pd.Series, path: Path) -> pd.Series:
    """A column as truth values; raises DataError with the first row that is neither true nor false."""
    if pd.api.types.is_bool_dtype(values):
        return values.astype(bool)
    truths = values.astype("string").str.strip().str.lower().map(TRUTHS)
    bad = truths.isna()
    if bad.any():
        raise row_error(path, values, bad, "is neither true nor false", "write true or false")
    return truths.astype(bool)


def row_error(path: Path, values: pd.Series, bad: pd.Series, what: str, fix: str) -> DataError:
    """The first bad row of a column; rows are counted as an editor counts lines, the header being line 1."""
    place = int(np.flatnonzero(bad.to_numpy(dtype=bool))[0])
    more = int(bad.sum()) - 1
    also = f" (and {more} more row{'s' if more > 1 else ''})" if more else ""
    return DataError(f"{path}: row {place + 2}: column {values.name!r}: {values.iloc[place]!r} {what}{also}; {fix}")
