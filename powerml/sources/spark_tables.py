"""Canonical tables on Spark: folders of Parquet (as `powerml export --canonical` writes them) or Spark's own tables.

They are taken as they are: nothing is repaired or set aside there. One look at each says whether it keeps the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.project import expand
from powerml.errors import DataError, UsageError, did_you_mean
from powerml.sources.forgotten import NAMING, Forgotten
from powerml.tables import KNOWN_AT, LARGEST_NUMBER, LAST_COUNTS, ORDERED, TABLES, own_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import ibis.expr.types as ir

    from powerml.config.project import ProjectSpec, TableSpec
    from powerml.snapshots.engine.spark import SparkEngine
    from powerml.tables import Column, Table

WAY_ROUND = "write clean tables on one machine first: powerml export --canonical DIR, with 'engine' left out"
_OTHER_FORMATS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".zip", ".xlsx")
_OF_FILES = ("time_format", "timezone", "encoding", "delimiter", "decimal", "currency", "shape", "query", "database")


@dataclass(frozen=True)
class SparkTables:
    """The tables of a project on Spark, the columns each has (as `Loaded.columns`), and their rows."""

    tables: Mapping[str, ir.Table]
    columns: Mapping[str, tuple[str, ...]]
    report: pd.DataFrame


def check_for_spark(project: ProjectSpec) -> None:
    """Raises UsageError with all that a project file asks for and Spark cannot do, before anything is started."""
    if said := [f"{project.file}: {what}" for what in _not_there(project)]:
        raise UsageError("\n".join([*said, f"engine: spark takes canonical tables; {WAY_ROUND}"]))


def _not_there(project: ProjectSpec) -> Iterator[str]:
    for name, spec in project.tables.items():
        for option in _OF_FILES:
            if getattr(spec, option) is not None:
                yield f"tables.{name}.{option}: is not read by Spark"
        for file in spec.files:
            if file.lower().endswith(_OTHER_FORMATS):
                yield f"tables.{name}.files: {file!r} is no folder of Parquet files"
    if project.ids != "exact":
        yield f"ids: {project.ids!r} is not done by Spark"
    if project.memory_limit is not None:
        yield "memory_limit: is DuckDB's; say spark: {config: {spark.driver.memory: …}}"


def open_spark_tables(
    engine: SparkEngine, project: ProjectSpec, *, extra: Mapping[str, Iterable[str]], now: datetime
) -> SparkTables:
    """Opens the tables of a project, with the further columns that metrics ask for.

    Raises DataError where a table is not there, lacks a column, or has a row that breaks a rule.
    """
    tables, columns, counted = {}, {}, []
    for name, spec in project.tables.items():
        found, ordered = _source(engine, project, name, spec)
        rows = _canonical(found, project, TABLES[name], spec, extra.get(name, ()))
        columns[name] = tuple(c for c in rows.columns if c != "_row")
        counted.append((name, _checked(rows, project, TABLES[name], now, ordered=ordered)))
        tables[name] = engine.named(rows, name)
    return SparkTables(tables, columns, pd.DataFrame(counted, columns=["table", "rows"]))


def _source(engine: SparkEngine, project: ProjectSpec, name: str, spec: TableSpec) -> tuple[Any, bool]:
    """A table as it lies there, and whether its rows have an order, which `_row` tells then."""
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as f

    where = spec.table or ", ".join(spec.files)
    try:
        if spec.table:
            rows = engine.session.table(spec.table)
        else:
            rows = engine.session.read.parquet(*[_place(project, name, file) for file in spec.files])
        if name == "events":
            return rows, False
        place = f.concat(f.col("_metadata.file_path"), f.lpad(f.col("_metadata.row_index").cast("string"), 12, "0"))
    except AnalysisException as error:
        what = str(error).splitlines()[0]
        raise DataError(f"{project.file}: tables.{name}: Spark cannot read {where!r} ({what})") from None
    try:
        return rows.select("*", place.alias("_row")), True
    except AnalysisException:  # no table of files: its rows have no order
        return rows.select("*", f.lit(None).cast("string").alias("_row")), False


def _place(project: ProjectSpec, name: str, file: str) -> str:
    """A path as Spark takes it; raises DataError for one of this machine where nothing is."""
    written = expand(file, file=project.file)
    if "://" in written:
        return written
    path = Path(project.base, written)
    if not any(letter in written for letter in "*?[{") and not path.exists():
        raise DataError(f"{project.file}: tables.{name}: {written!r} is not there; {WAY_ROUND}")
    return str(path)


def _canonical(rows: Any, project: ProjectSpec, table: Table, spec: TableSpec, extra: Iterable[str]) -> Any:
    """The canonical columns and those asked for, ids and texts as texts, numbers as numbers; times are instants."""
    from pyspark.sql import functions as f

    have = {field.name: field.dataType for field in rows.schema.fields}
    chosen = []
    for column in table.columns:
        source = spec.columns.get(column.name, column.name)
        if source is not None and source.startswith("="):  # the same text in every row
            chosen.append(f.lit(source[1:]).cast(_TYPES[column.kind]).alias(column.name))
            continue
        if source is None or source not in have:
            if column.required or spec.columns.get(column.name):
                hint = did_you_mean(str(source), have)
                raise DataError(f"{project.file}: tables.{table.name}: no column {source!r}{hint}; {WAY_ROUND}")
            continue
        kind = have[source].simpleString()
        if not _fits(column, kind):
            raise DataError(
                f"{project.file}: tables.{table.name}: column {source!r} is {kind}, and {column.name} must be"
                f" {_WANTED[column.kind]}; {WAY_ROUND}"
            )
        chosen.append(_quoted(rows, source).cast(_TYPES[column.kind]).alias(column.name))
    own = [c for c in dict.fromkeys(extra) if c in have and c not in table.names]
    chosen += [_quoted(rows, c).alias(own_column(c)) for c in own]
    return rows.select(*chosen, *(["_row"] if "_row" in have else []))


_TYPES = {"id": "string", "text": "string", "time": "timestamp", "number": "double"}
_WANTED = {"id": "text", "text": "text", "time": "a timestamp with a zone", "number": "a number"}


def _fits(column: Column, kind: str) -> bool:
    if column.kind == "time":
        return kind == "timestamp"
    if column.kind == "number":
        return kind.split("(")[0] in ("double", "float", "decimal", "tinyint", "smallint", "int", "bigint")
    return kind == "string" or (column.kind == "id" and kind in ("int", "bigint"))


def _quoted(rows: Any, name: str) -> Any:
    return rows["`" + name.replace("`", "``") + "`"]


def _checked(rows: Any, project: ProjectSpec, table: Table, now: datetime, *, ordered: bool) -> int:
    """How many rows there are; raises DataError where one breaks a rule or stands twice."""
    from pyspark.sql import functions as f

    broken = dict(_rules(rows, project, table, now))
    found = rows.agg(
        f.count("*").alias("rows"),
        *[f.count_if(test).alias(str(i)) for i, test in enumerate(broken.values())],
    ).first()
    where = f"{project.file}: tables.{table.name}"
    for i, rule in enumerate(broken):
        if found[str(i)]:
            raise DataError(f"{where}: {found[str(i)]:,} of {found['rows']:,} rows: {rule}; {WAY_ROUND}")
    if key := _unique(rows.columns, table, ordered=ordered):
        named = rows.dropna(subset=list(key)).groupBy(*key).count().where("count > 1").drop("count").limit(1).collect()
        if named:
            raise DataError(f"{where}: {', '.join(key)} {tuple(named[0])} stands twice; {WAY_ROUND}")
    return int(found["rows"])


def _unique(have: Sequence[str], table: Table, *, ordered: bool) -> Sequence[str]:
    """The columns that no two rows may share; of two that are known or read at once the later counts, where one is."""
    if table.name == "events":
        return ("event_id",) if "event_id" in have else ()
    if KNOWN_AT in have:
        return () if ordered else (*table.key, KNOWN_AT)
    return () if ordered and table.name in LAST_COUNTS else table.key


def _rules(rows: Any, project: ProjectSpec, table: Table, now: datetime) -> Iterator[tuple[str, Any]]:
    """Each rule that rows must keep, as what is wrong and a test for it."""
    from pyspark.sql import functions as f

    low, high = f.lit(f"{project.earliest} 00:00:00").cast("timestamp"), f.lit(now)
    forgotten = Forgotten.of(project.state)
    for column in table.columns:
        if column.name not in rows.columns:
            continue
        value = f.col(f"`{column.name}`")
        for kind, hashes in forgotten.days.items():
            if hashes and column.name in NAMING[kind]:
                key = f.lit(forgotten.key)  # `Forgotten.hash`, as Spark has it
                hashed = f.sha2(f.concat(key, f.sha2(f.concat(key, value), 256)), 256)
                yield f"{column.name} names somebody who was forgotten ('powerml forget')", hashed.isin(*hashes)
        if column.required:
            yield f"no {column.name}", value.isNull()
        if column.kind == "id":
            yield f"{column.name} is empty or has blanks around it", (value == "") | (value != f.trim(value))
        if column.kind == "time":
            yield f"{column.name} lies before {project.earliest}", value < low
        if column.kind == "time" and column.name in (table.time, KNOWN_AT):
            yield f"{column.name} lies in the future", value > high
        if column.kind == "number":
            yield f"{column.name} is no finite number", f.isnan(value) | (f.abs(value) > LARGEST_NUMBER)
        if column.low is not None:
            yield f"{column.name} is below {column.low:g}", value < column.low
        if column.high is not None:
            yield f"{column.name} is above {column.high:g}", value > column.high
        if column.one_of:
            yield f"{column.name} is none of {', '.join(column.one_of)}", ~value.isin(*column.one_of)
    for first, second in ORDERED.get(table.name, ()):
        if {first, second} <= set(rows.columns):
            yield f"{second} lies before {first}", f.col(f"`{second}`") < f.col(f"`{first}`")
