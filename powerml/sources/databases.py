"""A table of a DuckDB file as a source: opened for reading only, by whoever else reads it at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from powerml.config.project import ProjectSpec, expand
from powerml.errors import DataError, did_you_mean
from powerml.sources.files import DataFile, shown_as
from powerml.sources.readers import SourcePart
from powerml.sources.sql import first_line, name, text
from powerml.writing import check_ordinary

if TYPE_CHECKING:
    from powerml.config.project import DatabaseSpec


def database_file(project: ProjectSpec, table: str) -> DataFile:
    """The DuckDB file that a table is in; raises DataError where it is absent."""
    spec: DatabaseSpec | None = project.tables[table].database
    path = Path(project.base, expand((spec.file if spec else None) or "", file=project.file))
    shown = shown_as(path, project.base)
    check_ordinary(path, shown=shown)
    return DataFile(path, shown, "parquet")


def read_database(con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: str) -> SourcePart:
    """A table of a DuckDB file as one part; raises DataError for a file that is none, locked, or without that table."""
    file = database_file(project, table)
    wanted = project.tables[table].table
    if wanted is None:
        where = f"{project.file}: tables.{table}"
        raise DataError.in_file(where, "a DuckDB file is read by its tables", "name one with 'table'")
    alias = f"database of {table}"
    try:
        con.execute(f"ATTACH {text(str(file.path))} AS {name(alias)} (READ_ONLY, TYPE duckdb)")
        there = con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = $1 UNION"
            " SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = $1 AND NOT internal",
            [alias],
        ).fetchall()
        full = wanted if "." in wanted else f"main.{wanted}"
        if full not in {row[0] for row in there}:
            listed = ", ".join(sorted(row[0].removeprefix("main.") for row in there))
            hint = did_you_mean(full, [row[0] for row in there])
            raise DataError(f"{file.shown}: has no table {wanted!r} (there are {listed}){hint or '; correct the name'}")
        relation = ".".join(map(name, (alias, *full.split(".", 1))))
        described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        fix = "close the program that writes it, or check that it is a DuckDB file of this version"
        raise DataError.in_file(file.shown, f"cannot be opened ({first_line(error)})", fix) from None
    shown = f"{file.shown}: {wanted}"
    return SourcePart("query", (shown,), 0, {row[0]: (row[1], name(row[0])) for row in described}, relation)
