"""A PostgreSQL server as a source: asked for what a table's columns are, its rows streamed by COPY.

The address comes from an environment variable and stands in no message. Nothing is written to the server.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from powerml.errors import DataError, UsageError, did_you_mean
from powerml.postgres import EXTRA, NoDatabase, enter_database, has_driver, reason_without
from powerml.sources.sql import name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "extra_float_digits": "1",  # floats come back as they are
    "synchronize_seqscans": "off",  # the same rows in the same order each time
    "max_parallel_workers_per_gather": "0",
}
_WITH_HASHES, _WITH_HASHES_OF_ROWS = 110000, 140000  # versions 11 and 14
_INTEGERS = ("int2", "int4", "int8")
_FLOATS = ("float4", "float8")
_TIMES = {"timestamptz": "TIMESTAMP WITH TIME ZONE", "timestamp": "TIMESTAMP", "date": "DATE"}


class PostgresServer:
    """An open, read-only session; `named` is how messages call the server."""

    def __init__(self, con: psycopg.Connection[Any], named: str) -> None:
        self.con, self.named = con, named

    def columns(self, relation: str) -> dict[str, str]:
        """The PostgreSQL types of a relation's columns, in order; raises DataError for a name that comes twice."""
        found: dict[str, str] = {}
        with self.con.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {relation} AS _r LIMIT 0".encode())
            for column in cursor.description or ():
                if column.name in found:
                    raise DataError(f"{self.named}: two columns are called {column.name!r}; rename one in the query")
                known = self.con.adapters.types.get(column.type_code)
                found[column.name] = known.name if known else "text"
        return found

    def tables(self) -> list[str]:
        """Tables and views that may be read, `public.` left out, in the order of the alphabet."""
        rows = self.con.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
            " AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
            " AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') ORDER BY 1, 2"
        ).fetchall()
        return [table if schema == "public" else f"{schema}.{table}" for schema, table in rows]

    def find(self, table: str) -> str:
        """The SQL name of a table as the project calls it (`table` or `schema.table`); raises DataError for none."""
        row = self.con.execute("SELECT to_regclass(%s) IS NOT NULL", [quoted(table)]).fetchone()
        if row is None or not row[0]:
            there = self.tables()
            listed = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
            hint = did_you_mean(table, there) or "; correct the name, or ask for the right to read it"
            raise DataError(f"{self.named}: has no table {table!r} (there are {listed or 'none'}){hint}")
        return quoted(table)

    def count(self, relation: str) -> int:
        """How many rows a relation has."""
        ((rows,),) = self.con.execute(f"SELECT count(*) FROM {relation} AS _r".encode()).fetchall()
        return int(rows)

    def digests(
        self, relation: str, group: str, columns: Mapping[str, str]
    ) -> list[tuple[int | None, int, str]] | None:
        """(group, rows, sum of a hash over the columns of each row) by SQL; None where the server has no hash.

        `columns` are PostgreSQL types by name. The same rows give the same sum in any order. Values that are equal and
        written otherwise (1.0 and 1.00) are hashed as texts.
        """
        version = self.con.info.server_version
        if version < _WITH_HASHES:
            return None
        row = "ROW(" + ", ".join(_hashed(column, kind) for column, kind in columns.items()) + ")"
        digest = f"hash_record_extended({row}, 0)" if version >= _WITH_HASHES_OF_ROWS else _of_text(row)
        found = self.con.execute(
            f"SELECT {group}, count(*), sum({digest})::text FROM {relation} AS _r GROUP BY 1".encode()
        ).fetchall()
        return [(number, rows, str(total)) for number, rows, total in found]

    @contextmanager
    def rows(
        self,
        relation: str,
        columns: Sequence[tuple[str, str]],
        limit: int | None = None,
        *,
        condition: str | None = None,
    ) -> Iterator[io.BufferedReader]:
        """The rows of a relation as CSV in UTF-8, as the server sends them: columns c0, c1, … as `sent` writes them.

        `columns` are names and PostgreSQL types, `condition` what a row must keep to be sent.
        """
        chosen = ", ".join(f"{sent(column, kind)} AS c{i}" for i, (column, kind) in enumerate(columns))
        kept = "" if condition is None else f" WHERE {condition}"
        last = "" if limit is None else f" LIMIT {limit:d}"
        query = f"COPY (SELECT {chosen} FROM {relation} AS _r{kept}{last}) TO STDOUT (FORMAT csv, HEADER)"
        with self.con.cursor() as cursor, cursor.copy(query.encode()) as copy:
            yield io.BufferedReader(_Blocks(iter(copy)), 1 << 20)


