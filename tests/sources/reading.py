"""What tests ask of loaded tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powerml.sources import Loaded


def rows(loaded: Loaded, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """All rows of a loaded table."""
    return loaded.con.execute(f'SELECT {columns} FROM "{loaded.tables[table]}"').fetchall()


def bad(loaded: Loaded) -> list[tuple[Any, ...]]:
    """Source, row, rule, column and value of every quarantined row."""
    frame = loaded.quarantine[["source", "row", "rule", "column", "value"]]
    return [tuple(row) for row in frame.itertuples(index=False)]


def counts(loaded: Loaded, table: str) -> tuple[int, int, int, int]:
    """Rows, loaded, quarantined, ignored of a table."""
    report = loaded.report.set_index("table").loc[table]
    assert report["rows"] == report["loaded"] + report["quarantined"] + report["ignored"]
    return tuple(int(report[c]) for c in ("rows", "loaded", "quarantined", "ignored"))  # type: ignore[return-value]
