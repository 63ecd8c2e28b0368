"""Files and queries as relations that DuckDB reads: what columns they have and the SQL that gives them.

A table's files become one or more *parts*: stretches of files of one format and one set of columns, in source order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

import duckdb

from powerml.errors import DataError
from powerml.sources.dialect import Dialect, dialect
from powerml.sources.files import PARTED_BY_BLANKS, DataFile, Format, check_width
from powerml.sources.folder_keys import FolderKeys, folder_keys, with_keys
from powerml.sources.json_lines import broken_line
from powerml.sources.queries import check_query
from powerml.sources.sql import array, data_errors, first_line, name, text
from powerml.sources.times import INT96

WIDE_DECIMAL = "DECIMAL of more than 38 digits"  # what DuckDB reads as doubles, and wrongly


@dataclass(frozen=True)
class SourcePart:
    """A stretch of a table's files that is read by one expression.

    `columns` holds DuckDB type and SQL name by source column, `doubled` those that a header names twice, `each` the
    columns of each file where they may differ; `first` is the position of its first file among all files of the table;
    `rejects` names the table in which DuckDB notes the rows it could not split into columns, `lines_before` is how
    many lines stand before each file's header. `keys` holds, by a key that folders name, the value in each file: a
    column that stands in no file.
    """

    kind: Literal["csv", "parquet", "jsonlines", "query"]
    sources: tuple[str, ...]
    first: int
    columns: dict[str, tuple[str, str]]
    relation: str
    rejects: str | None = None
    lines_before: int = 0
    doubled: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    each: tuple[frozenset[str], ...] = ()
    keys: FolderKeys = field(default_factory=dict)

    def lacks(self, column: str) -> str | None:
        """The first file (as messages call it) that has no such column, or None."""
        if column not in self.columns:
            return self.sources[0]
        return next((s for s, have in zip(self.sources, self.each, strict=False) if column not in have), None)

    def from_clause(self, wanted: Iterable[str]) -> str:
        """What stands after FROM to read the source columns `wanted`."""
        if self.kind != "jsonlines":
            return self.relation
        columns = ", ".join(f"{name(column)}: 'VARCHAR'" for column in dict.fromkeys(wanted) if self._has(column))
        return self.relation.replace("COLUMNS", "{" + columns + "}")

    def _has(self, column: str) -> bool:
        return column in self.columns and not column.startswith(CONSTANT) and column not in self.keys

    def of_files(self, positions: Sequence[int]) -> str:
        """What stands after FROM to read some of the files of a part of Parquet that have the same columns."""
        relation = parquet_relation([self.paths[i] for i in positions])
        return with_keys(relation, {k: tuple(v[i] for i in positions) for k, v in self.keys.items()}, numbered=True)[0]

    @property
    def file_index(self) -> str:
        """SQL: the position of a row's file among all files of the table, from 0."""
        if len(self.sources) == 1:
            return str(self.first)
        return f"({self.first} + file_index)"


CONSTANT = "="
"""What a source column begins with that is in no file: `=purchase` is the text `purchase` in every row."""


def with_constants(parts: Iterable[SourcePart], sources: Iterable[str | None]) -> list[SourcePart]:
    """The parts with a column for each of the sources that is a constant."""
    made = {s: ("VARCHAR", text(s.removeprefix(CONSTANT))) for s in sources if s and s.startswith(CONSTANT)}
    if not made:
        return list(parts)
    return [
        replace(part, columns=part.columns | made, each=tuple(have | made.keys() for have in part.each))
        for part in parts
    ]


def read_files(
    con: duckdb.DuckDBPyConnection, files: Sequence[DataFile], *, table: str, delimiter: str | None = None
) -> list[SourcePart]:
    """The parts of a table's files; raises DataError for a file that is not what it should be.

    `delimiter` is what parts the cells of text files; by default each file's first line tells.
    """
    parts: list[SourcePart] = []
    first = 0
    for kind, run in groupby(files, key=lambda file: file.format):
        members = list(run)
        if kind == "csv":
            made = _csv_parts(members, first, table, "\t" if delimiter == PARTED_BY_BLANKS else delimiter)
        else:
            made = _READERS[kind](con, members, first)
        parts += [_with_folder_keys(part) for part in made]
        first += len(members)
    return parts


def _with_folder_keys(part: SourcePart) -> SourcePart:
    keys = folder_keys(part.sources, part.columns)
    relation, names = with_keys(part.relation, keys, numbered=part.kind == "parquet")
    return replace(
        part,
        relation=relation,
        columns=part.columns | {key: ("VARCHAR", sql) for key, sql in names.items()},
        each=tuple(have | keys.keys() for have in part.each),
        keys=keys,
    )


def parquet_relation(paths: Sequence[str], *, by_name: bool = False) -> str:
    """What stands after FROM to read Parquet files; folders' keys are read by us, as texts, in files of all kinds."""
    return f"read_parquet({array(paths)}, union_by_name={str(by_name).lower()}, hive_partitioning=false)"


def read_query(con: duckdb.DuckDBPyConnection, query: str, *, where: str) -> SourcePart:
    """A query as a part; raises DataError where it is not one SELECT or does not run (with DuckDB's first line)."""
    relation = f"(\n{check_query(con, query, where=where)}\n)"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        fix = "correct the query; relative file names start at the project's folder"
        raise DataError.in_file(where, f"does not run ({first_line(error)})", fix) from None
    return SourcePart("query", ("query",), 0, _described(described), relation)


def _described(rows: Iterable[Sequence[str]]) -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], name(row[0])) for row in rows}


