"""Who was drawn to be treated or held out, `.powerml/treatments.parquet`: a part of a project's treatments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.project import DRAWN_FILE
from powerml.errors import DataError
from powerml.writing import private_folder, whole_file

if TYPE_CHECKING:
    from pathlib import Path

TREATMENT_COLUMNS = ("entity_id", "time", "playbook", "arm", "note")


def read_drawn(state: Path) -> pd.DataFrame:
    """What 'powerml treat' wrote in a project's `.powerml`: `TREATMENT_COLUMNS`; no rows where it never did."""
    path = state / DRAWN_FILE
    if not path.is_file():
        return pd.DataFrame(columns=list(TREATMENT_COLUMNS))
    try:
        return pd.read_parquet(path)
    except OSError as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "put a copy back") from None


def add_drawn(state: Path, rows: pd.DataFrame) -> None:
    """Adds rows (`TREATMENT_COLUMNS`) to the file, whole or not at all."""
    before = read_drawn(state)
    both = pd.concat([before, rows], ignore_index=True) if len(before) else rows
    with whole_file(private_folder(state) / DRAWN_FILE, private=True) as draft:
        both[list(TREATMENT_COLUMNS)].to_parquet(draft, index=False)
