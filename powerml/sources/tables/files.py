"""A table somebody made elsewhere, CSV or Parquet, read whole; a bad file is one clear message."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError
from powerml.sources.dialect import Dialect, dialect
from powerml.sources.files import check_width
from powerml.sources.ids import normal_ids
from powerml.spreadsheets import read_back
from powerml.tables import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader
    from pathlib import Path

NULLS = ("", "nan", "na", "n/a", "null", "none", "<na>")
"""Texts, in small letters, that stand for nothing in a column of numbers."""
_HEAD_BYTES = 1 << 20
_OFFSET = re.compile(r"^(.*\d:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$")
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
    fix = "write it again, texts in quotes"
    try:
        written = _head(path)
        table = pd.read_csv(
            path,
            sep=written.delimiter,
            skiprows=written.before,
            skipinitialspace=True,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        raise DataError.in_file(path, "is empty", "write it again; it needs a header and at least one row") from None
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise DataError.in_file(path, f"is no well-formed CSV ({what})", fix) from None
    except UnicodeDecodeError:
        raise DataError.in_file(path, "is not UTF-8 text", "save it as UTF-8") from None
    except (EOFError, OSError) as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "it may be cut short; write it again") from None
    width = len(written.columns)
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError.in_file(path, f"row 2 has more cells than the header's {width} names", fix)
    table.columns = pd.Index(written.columns)
    if table.iloc[:, -1].eq("").any() and (row := _short_row(path, written)):
        raise DataError.in_file(path, f"row {row} has fewer cells than the header's {width} names", fix)
    return table


def _short_row(path: Path, written: Dialect) -> int | None:
    """The first row with fewer cells than the header (row 1), which pandas fills up without a word."""
    with _bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        lines = itertools.islice(text, written.before, None)
        reader = csv.reader(lines, delimiter=written.delimiter, skipinitialspace=True)
        rows = (cells for cells in reader if len(cells) > 1 or "".join(cells).strip())
        try:
            return next((row for row, cells in enumerate(rows, 1) if len(cells) < len(written.columns)), None)
        except csv.Error:  # a cell too long for the module, which pandas reads
            return None


def _bytes(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _head(path: Path) -> Dialect:
    """How a CSV is written; raises DataError where a column has no name, or the name of another."""
    with _bytes(path) as file:
        start = file.read(_HEAD_BYTES)
    if start.startswith(b"PAR1"):
        raise DataError.in_file(path, "is a Parquet file by its content", "end its name in .parquet")
    text = start.decode("utf-8-sig", errors="strict" if len(start) < _HEAD_BYTES else "ignore")
    if len(start) == _HEAD_BYTES and "\n" not in text:
        raise DataError.in_file(path, f"its first line is longer than {_HEAD_BYTES:,} bytes", "leave columns out")
    found = dialect(text)
    if found.headless:
        raise pd.errors.EmptyDataError
    check_width(str(path), len(found.columns))
    _distinct(found.columns, path)
    return found


def _distinct(header: Sequence[str], path: Path) -> None:
    if "" in header:
        what = f"column {header.index('') + 1} has no name"
        raise DataError.in_file(path, what, "give it one in the first line, or leave it out")
    if twice := [name for name in header if header.count(name) > 1]:
        raise DataError.in_file(path, f"has two columns {twice[0]!r}", "keep one of them")


def blank(values: pd.Series) -> pd.Series:
    """True where a cell stands for nothing: null, blank, or a word such as `NA`."""
    return values.isna() | values.astype("string").str.strip().str.lower().isin(NULLS).fillna(True)


def numbers(values: pd.Series, path: Path, *, fix: str = "leave it empty where nothing is known") -> pd.Series:
    """A column as float64, blank = nan; raises DataError with the first row that is no finite number, or too large."""
    if pd.api.types.is_numeric_dtype(values):
        found = values.astype("float64")
        empty = found.isna()
    else:
        empty = blank(values)
        found = pd.to_numeric(values.astype("string").str.strip().mask(empty), errors="coerce").astype("float64")
    if (bad := ~empty & ~np.isfinite(found)).any():
        raise row_error(path, values, bad, "is not a number", fix)
    if (bad := found.abs() > LARGEST_NUMBER).any():
        raise row_error(
            path, values, bad, f"is too large a number, over {LARGEST_NUMBER:g}", "correct it, or change the unit"
        )
    return found


def dates(values: pd.Series, path: Path) -> pd.Series:
    """A column as datetimes without a zone, as a clock on the wall showed them; offsets may differ from row to row.

    Raises DataError with the first row that is no date.
    """
    if values.dtype.kind == "M" or isinstance(values.dtype, pd.DatetimeTZDtype):
        found = pd.to_datetime(values)
        found = found if found.dt.tz is None else found.dt.tz_localize(None)
    else:
        clock = values.astype("string").str.strip().str.replace(_OFFSET, r"\1", regex=True)
        found = pd.to_datetime(clock, errors="coerce", format="ISO8601")
    if found.isna().any():
        raise row_error(path, values, found.isna(), "is not a date", "use YYYY-MM-DD, like 2026-04-01")
    return found


def ids(values: pd.Series, path: Path, *, required: bool = True) -> pd.Series:
    """Ids as text, made as those of every table; raises DataError where a required one is empty."""
    text = normal_ids(values)
    empty = text.isna()
    if required and empty.any():
        raise row_error(path, values, empty, "is empty", "every row needs an id")
    return text


def check_once(frame: pd.DataFrame, id_column: str, path: Path, *, fix: str) -> None:
    """Raises DataError where an id (with `as_of`: an id on a day) stands on two rows, which no join tells apart."""
    dated = "as_of" in frame and frame["as_of"].nunique() > 1
    twice = frame.duplicated(["as_of", id_column] if dated else [id_column]).to_numpy(dtype=bool)
    if twice.any():
        place = int(np.flatnonzero(twice)[0])
        first, row = frame.iloc[place], frame.index[place] + 2
        on = f" on {first['as_of']:%Y-%m-%d}" if dated else ""
        more = int(twice.sum()) - 1
        also = f" (and {more} more row{'s' if more > 1 else ''})" if more else ""
        raise DataError(f"{path}: row {row}: {first[id_column]!r} stands there a second time{on}{also}; {fix}")


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
    """The first bad row of a column; rows are counted as an editor counts lines, the header being line 1.

    The column's index holds the rows' places in the file, whichever were left out before.
    """
    place = int(np.flatnonzero(bad.to_numpy(dtype=bool))[0])
    more = int(bad.sum()) - 1
    also = f" (and {more} more row{'s' if more > 1 else ''})" if more else ""
    return DataError(
        f"{path}: row {values.index[place] + 2}: column {values.name!r}: {values.iloc[place]!r} {what}{also}; {fix}"
    )
