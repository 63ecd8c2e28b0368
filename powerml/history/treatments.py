"""Who was drawn to be treated or held out, `.powerml/treatments.parquet`: a part of a project's treatments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

TREATMENTS_FILE = "treatments.parquet"
TREATMENT_COLUMNS = ("entity_id", "time", "playbook", "arm", "note")


def read_drawn(state: Path) -> pd.DataFrame:
    """What 'powerml treat' wrote in a project's `.powerml`: `TREATMENT_COLUMNS`; no rows where it never did."""
    path = state / TREATMENTS_FILE
    if not path.is_file():
        return pd.DataFrame(columns=list(TREATMENT_COLUMNS))
    try:
        return pd.read_parquet(path)
    except OSError as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "put a copy back") from None
