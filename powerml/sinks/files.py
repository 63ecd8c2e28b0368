"""Tables into files, whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import UsageError
from powerml.spreadsheets import guarded
from powerml.writing import check_writable, whole_file

if TYPE_CHECKING:
    from pathlib import Path


def check_target(path: Path) -> None:
    """Refuses, before any work is done, a target that could not be written at the end."""
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{path}: cannot tell the format; end the name in .parquet or .csv")
    _check_place(path)


def _check_place(path: Path) -> None:
    """Refuses a file whose folder is absent or that cannot be written."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it first")
    check_writable(path)


def check_page_target(path: Path) -> None:
    """Refuses, before any work is done, a page that could not be written at the end."""
    if path.suffix not in (".html", ".htm"):
        raise UsageError(f"{path}: is no name of a page; end it in .html")
    _check_place(path)


def write_table(frame: pd.DataFrame, path: Path, *, raw: bool = False) -> None:
    """Writes `frame` to `.parquet` or `.csv` (dates as YYYY-MM-DD); the file appears whole or not at all.

    In a CSV file a text that a spreadsheet program would run as a formula gets an apostrophe in front, unless `raw`
    says that machines read it.
    """
    check_target(path)
    frame = dates_plain(frame)
    with whole_file(path) as draft:
        if path.suffix == ".parquet":
            frame.to_parquet(os.fspath(draft), index=False, compression="zstd")
        else:
            (frame if raw else guarded(frame)).to_csv(os.fspath(draft), index=False)


def dates_plain(frame: pd.DataFrame) -> pd.DataFrame:
    """`as_of` as a plain date, so that files carry 2026-04-01 and no time of day."""
    if "as_of" in frame and pd.api.types.is_datetime64_any_dtype(frame["as_of"]):
        frame = frame.assign(as_of=frame["as_of"].dt.date)
    return frame


def check_weights_target(path: Path) -> None:
    """Refuses, before any work is done, a file that could not be written; never over one that is there."""
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{path}: a weight set is a YAML file; end the name in .yaml")
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name, or remove it first")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it first")
