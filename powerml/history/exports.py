"""The two tables in `exports/` that a warehouse or a reverse-ETL tool reads; every night writes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from powerml.history.movement import change_since_last, changed_rows
from powerml.writing import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.history.nights import Night
    from powerml.history.store import NightHistory

EXPORTS = "exports"
CURRENT = "scores_current.parquet"
CHANGED = "scores_changed.parquet"


def changed_table(history: NightHistory, night: Night) -> pd.DataFrame:
    """Whose band changed or whose score moved since the night before: ids, both scores, both bands, both dates.

    Columns `as_of`, the id (`account_id` beside a user), `score`, `score_before`, `change`, `band`, `band_before`,
    `before` (that night's date), `model`, `model_version`; the longest fall first.
    """
    moves, earlier = change_since_last(history, night)
    moved = changed_rows(moves).sort_values("change", kind="stable")
    ids = history.scores(night, [night.id_column, *_account(history, night)]).set_index(night.id_column)
    table = moved.join(ids).reset_index()
    table.insert(0, "as_of", night.as_of)
    table["before"] = None if earlier is None else earlier.as_of
    table["model"], table["model_version"] = night.model, night.model_version
    order = ["as_of", night.id_column, *_account(history, night), "score", "score_before", "change"]
    return table[[*order, "band", "band_before", "before", "model", "model_version"]]


def write_exports(history: NightHistory, night: Night, folder: Path) -> dict[str, int]:
    """Writes both tables into `folder` (made if absent), each whole or not at all; gives rows per file."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {CURRENT: history.scores(night), CHANGED: changed_table(history, night)}
    for name, frame in tables.items():
        write_whole(folder / name, export_bytes(frame))
    return {name: len(frame) for name, frame in tables.items()}


def export_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a Parquet file, its `as_of` a plain date."""
    plain = frame.assign(as_of=pd.to_datetime(frame["as_of"]).dt.date)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(plain, preserve_index=False), sink, compression="zstd")
    return bytes(sink.getvalue())


def _account(history: NightHistory, night: Night) -> list[str]:
    if night.id_column == "account_id":
        return []
    file = history.folder / night.as_of.isoformat() / night.scores_file
    return ["account_id"] if "account_id" in pq.read_schema(file).names else []
