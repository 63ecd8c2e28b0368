"""Tables of a PostgreSQL server or a DuckDB file, looked at as files are: what each column holds in a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from powerml.errors import DataError
from powerml.sources.fetched import copy_rows, scratch_folder
from powerml.sources.files import check_width
from powerml.sources.guess.look import LOOKED_AT, InDatabase, TableLook, look_at_columns
from powerml.sources.postgres import duckdb_type, server
from powerml.sources.sql import first_line, name, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


DUCKDB_ENDINGS = (".duckdb", ".ddb")


def look_at_server(con: duckdb.DuckDBPyConnection, variable: str) -> tuple[list[TableLook], list[str]]:
    """Every table that may be read on a server, and sentences on those that could not be."""
    looks, left = [], []
    folder = scratch_folder(con)
    with server(variable, where="init") as there:
        tables = there.tables()
    if not tables:
        raise DataError(f"init: the server that {variable} names has no table that may be read; ask for the right to")
    for number, table in enumerate(tables):
        target = folder / f"{number}.parquet"
        try:
            with server(variable, where="init") as there:
                relation = there.find(table)
                kinds = there.columns(relation)
                check_width(table, len(kinds))
                rows = there.count(relation)
                copy_rows(there, relation, kinds, target, where=f"init: {table}", limit=LOOKED_AT)
        except DataError as error:
            left.append(str(error))
            continue
        types = {column: duckdb_type(kind) for column, kind in kinds.items()}
        if rows:
            place = InDatabase({"url_env": variable}, table)
            looks.append(_looked(con, place, f"read_parquet({text(str(target))})", types, rows, number))
    return looks, left


def look_at_duckdb(con: duckdb.DuckDBPyConnection, path: Path, told: str, first: int) -> list[TableLook]:
    """Every table and view of a DuckDB file; `told` is how the project file calls it."""
    alias = f"looked {first}"
    looks = []
    try:
        con.execute(f"ATTACH {text(str(path))} AS {name(alias)} (READ_ONLY, TYPE duckdb)")
        found = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 UNION"
            " SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $1 AND NOT internal ORDER BY ALL",
            [alias],
        ).fetchall()
        for number, (schema, table) in enumerate(found, first):
            relation = ".".join(map(name, (alias, schema, table)))
            types = {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
            ((rows,),) = con.execute(f"SELECT count(*) FROM {relation}").fetchall()
            place = InDatabase({"file": told}, table if schema == "main" else f"{schema}.{table}")
            looks += [_looked(con, place, relation, types, rows, number)] if rows else []
    except duckdb.Error as error:
        fix = "close the program that writes it, or check that it is a DuckDB file of this version"
        raise DataError.in_file(told, f"cannot be opened ({first_line(error)})", fix) from None
    return looks


def _looked(
    con: duckdb.DuckDBPyConnection,
    place: InDatabase,
    relation: str,
    types: Mapping[str, str],
    rows: int,
    number: int,
) -> TableLook:
    columns = ", ".join(f"CAST({name(column)} AS VARCHAR) AS {name(column)}" for column in types)
    whole = f"SELECT {columns} FROM {relation}"
    view = f"look {number}"
    return TableLook(
        title=place.table,
        patterns=(),
        format="database",
        encoding=None,
        delimiter=None,
        rows=rows,
        columns=look_at_columns(con, view, whole, types),
        view=view,
        whole=whole,
        database=place,
    )
