"""Rows of a database brought into a Parquet file of our own as they stream in, and read from there as any file is."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from powerml.config.project import ProjectSpec, expand
from powerml.errors import DataError
from powerml.sources.files import check_width
from powerml.sources.postgres import duckdb_type, server
from powerml.sources.readers import SourcePart
from powerml.sources.sql import array, name
from powerml.writing import not_writable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import duckdb

    from powerml.sources.postgres import PostgresServer

_BLOCK = 1 << 24  # bytes of rows in memory at a time; a row has to fit
_ARROW = {"BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32()}
_INSTANTS = {"TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"), "TIMESTAMP": pa.timestamp("us")}


@dataclass(frozen=True)
class OnServer:
    """A table or query on a PostgreSQL server, as a project declares it."""

    variable: str
    where: str
    table: str | None
    query: str | None
    timeout_seconds: float | None

    @classmethod
    def of(cls, project: ProjectSpec, table: str) -> OnServer:
        """What a table of the project is read from."""
        spec = project.tables[table]
        variable = spec.database.url_env if spec.database else None
        query = None if spec.query is None else expand(spec.query, file=project.file)
        where = f"{project.file}: tables.{table}"
        return cls(variable or "", where, spec.table, query, project.query_timeout if query else None)

    def described(self) -> SourcePart:
        """Its columns as a part that has no rows yet; raises DataError where the server does not tell."""
        with server(self.variable, where=self.where, timeout_seconds=self.timeout_seconds) as there:
            kinds = there.columns(self.relation(there))
        check_width(self.where, len(kinds))
        shown = f"{self.table or 'query'} of {self.variable}"
        columns = {column: (duckdb_type(kind), name(column)) for column, kind in kinds.items()}
        return SourcePart("parquet", (shown,), 0, columns, "")

    def fetch(
        self,
        con: duckdb.DuckDBPyConnection,
        part: SourcePart,
        needed: Collection[str],
        *,
        condition: str | None = None,
    ) -> SourcePart:
        """The part with its rows: the `needed` columns of them in a Parquet file that goes with the connection.

        `condition` is SQL that the server applies: what a row must keep to be fetched.
        """
        target = scratch_folder(con) / "rows.parquet"
        with server(self.variable, where=self.where, timeout_seconds=self.timeout_seconds) as there:
            relation = self.relation(there)
            kinds = there.columns(relation)
            wanted = {column: kind for column, kind in kinds.items() if column in needed}
            wanted = wanted or dict(list(kinds.items())[:1])
            copy_rows(there, relation, wanted, target, where=self.where, condition=condition)
        path = str(target)
        return replace(part, relation=f"read_parquet({array([path])}, hive_partitioning=false)", paths=(path,))

    def relation(self, there: PostgresServer) -> str:
        """What stands after FROM."""
        return there.find(self.table) if self.table else f"(\n{self.query}\n)"


@dataclass(frozen=True)
class ServerTable:
    """Some columns of what is read from a server, for `kept_weeks` to ask what changed."""

    source: OnServer
    con: duckdb.DuckDBPyConnection
    columns: tuple[str, ...]

    @contextmanager
    def reading(self) -> Iterator[ServerReading]:
        """A session in which all is as of one instant."""
        source = self.source
        with server(source.variable, where=source.where, timeout_seconds=source.timeout_seconds) as there:
            relation = source.relation(there)
            kinds = there.columns(relation)
            yield ServerReading(self, there, relation, {column: kinds[column] for column in self.columns})


@dataclass(frozen=True)
class ServerReading:
    """A table while it is read; `kinds` are PostgreSQL types by column."""

    table: ServerTable
    there: PostgresServer
    relation: str
    kinds: Mapping[str, str]

    def weeks(self, week: str) -> list[tuple[int | None, int, str]] | None:
        """See `PostgresServer.digests`."""
        return self.there.digests(self.relation, week, self.kinds)

    def bring(self, condition: str | None) -> str:
        """The rows in a Parquet file that goes with the connection."""
        target = scratch_folder(self.table.con) / "rows.parquet"
        copy_rows(self.there, self.relation, self.kinds, target, where=self.table.source.where, condition=condition)
        return f"read_parquet({array([str(target)])}, hive_partitioning=false)"


def copy_rows(
    there: PostgresServer,
    relation: str,
    kinds: Mapping[str, str],
    target: Path,
    *,
    where: str,
    limit: int | None = None,
    condition: str | None = None,
) -> None:
    """Writes rows of a relation as a Parquet file, whole or not at all; `kinds` are PostgreSQL types by column."""
    types = {column: duckdb_type(kind) for column, kind in kinds.items()}
    read = {f"c{i}": _ARROW.get(kind, _text_or_number(kind)) for i, kind in enumerate(types.values())}
    schema = pa.schema([(column, _INSTANTS.get(kind, _ARROW.get(kind, pa.string()))) for column, kind in types.items()])
    with there.rows(relation, list(kinds.items()), limit, condition=condition) as stream:
        try:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                convert_options=pa_csv.ConvertOptions(
                    column_types=read,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    true_values=["t"],
                    false_values=["f"],
                ),
            )
            write_parquet(target, schema, (_typed(batch, schema) for batch in reader))
        except pa.ArrowException as error:
            what = f"sends rows that cannot be read ({str(error).splitlines()[0][:200]})"
            raise DataError.in_file(where, what, "leave that column out, or convert it in a query") from None


def write_parquet(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Writes batches as they come; raises DataError for a full disk, and leaves nothing where anything goes wrong."""
    try:
        with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as writer:
            for batch in batches:
                writer.write_batch(batch)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise not_writable(target, error) from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _text_or_number(kind: str) -> pa.DataType:
    return pa.int64() if kind in _INSTANTS else pa.string()


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch under its own names, microseconds as instants."""
    arrays = [column.cast(kind.type) for column, kind in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def scratch_folder(con: duckdb.DuckDBPyConnection) -> Path:
    """A folder that is its owner's alone and goes when the connection that reads from it does."""
    folder = tempfile.mkdtemp(prefix="powerml-rows-")
    weakref.finalize(con, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
