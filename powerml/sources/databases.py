"""A table of a DuckDB file as a source: opened for reading only, by whoever else reads it at the same time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from powerml.config.project import ProjectSpec, expand
from powerml.errors import DataError, did_you_mean
from powerml.sources.fetched import scratch_folder, write_parquet
from powerml.sources.files import DataFile, shown_as
from powerml.sources.queries import check_query, time_limit
from powerml.sources.readers import SourcePart
from powerml.sources.sql import array, first_line, name, text
from powerml.writing import check_ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.project import DatabaseSpec

_AS_THEY_ARE = (
    "VARCHAR", "JSON", "UUID", "BOOLEAN", "DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE",
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
)  # fmt: skip


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
        return _read_query(con, project, table, file)
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


@dataclass(frozen=True)
class FileTable:
    """Some columns of a table of a DuckDB file, for `kept_weeks` to ask what changed."""

    con: duckdb.DuckDBPyConnection
    part: SourcePart
    columns: tuple[str, ...]

    @contextmanager
    def reading(self) -> Iterator[FileTable]:
        """Nobody writes a file that is open for reading."""
        yield self

    def weeks(self, week: str) -> list[tuple[int | None, int, str]] | None:
        """(week, rows, sum of a hash over each row); None where Parquet would not give a column back as it is."""
        if any(self.part.columns[column][0].split("(")[0] not in _AS_THEY_ARE for column in self.columns):
            return None
        row = ", ".join(map(name, self.columns))
        found = self.con.execute(
            f"SELECT {week}, count(*), CAST(sum(CAST(hash({row}) AS HUGEINT)) AS VARCHAR)"
            f" FROM {self.part.relation} GROUP BY 1"
        ).fetchall()
        return [(number, rows, digest) for number, rows, digest in found]

    def bring(self, condition: str | None) -> str:
        """The table itself: what is asked of it is read where it lies."""
        row = ", ".join(map(name, self.columns))
        return f"(SELECT {row} FROM {self.part.relation} WHERE {condition or 'true'})"


def _read_query(con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: str, file: DataFile) -> SourcePart:
    """What a query on a DuckDB file gives, brought into a Parquet file that goes with the connection."""
    where = f"{project.file}: tables.{table}.query"
    query = check_query(con, expand(project.tables[table].query or "", file=project.file), where=where)
    target = scratch_folder(con) / "rows.parquet"
    try:
        inside = duckdb.connect(str(file.path), read_only=True, config={"enable_external_access": "false"})
    except duckdb.Error as error:
        fix = "close the program that writes it, or check that it is a DuckDB file of this version"
        raise DataError.in_file(file.shown, f"cannot be opened ({first_line(error)})", fix) from None
    with inside, time_limit(inside, project.query_timeout, where=where):
        try:
            inside.execute("SET TimeZone = 'UTC'")
            rows = inside.execute(query).to_arrow_reader()
            write_parquet(target, rows.schema, rows)
        except duckdb.InterruptException:
            raise
        except (duckdb.Error, pa.ArrowException) as error:
            raise DataError.in_file(where, f"does not run ({first_line(error)})", "correct the query") from None
    relation = f"read_parquet({array([str(target)])}, hive_partitioning=false)"
    described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    columns = {row[0]: (row[1], name(row[0])) for row in described}
    return SourcePart("parquet", (f"{file.shown}: query",), 0, columns, relation, paths=(str(target),))
