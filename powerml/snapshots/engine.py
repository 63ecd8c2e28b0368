"""What runs the plans, and the few places where dialects differ. DuckDB by default; Spark will dock here.

Plans are Ibis expressions. An intermediate result that several plans read is kept as a temporary table (`keep`).
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.formats.pyarrow import PyArrowSchema

from powerml.errors import DataError

WORD = 62  # bits of a mask that every engine can hold in a signed 64-bit number
MAX_WORDS = 8  # beyond 496 distinct values a count goes through a group-by instead of masks


@ibis.udf.scalar.builtin(name="epoch_us", signature=((dt.timestamp,), dt.int64))
def epoch_us(instant):  # type: ignore[no-untyped-def]
    """Microseconds since 1970-01-01 of a timestamp (Spark: `unix_micros`)."""


@ibis.udf.scalar.builtin(name="bit_count", signature=((dt.int64,), dt.int8))
def bit_count(mask):  # type: ignore[no-untyped-def]
    """How many bits of a mask are set, as a number up to 127: widen it before adding (the same name on Spark)."""


@ibis.udf.scalar.builtin(name="hash", signature=((dt.string,), dt.uint64))
def hash64(text):  # type: ignore[no-untyped-def]
    """A 64-bit hash of a text (Spark: `xxhash64`)."""


def whole_number(value: ir.Value) -> ir.Value:
    """A sum of integers as a 64-bit number: DuckDB's have 128 bits, which are slow and turn into floats.

    Ibis' own `cast` leaves out what it takes for 64 bits already.
    """
    return ops.Cast(value, to=dt.int64).to_expr()


@dataclass
class Engine:
    """An Ibis backend and the temporary tables made on it.

    Tables are made by one worker, in the order asked for, while the caller goes on planning; whatever reads rows waits
    for them first, and an error in making one is raised there. Nobody else may use the connection before `wait`: two
    threads on one connection of DuckDB lock each other out.
    """

    backend: Any
    _names: itertools.count[int] = field(default_factory=itertools.count)
    _kept: list[str] = field(default_factory=list)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "powerml-engine"))
    _pending: list[Future[None]] = field(default_factory=list)

    @classmethod
    def on(cls, connection: Any) -> Engine:
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
            with _readable():
                for statement in statements:
                    self.backend.con.execute(statement)
            if frame is not None:
                self.backend.con.unregister(frame[0])

        self._pending.append(self._worker.submit(run))

    def wait(self) -> None:
        """Waits for the worker; raises the first error of what it ran."""
        pending, self._pending = self._pending, []
        try:
            errors = [error for future in pending if (error := future.exception()) is not None]
        except BaseException:  # an interrupt: the statement that runs is given up too
            self.backend.con.interrupt()
            raise
        if errors:
            raise errors[0]

    def give_up(self) -> None:
        """Waits for the worker whatever became of its statements, as before a rollback."""
        for future in self._pending:
            future.exception()
        self._pending = []

    def run(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL now; gives its rows."""
        self.wait()
        return self.backend.con.execute(sql, list(parameters)).fetchall()

    def keep(self, expression: ir.Table, what: str) -> ir.Table:
        """Runs an expression and keeps its rows as a temporary table; `what` names it in plans."""
        name = f"_{what}_{next(self._names)}"
        self.later(f'create temp table "{name}" as {self.backend.compile(expression)}')
        self._kept.append(name)
        return self.made(name, expression.schema())

    def made(self, name: str, schema: ibis.Schema, *, database: str | None = None) -> ir.Table:
        """A table whose columns are known: asking the engine for them costs more than many a plan."""
        space = ops.Namespace(catalog=database, database="main") if database else ops.Namespace()
        return ops.DatabaseTable(name, schema=schema, source=self.backend, namespace=space).to_expr()

    def bring(self, frame: pd.DataFrame | pa.Table, what: str) -> ir.Table:
        """A small frame as a temporary table of the engine."""
        name = f"_{what}_{next(self._names)}"
        data = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
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
            for name in [name for name in self._kept if name not in before]:
                self._kept.remove(name)
                self.later(f'drop table if exists "{name}"')
            self.wait()

    def frame(self, expression: ir.Table, *, order: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of an expression as a frame, nulls as nulls, in the order of some columns (texts by their bytes)."""
        found = self._arrow(expression)
        if order:  # half the cost of sorting wide rows in the engine
            found = found.sort_by([(name, "ascending") for name in order])
        return found.to_pandas(split_blocks=True, self_destruct=True)

    def rows(self, expression: ir.Table) -> list[Mapping[str, Any]]:
        """The rows of a small expression as dicts."""
        return self._arrow(expression).to_pylist()

    def _arrow(self, expression: ir.Table) -> pa.Table:
        self.wait()
        with _readable():
            return self.backend.to_pyarrow(expression)


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
