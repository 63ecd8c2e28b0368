"""Plans run by DuckDB, in this process; what they keep are temporary tables of its connection."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis.formats.pyarrow import PyArrowSchema

from powerml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

FEW_CELLS = 2000  # a frame of no more is brought as SQL

_T = TypeVar("_T")
RowsFor = Callable[[], list[tuple[Any, ...]]]  # gives rows once they are there


@dataclass
class DuckDBEngine:
    """An Ibis backend and the temporary tables made on it.

    Statements are run by one worker, in the order asked for, while the caller goes on planning; whatever reads rows
    waits for them first. After an error the rest is left out, and `wait` raises it. Nobody else may use the connection
    before `wait`: two threads on one connection of DuckDB lock each other out.
    """

    backend: Any
    _names: itertools.count[int] = field(default_factory=itertools.count)
    _kept: list[str] = field(default_factory=list)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "powerml-engine"))
    _pending: list[Future[Any]] = field(default_factory=list)
    _failed: BaseException | None = None  # written by the worker, forgotten when it has nothing left to do

    @classmethod
    def on(cls, connection: Any) -> DuckDBEngine:
        """An engine over an open DuckDB connection."""
        return cls(ibis.duckdb.from_connection(connection))

    def table(self, name: str) -> ir.Table:
        """A table or view of the connection."""
        self.wait()
        return self.backend.table(name)

    def later(self, *statements: str, frame: tuple[str, pa.Table] | None = None) -> None:
        """Has the worker run SQL, beside a frame registered under a name for as long."""

        def run() -> None:
            if frame is not None:
                self.backend.con.register(*frame)
            for statement in statements:
                self.backend.con.execute(statement)
            if frame is not None:
                self.backend.con.unregister(frame[0])

        self._submit(run)

    def ask(self, sql: str) -> RowsFor:
        """Has the worker run a query; what comes back waits for its rows alone and gives them."""
        return self._submit(lambda: self.backend.con.execute(sql).fetchall()).result

    def finish(self) -> None:
        """Has the worker commit the transaction that is open, or roll it back if a statement before went wrong."""

        def run() -> None:
            self.backend.con.execute("commit" if self._failed is None else "rollback")

        self._submit(run, always=True)

    def _submit(self, work: Callable[[], _T], *, always: bool = False) -> Future[_T]:
        def run() -> _T:
            if self._failed is not None and not always:
                raise self._failed
            try:
                with _readable():
                    return work()
            except BaseException as error:
                self._failed = self._failed or error
                raise

        future = self._worker.submit(run)
        self._pending.append(future)
        return future

    def wait(self) -> None:
        """Waits for the worker; raises the first error of what it ran."""
        try:
            for future in self._pending:
                future.exception()
        except BaseException:  # an interrupt: the statement that runs is given up too
            self.backend.con.interrupt()
            raise
        failed, self._pending, self._failed = self._failed, [], None
        if failed is not None:
            raise failed

    def give_up(self) -> None:
        """Waits for the worker whatever became of its statements, as before a rollback."""
        for future in self._pending:
            future.exception()
        self._pending, self._failed = [], None

    def run(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL now; gives its rows."""
        self.wait()
        rows: list[tuple[Any, ...]] = self.backend.con.execute(sql, list(parameters)).fetchall()
        return rows

    def keep(self, expression: ir.Table, what: str) -> ir.Table:
        """Runs an expression and keeps its rows as a temporary table; `what` names it in plans."""
        return self.keep_sql(self.backend.compile(expression), expression.schema(), what)

    def keep_sql(self, sql: str, schema: ibis.Schema, what: str) -> ir.Table:
        """As `keep`, of a query that is SQL already."""
        name = f"_{what}_{next(self._names)}"
        self.later(f'create temp table "{name}" as {sql}')
        self._kept.append(name)
        return self.made(name, schema)

    def number(self, ids: ir.Table, column: str, number: str) -> ir.Table:
        """Keeps the rows of a table of distinct texts, with whole numbers from 0 on in their order."""
        order = ibis.row_number().over(order_by=column).cast("int32")
        return self.keep(ids.mutate(**{number: order}).select(column, number), number)

    def made(self, name: str, schema: ibis.Schema, *, database: str | None = None) -> ir.Table:
        """A table whose columns are known: asking the engine for them costs more than many a plan."""
        space = ops.Namespace(catalog=database, database="main") if database else ops.Namespace()
        return ops.DatabaseTable(name, schema=schema, source=self.backend, namespace=space).to_expr()

    def bring(self, frame: pd.DataFrame | pa.Table, what: str) -> ir.Table:
        """A small frame as a temporary table of the engine."""
        name = f"_{what}_{next(self._names)}"
        data = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        if (written := _as_sql(name, data)) is not None:
            self.later(written)
        else:
            self.later(f'create temp table "{name}" as select * from "{name}_frame"', frame=(f"{name}_frame", data))
        self._kept.append(name)
        return self.made(name, PyArrowSchema.to_ibis(data.schema))

    def drop(self, *tables: ir.Table) -> None:
        """Frees kept tables that no later plan reads."""
        for table in tables:
            name = table.get_name()
            if name in self._kept:
                self._kept.remove(name)
                self.later(f'drop table "{name}"')

    @contextlib.contextmanager
    def scratch(self) -> Iterator[None]:
        """Frees, at the end, everything kept since the beginning."""
        before = set(self._kept)
        try:
            yield
            self.wait()
        finally:
            self.give_up()
            gone = [name for name in self._kept if name not in before]
            self._kept = [name for name in self._kept if name in before]
            if gone:
                self.run("; ".join(f'drop table if exists "{name}"' for name in gone))

    def frame(self, expression: ir.Table, *, order: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of an expression as a frame, nulls as nulls, in the order of some columns (texts by their bytes)."""
        found = self._arrow(expression)
        if order:  # a fraction of the cost of sorting wide rows in the engine
            found = _in_order(found, order)
        frame: pd.DataFrame = found.to_pandas(split_blocks=True, self_destruct=True)
        return frame

    def rows(self, expression: ir.Table) -> list[Mapping[str, Any]]:
        """The rows of a small expression as dicts."""
        rows: list[Mapping[str, Any]] = self._arrow(expression).to_pylist()
        return rows

    def _arrow(self, expression: ir.Table) -> pa.Table:
        sql, schema = self.backend.compile(expression), expression.schema()
        self.wait()
        with _readable():
            found = self.backend.con.sql(sql).to_arrow_table()  # `execute` streams its rows, on one core
        wanted = pa.schema([(name, kind.to_pyarrow()) for name, kind in schema.items()])
        return found if found.schema.equals(wanted) else found.cast(wanted)


def _in_order(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows by some columns, texts by their bytes: distinct texts alone are compared, columns moved side by side."""
    keys = [_ranks(table.column(name).combine_chunks()) for name in reversed(names)]
    places = pa.array(np.lexsort(keys))
    with ThreadPoolExecutor(pa.cpu_count(), "powerml-order") as several:
        columns = list(several.map(lambda column: column.combine_chunks().take(places), table.columns))
    return pa.table(columns, schema=table.schema)


def _ranks(column: pa.Array) -> np.ndarray:
    """Numbers that stand in the order of a column's values, nulls last."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    told = column.dictionary_encode()
    many = len(told.dictionary)
    rank = np.full(many + 1, many, dtype=np.int64)
    rank[pc.sort_indices(told.dictionary).to_numpy()] = np.arange(many)
    return np.asarray(rank[told.indices.fill_null(many).to_numpy()])


_SQL_TYPES = {pa.int32(): "integer", pa.int64(): "bigint", pa.bool_(): "boolean"} | dict.fromkeys(
    (pa.string(), pa.large_string()), "varchar"
)


def _as_sql(name: str, data: pa.Table) -> str | None:
    """Statements that make a small table of whole numbers, flags and texts; None where it is large or holds others.

    Registering a frame costs more, and the first one has the engine import what reads data sets.
    """
    if data.num_rows * data.num_columns > FEW_CELLS or not all(kind in _SQL_TYPES for kind in data.schema.types):
        return None
    columns = ", ".join(f'"{column.name}" {_SQL_TYPES[column.type]}' for column in data.schema)
    made = f'create temp table "{name}" ({columns})'
    rows = zip(*(column.to_pylist() for column in data.columns), strict=True)
    written = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    if "\0" in written:  # would end the statement
        return None
    return f'{made}; insert into "{name}" values {written}' if written else made


def literal(value: str | int | bool | None) -> str:
    """A value as SQL.

    >>> literal("o'clock"), literal(True), literal(None)
    ("'o''clock'", 'true', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Damage in the middle of a file shows only when a plan reads it: one message that names the file."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        text = str(error)
        found = re.search(r"file [\"']([^\"']+)[\"']", text)
        if not found or "read" not in text.lower():
            raise
        raise DataError.in_file(
            found[1], "is damaged and cannot be read to its end", "fetch or export it again"
        ) from None