def _csv_parts(files: list[DataFile], first: int, table: str, delimiter: str | None) -> list[SourcePart]:
    parts: list[SourcePart] = []
    headers = [_header(file, delimiter) for file in files]
    position = 0
    for (parting, header, before, compression), run in groupby(
        zip(headers, files, strict=True), key=lambda pair: (*pair[0], pair[1].compression)
    ):
        members = [file for _, file in run]
        for file in members:
            file.verify()
        paths = tuple(str(file.path) for file in members)
        rejects = f"rejects_{table}_{first + position}"
        named = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(header)))
        relation = (
            f"read_csv({array(paths)}, auto_detect=false, header=true, skip={before}, delim={text(parting)},"
            f" quote='\"', escape='\"', columns={{{named}}}, hive_partitioning=false,"
            f" compression={text(compression or 'none')},"
            f" store_rejects=true, rejects_limit=0,"
            f" rejects_table={text(rejects)}, rejects_scan={text(rejects + '_scan')})"
        )
        doubled = frozenset(column for column, times in Counter(header).items() if times > 1)
        columns = {column: ("VARCHAR", f"c{i}") for i, column in enumerate(header)}
        shown = tuple(file.shown for file in members)
        at = first + position
        parts.append(SourcePart("csv", shown, at, columns, relation, rejects, before, doubled, paths))
        position += len(members)
    return parts


def _header(file: DataFile, declared: str | None) -> Dialect:
    """How the file is written; raises DataError where it has no header."""
    try:
        start = file.head().decode("utf-8-sig", errors="strict" if file.path.stat().st_size < 1 << 20 else "ignore")
    except UnicodeDecodeError as error:
        start = error.object[: error.start].decode("utf-8-sig")
        if "\n" not in start:
            fix = "save it as UTF-8, or say how it is written, like 'encoding: cp1252'"
            raise DataError.in_file(file.shown, "has a header that is not UTF-8", fix) from None
    found = dialect(start, declared)
    if found.headless:
        raise DataError.in_file(file.shown, "is empty", "export it again, or leave the table out")
    check_width(file.shown, len(found.columns))
    return found


def _parquet_parts(con: duckdb.DuckDBPyConnection, files: list[DataFile], first: int) -> list[SourcePart]:
    parts: list[SourcePart] = []
    run: list[DataFile] = []
    types: dict[str, str] = {}
    each: list[frozenset[str]] = []
    for file in files:
        schema = _parquet_schema(con, file)
        if any(types.get(column, kind) != kind for column, kind in schema.items()):
            parts.append(_parquet_part(run, first, each, types))
            first, run, types, each = first + len(run), [], {}, []
        run.append(file)
        types |= schema
        each.append(frozenset(schema))
    return [*parts, _parquet_part(run, first, each, types)]


def _parquet_part(files: list[DataFile], first: int, each: list[frozenset[str]], types: dict[str, str]) -> SourcePart:
    """Files whose common columns agree in type, so that no value is converted on the way."""
    paths = tuple(str(file.path) for file in files)
    relation = parquet_relation(paths, by_name=len(set(each)) > 1)
    shown = tuple(file.shown for file in files)
    columns = {column: (kind, name(column)) for column, kind in types.items()}
    return SourcePart("parquet", shown, first, columns, relation, paths=paths, each=tuple(each))


def _parquet_schema(con: duckdb.DuckDBPyConnection, file: DataFile) -> dict[str, str]:
    """DuckDB types by column; INT96 (read without a zone) and decimals that DuckDB cannot read bear a name of ours."""
    path = array([str(file.path)])
    with data_errors(file.shown, fix="it is damaged or no Parquet file; fetch or export it again"):
        described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({path}, hive_partitioning=false)").fetchall()
        ours = con.execute(
            f"SELECT name, CASE WHEN type = 'INT96' THEN {text(INT96)} ELSE {text(WIDE_DECIMAL)} END"
            f" FROM parquet_schema({path}) WHERE type = 'INT96' OR (converted_type = 'DECIMAL' AND precision > 38)"
        ).fetchall()
    schema = {row[0]: row[1] for row in described}
    check_width(file.shown, len(schema))
    return schema | {column: kind for column, kind in ours if column in schema}


def _json_parts(con: duckdb.DuckDBPyConnection, files: list[DataFile], first: int) -> list[SourcePart]:
    for file in files:
        file.verify()
        if not file.head().strip():
            raise DataError.in_file(file.shown, "is empty", "export it again, or leave the table out")
    parts = []
    for position, file in enumerate(files):
        layout = "array" if file.head(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") else "newline_delimited"
        packed = f"compression={text(file.compression or 'uncompressed')}"
        options = f"format={text(layout)}, {packed}, hive_partitioning=false"
        path = text(str(file.path))
        keys = f"SELECT DISTINCT json_type(json), json_keys(json) FROM read_json_objects({path}, {options})"
        try:
            kinds = con.execute(keys).fetchall()
        except duckdb.Error as error:
            raise broken_line(file, first_line(error)) from None
        if any(kind != "OBJECT" for kind, _ in kinds):
            raise broken_line(file, "it holds more than objects")
        found = [key for _, keys in kinds for key in keys]
        check_width(file.shown, len(set(found)))
        columns = {key: ("VARCHAR", name(key)) for key in dict.fromkeys(found)}
        relation = f"read_json({path}, {options}, columns=COLUMNS)"
        parts.append(
            SourcePart("jsonlines", (file.shown,), first + position, columns, relation, paths=(str(file.path),))
        )
    return parts


_Reader = Callable[[duckdb.DuckDBPyConnection, list[DataFile], int], list[SourcePart]]
_READERS: dict[Format, _Reader] = {"parquet": _parquet_parts, "jsonlines": _json_parts}
