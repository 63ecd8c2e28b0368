"""Who was drawn to be treated or held out, `.powerml/treatments.parquet`: a part of a project's treatments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from powerml.config.project import DRAWN_FILE
from powerml.writing import not_readable, private_folder, whole_file

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
    except (OSError, pa.ArrowException) as error:
        raise not_readable(path, error, "put a copy back") from None


def with_drawn(kept: pd.DataFrame | None, state: Path, zone: str) -> pd.DataFrame:
    """What a night kept of treatments and what was drawn: `time` the local date, the earliest first, `arm` told.

    What was drawn before that night stands twice.
    """
    parts = [part for part in (kept, read_drawn(state)) if part is not None and len(part)]
    if not parts:
        return pd.DataFrame(columns=list(TREATMENT_COLUMNS))
    same = [part.assign(time=pd.to_datetime(part["time"], utc=True)) for part in parts]  # a kept time has no zone
    whole = pd.concat(same, ignore_index=True).reindex(columns=list(TREATMENT_COLUMNS))
    whole = whole.sort_values("time", kind="stable", ignore_index=True)
    return whole.assign(time=whole["time"].dt.tz_convert(zone).dt.date, arm=whole["arm"].fillna("treat"))


def add_drawn(state: Path, rows: pd.DataFrame) -> None:
    """Adds rows (`TREATMENT_COLUMNS`) to the file, whole or not at all."""
    before = read_drawn(state)
    both = pd.concat([before, rows], ignore_index=True) if len(before) else rows
    with whole_file(private_folder(state) / DRAWN_FILE, private=True) as draft:
        both[list(TREATMENT_COLUMNS)].to_parquet(draft, index=False)
