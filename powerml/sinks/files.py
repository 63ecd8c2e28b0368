"""Tables into files, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def check_target(path: Path) -> None:
    """Refuses, before any work is done, a target that could not be written at the end."""
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{path}: cannot tell the format; end the name in .parquet or .csv")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it first")


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Writes `frame` to `.parquet` or `.csv` (dates as YYYY-MM-DD); the file appears whole or not at all."""
    check_target(path)
    frame = dates_plain(frame)
    handle, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    try:
        if path.suffix == ".parquet":
            frame.to_parquet(name, index=False, compression="zstd")
        else:
            frame.to_csv(name, index=False)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        raise DataError.in_file(path, f"cannot be written ({error.strerror})", "check space and rights") from None
    finally:
        if os.path.exists(name):
            os.unlink(name)


def dates_plain(frame: pd.DataFrame) -> pd.DataFrame:
    """`as_of` as a plain date, so that files carry 2026-04-01 and no time of day."""
    if "as_of" in frame and pd.api.types.is_datetime64_any_dtype(frame["as_of"]):
        frame = frame.assign(as_of=frame["as_of"].dt.date)
    return frame


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
