"""A loaded table written as it counts: good rows, canonical columns, instants that say their zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sources.sql import data_errors, name, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from powerml.sources.loaded import Loaded


def write_canonical(loaded: Loaded, table: str, folder: Path, *, shown: str, names: Mapping[str, str]) -> None:
    """Writes `folder`/part-0.parquet; `names` gives the names of columns that are not to be called as in `loaded`."""
    folder.mkdir()
    target = text(str(folder / "part-0.parquet"))
    with data_errors(shown, fix="check space and rights"):
        loaded.con.execute(f"COPY ({_rows(loaded, table, names)}) TO {target} (FORMAT parquet, COMPRESSION zstd)")


def _rows(loaded: Loaded, table: str, names: Mapping[str, str]) -> str:
    """The rows of a table in source order, where it is kept; naive times of ours are UTC instants."""
    described = loaded.con.execute(f"DESCRIBE SELECT * FROM {name(table)}").fetchall()
    kinds = {row[0]: row[1] for row in described}
    chosen = ", ".join(
        f"{_instant(name(c), kinds[c])} AS {name(names.get(c, c))}" for c in loaded.columns[table] if c in kinds
    )
    return f"SELECT {chosen} FROM {name(table)}{' ORDER BY _row' if '_row' in kinds else ''}"


def _instant(column: str, kind: str) -> str:
    return f"timezone('UTC', {column})" if kind == "TIMESTAMP" else column