def _hashed(column: str, kind: str) -> str:
    """SQL: what is hashed of a column: what can be equal in one way only as it is, all else as it is written."""
    plain = kind in (*_INTEGERS, *_TIMES, "bool", "uuid")
    return name(column) if plain else f'{name(column)}::text COLLATE "C"'


def _of_text(row: str) -> str:
    return f"hashtextextended({row}::text, 0)"


class _Blocks(io.RawIOBase):
    """Blocks of bytes, read like a file."""

    def __init__(self, blocks: Iterator[memoryview | bytes | bytearray]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        size = min(len(into), len(self._rest))
        into[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


@contextmanager
def server(variable: str, *, where: str, timeout_seconds: float | None = None) -> Iterator[PostgresServer]:
    """A session on the server whose address an environment variable holds; whatever goes wrong on it is a DataError.

    All is read in one transaction, as of one instant. `timeout_seconds` bounds each statement.
    """
    address = os.environ.get(variable, "").strip()
    if not address:
        raise UsageError(
            f"{where}: the environment variable {variable} is not set; export {variable}="
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    if not has_driver():
        raise UsageError(f"{where}: reading PostgreSQL needs psycopg; {EXTRA}")
    import psycopg.errors

    named = f"{where}: the server that {variable} names"
    try:
        con = enter_database(address)
    except NoDatabase as error:
        if error.address:
            fix = "write it like postgresql://USER:PASSWORD@HOST/DATABASE"
            raise DataError(f"{where}: what {variable} holds {error}; {fix}") from None
        raise DataError(f"{named} cannot be reached ({error}); start it, or correct {variable}") from None
    with con:
        try:
            con.read_only, con.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
            limit = {"statement_timeout": f"{timeout_seconds * 1000:.0f}"} if timeout_seconds else {}
            for setting, value in (_SETTINGS | limit).items():
                con.execute("SELECT set_config(%s, %s, false)", [setting, value])
            yield PostgresServer(con, named)
        except psycopg.errors.QueryCanceled:
            raise DataError(
                f"{where}: ran longer than {timeout_seconds or 0:g} s and was stopped; make it smaller, or raise"
                " 'query_timeout'"
            ) from None
        except psycopg.Error as error:
            reason = reason_without(address, error)
            if con.broken or con.closed:
                told = f"{named} went away while it was read ({reason}); nothing of it was kept: run this again"
                raise DataError(told) from None
            raise DataError(f"{named} cannot be read ({reason}); correct the table, the query or its rights") from None


def quoted(table: str) -> str:
    """`table` or `schema.table` as SQL.

    >>> print(quoted("mart.Log"))
    "mart"."Log"
    """
    return ".".join(map(name, table.split(".", 1)))


def sent(column: str, kind: str) -> str:
    """SQL: a column as it is sent: times as microseconds since 1970, dates and all else as text.

    Instants beyond the years 1 to 9999, the infinite ones included, are sent as the ends of that range.

    >>> sent("n", "int4"), sent("t", "text")
    ('"n"', '"t"::text')
    """
    value = name(column)
    if kind in (*_INTEGERS, *_FLOATS, "bool"):
        return value
    if kind not in _TIMES:
        return f"{value}::text"
    low, high = (f"{kind} '{day}'" for day in ("0001-01-02", "9999-12-30"))
    within = f"LEAST(GREATEST({value}, {low}), {high})"
    if kind != "date":
        within = f"(extract(epoch FROM {within}) * 1000000)::bigint"
    return f"CASE WHEN {value} IS NOT NULL THEN {within} END"


def duckdb_type(kind: str) -> str:
    """What DuckDB calls the values of a PostgreSQL type when we have fetched them.

    >>> [duckdb_type(kind) for kind in ("int2", "float4", "bool", "date", "numeric", "jsonb")]
    ['BIGINT', 'DOUBLE', 'BOOLEAN', 'DATE', 'VARCHAR', 'VARCHAR']
    """
    if kind in _INTEGERS:
        return "BIGINT"
    return "DOUBLE" if kind in _FLOATS else "BOOLEAN" if kind == "bool" else _TIMES.get(kind, "VARCHAR")
