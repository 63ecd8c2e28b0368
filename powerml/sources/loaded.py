"""The tables of a project, read: one database, what counts in it, and what was found on the way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING

from powerml.sources.sql import name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb
    import pandas as pd

    from powerml.sources.files import DataFile


RECENT = "events_recent"
_LOOKED_AT = ("user_id", "account_id", "session_id", "time")


@dataclass(frozen=True)
class Loaded:
    """The tables of a project in one DuckDB database, and what was found while they were read.

    `tables` gives the DuckDB name by canonical name; `columns` the columns each really has (canonical ones, `known_at`
    and the `extra` ones asked for). Types are VARCHAR, TIMESTAMP (UTC) and DOUBLE; an extra column of a text file is
    VARCHAR. All but events in Parquet carry `_row`, the place in source order. `report` has one row per table with
    rows = loaded + quarantined + ignored (repeats of an event_id; `duplicates` counts the ids concerned). `quarantine`
    lists up to 10,000 bad rows per table by the first rule they break; rows of a file count from 1, headers not
    included. `rules` counts bad rows by table, rule and column. `unused` names source columns
    that nothing reads and the project does not know. `by_file`: see `LoadedTable`; `forgotten` stands for who was left
    out because `powerml forget` removed them, and is empty where nobody was. `kept`: the copies from which the events
    of a database were read, by week, where there are any.
    """

    con: duckdb.DuckDBPyConnection
    tables: dict[str, str]
    columns: dict[str, tuple[str, ...]]
    report: pd.DataFrame
    quarantine: pd.DataFrame
    rules: pd.DataFrame
    problems: tuple[str, ...] = ()
    unused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bad_rows: dict[str, str] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    files: tuple[DataFile, ...] = ()
    by_file: dict[str, str] = field(default_factory=dict)
    forgotten: str = ""
    kept: tuple[DataFile, ...] = ()

    def ids(self, column: str) -> list[str]:
        """Every id that any table has in a column (`user_id` or `account_id`), each once."""
        tables = [self.tables[table] for table, columns in self.columns.items() if column in columns]
        parts = [f"SELECT CAST({name(column)} AS VARCHAR) AS id FROM {name(table)}" for table in tables]
        if not parts:
            return []
        rows = self.con.execute(f"SELECT id FROM ({' UNION '.join(parts)}) WHERE id IS NOT NULL").fetchall()
        return [id_ for (id_,) in rows]

    @contextmanager
    def since(self, instant: datetime) -> Iterator[Loaded]:
        """The same with a copy of the events from an instant on, for who looks at them often and at nothing older.

        The copy has their ids and times, and is gone at the end.
        """
        at = instant.astimezone(UTC).replace(tzinfo=None)
        columns = ", ".join(name(c) for c in _LOOKED_AT if c in self.columns["events"])
        rows = f"SELECT {columns} FROM {name(self.tables['events'])} WHERE time >= TIMESTAMP '{at}'"
        self.con.execute(f"CREATE TEMP TABLE {name(RECENT)} AS {rows}")
        try:
            yield replace(self, tables=self.tables | {"events": RECENT})
        finally:
            self.con.execute(f"DROP TABLE {name(RECENT)}")

    def check_unchanged(self) -> None:
        """Raises DataError where a file changed since: events in Parquet files are read as they are needed."""
        for file in self.files:
            file.check_unchanged()


def rows_of(loaded: Loaded, table: str) -> str:
    """SQL: the relation that holds the rows of a canonical table."""
    return name(loaded.tables[table])
