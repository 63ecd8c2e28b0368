"""Plans run by Spark: what they keep are Parquet files in a folder that its workers reach; rows never come here.

But for small things (kinds of event, bounds, a report) nothing is collected: the driver's memory grows neither with
users nor with events.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ibis
import ibis.backends.pyspark
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.pyspark.datatypes import PySparkSchema, PySparkType
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.formats.pyarrow import PyArrowSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import ibis.expr.types as ir
    import pandas as pd

SPARK_WORDS = {"epoch_us": "unix_micros", "hash": "xxhash64"}
"""What Spark calls the words of `powerml.snapshots.engine.words`; the others have the same name."""
_PLACES = 33  # bits of `monotonically_increasing_id` that count within a partition


def _word(compiler: Any, op: Any, **arguments: Any) -> Any:
    """A word of the plans."""
    name = compiler.__sql_name__(op)
    return compiler.f.anon[SPARK_WORDS.get(name, name)](*arguments.values())


def _constant(compiler: Any, op: Any, *, value: Any, dtype: Any) -> Any:
    """A number as what the plan takes it for: Spark reads 1.5 as a decimal, whose sums and quotients are others."""
    found = PySparkCompiler.visit_Literal(compiler, op, value=value, dtype=_signed(dtype))
    return compiler.cast(found, dtype) if value is not None and dtype.is_floating() else found


def _is_null(_compiler: Any, _op: Any, *, arg: Any) -> Any:
    """As everywhere: a number that is none is not an absent one."""
    return arg.is_(sge.Null())


def _is_not_null(_compiler: Any, _op: Any, *, arg: Any) -> Any:
    return arg.is_(sge.Not(this=sge.Null()))


_COMPILER = type(
    "_Compiler",
    (PySparkCompiler,),
    {
        "__slots__": (),
        "SIMPLE_OPS": {ops.BitOr: "bit_or"},
        "visit_ScalarUDF": _word,
        "visit_Literal": _constant,
        "visit_IsNull": _is_null,
        "visit_NotNull": _is_not_null,
    },
)
"""Spark's SQL as plans mean it."""


class _Backend(ibis.backends.pyspark.Backend):  # type: ignore[misc]
    compiler = _COMPILER()


def _signed(dtype: dt.DataType) -> dt.DataType:
    """Spark has no unsigned numbers: a hash of 64 bits is a signed one there."""
    return dt.Int64(nullable=dtype.nullable) if dtype.is_unsigned_integer() else dtype


@dataclass
class SparkEngine:
    """A Spark session, and the tables kept on it in `folder`."""

    session: Any
    folder: Path
    _names: itertools.count[int] = field(default_factory=itertools.count)
    _kept: list[str] = field(default_factory=list)
    _places: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Opens the Ibis backend of the session."""
        self.backend = _Backend()
        self.backend.register_options()
        self.backend.do_connect(self.session)

    def query(self, expression: ir.Table) -> Any:
        """The expression as a data frame of Spark, its columns of the types that the plan says."""
        rows = self.session.sql(self.backend.compile(expression))
        schema = {name: _signed(kind) for name, kind in expression.schema().items()}
        wanted = PySparkSchema.from_ibis(ibis.schema(schema))
        have = {found.name: found.dataType for found in rows.schema.fields}
        if all(have[one.name] == one.dataType for one in wanted.fields):
            return rows
        return rows.select(*[_column(rows, one.name).cast(one.dataType).alias(one.name) for one in wanted.fields])

    def named(self, rows: Any, what: str) -> ir.Table:
        """A data frame of Spark as a table of plans."""
        name = f"_{what}_{next(self._names)}".replace(" ", "_")
        rows.createOrReplaceTempView(name)
        schema = ibis.schema(dict(PySparkType.to_ibis(rows.schema).items()))
        self._kept.append(name)
        return ops.DatabaseTable(name, schema=schema, source=self.backend, namespace=ops.Namespace()).to_expr()

    def keep(self, expression: ir.Table, what: str) -> ir.Table:
        """Runs an expression and keeps its rows as a table; `what` names it in plans."""
        return self._keep(self.query(expression), what)

    def _keep(self, rows: Any, what: str) -> ir.Table:
        place = self.folder / f"kept-{next(self._names)}"
        rows.write.parquet(place.as_uri())
        table = self.named(self.session.read.schema(rows.schema).parquet(place.as_uri()), what)
        self._places[table.get_name()] = place
        return table

    def number(self, ids: ir.Table, column: str, number: str) -> ir.Table:
        """Keeps the rows of a table of distinct texts, with whole numbers from 0 on in their order.

        Each worker counts a range of the texts; only how many there are in each range is told.
        """
        from pyspark.sql import functions as f

        ranged = self.query(ids).repartitionByRange(column).sortWithinPartitions(column)
        placed = self._keep(ranged.withColumn("place", f.monotonically_increasing_id()), "placed")
        rows = self.session.table(placed.get_name())
        part = f.shiftright("place", _PLACES).cast("int")
        counts = sorted(tuple(row) for row in rows.groupBy(part.alias("part")).count().collect())
        before = [0, *itertools.accumulate(n for _part, n in counts)]
        starts = pa.table(
            {"part": pa.array([p for p, _n in counts], pa.int32()), "start": pa.array(before[:-1], pa.int64())}
        )
        told = self.session.createDataFrame(starts)
        within = f.col("place").bitwiseAND((1 << _PLACES) - 1)
        numbered = rows.withColumn("part", part).join(f.broadcast(told), "part")
        table = self._keep(numbered.select(column, (within + f.col("start")).cast("int").alias(number)), number)
        self.drop(placed)
        return table

    def bring(self, frame: pd.DataFrame | pa.Table, what: str) -> ir.Table:
        """A small frame as a table of the engine."""
        data = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        schema = PySparkSchema.from_ibis(PyArrowSchema.to_ibis(data.schema))
        return self.named(self.session.createDataFrame(data.replace_schema_metadata(None), schema), what)

    def drop(self, *tables: ir.Table) -> None:
        """Frees kept tables that no later plan reads."""
        for table in tables:
            self._drop(table.get_name())

    def _drop(self, name: str) -> None:
        if name in self._kept:
            self._kept.remove(name)
            self.session.catalog.dropTempView(name)
            if (place := self._places.pop(name, None)) is not None:
                shutil.rmtree(place, ignore_errors=True)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[None]:
        """Frees, at the end, everything kept since the beginning."""
        before = set(self._kept)
        try:
            yield
        finally:
            for name in [name for name in self._kept if name not in before]:
                self._drop(name)

    def rows(self, expression: ir.Table) -> list[Mapping[str, Any]]:
        """The rows of a small expression as dicts."""
        return [row.asDict() for row in self.query(expression).collect()]

    def frame(self, expression: ir.Table, *, order: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of a small expression as a frame, nulls as nulls, in the order of some columns."""
        found = self.query(expression).toArrow()
        if order:
            found = found.sort_by([(name, "ascending") for name in order])
        frame: pd.DataFrame = found.to_pandas(split_blocks=True, self_destruct=True)
        return frame

    def wait(self) -> None:
        """Nothing runs beside the caller."""

    def write(self, expression: ir.Table, folder: Path, *, order: Sequence[str]) -> None:
        """Writes the rows as Parquet files into a new folder, in the order of some columns from file to file."""
        self.query(expression).orderBy(*order).write.option("compression", "zstd").parquet(folder.as_uri())


def _column(rows: Any, name: str) -> Any:
    return rows["`" + name.replace("`", "``") + "`"]
