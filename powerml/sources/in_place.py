"""Events in Parquet files, left where they are: a view over the files that reads only the columns and rows asked for.

What the files' own statistics prove (no nulls, no blanks, nothing in the future) is not read to be checked again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from powerml.sources.columns import BINARY, Mapped, Typed, select_typed, value_column
from powerml.sources.fingerprint import of_file
from powerml.sources.loaded_table import LoadedTable, who_columns
from powerml.sources.plain import plain_columns
from powerml.sources.repeats import find_repeats, known_order
from powerml.sources.repeats_cache import repeats_with_memory
from powerml.sources.rules import BEFORE, FUTURE, MISSING, NOT_A_TIME, RowRule, broken_value, first_broken
from powerml.sources.sql import array, data_errors, name, text
from powerml.sources.times import FLOATS, NAIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import duckdb

    from powerml.sources.readers import SourcePart
    from powerml.sources.staged import Staging

_WITH_BLANKS = ("VARCHAR", "JSON", BINARY, *FLOATS)  # types with values that say nothing and are not null
# A row's place among all rows: its file's position and its number in the file, in one integer.
_PLACE = "((_index::BIGINT << 40) + _number)"
FILE_OF_PLACE, NUMBER_OF_PLACE = "(place >> 40)", "(place & ((1::BIGINT << 40) - 1))"
REPEATED = "repeated "  # what the table of events left out as repeats is called, before the table's own name


@dataclass(frozen=True)
class Bounds:
    """What the statistics of all row groups say of a column: nulls, and the lowest and highest value as text."""

    nulls: int | None
    low: str | None
    high: datetime | None
    first: datetime | None = None

    @property
    def never_blank(self) -> bool:
        """Whether no text of the column can be empty or begin with a blank."""
        return self.low is not None and self.low > " " and self.low[0] > " "


def view(work: Staging, *, cache: Path | None = None) -> LoadedTable:
    """Leaves a view of the table's name over the good rows of the files of its one part.

    With a `cache` folder, the ids of files that were read before are not read again.
    """
    (part,) = work.parts
    where = part.sources[0] if len(part.sources) == 1 else f"{part.sources[0]} to {part.sources[-1]}"
    with data_errors(where, fix="it is damaged; fetch or export it again"):
        return _view(work, part, cache)


def _view(work: Staging, part: SourcePart, cache: Path | None) -> LoadedTable:
    con, table, mapped = work.con, work.table, work.mapped
    bounds = _bounds(con, part)
    plain = plain_columns(con, part, [m.source for m in mapped if _may_be_plain(m, part, work)], cache)
    expressions = {m.name: _typed(m, part, work, plain, bounds.get(m.source)) for m in mapped}
    rules = work.rules()
    known = {m.name: _Known(bounds.get(m.source), part.columns[m.source][0], m.source in plain) for m in mapped}
    proven = _proven(rules, known, work)
    unsure = [rule for rule in rules if rule not in proven]
    broken = _count_broken(con, part, expressions, unsure)
    kept = " AND ".join(rule.keeps for rule, _ in broken) or "true"
    ids, repeats = 0, 0
    (rows,) = con.execute(f"SELECT count(*) FROM {part.relation}").fetchone() or (0,)
    if "event_id" in expressions:
        into = f"{REPEATED}{table.name}"
        if cache and not broken:
            ids, repeats = _remembered_repeats(work, part, _of_copies(expressions), rows, cache, into)
        else:
            needed = expressions if broken else _of_copies(expressions)
            good = f"FROM ({_inner(part, needed)}) WHERE {kept}"
            ids, repeats = find_repeats(con, good, rows=rows, place=_PLACE, into=into, order=known_order(needed))
    if repeats:
        kept += f' AND {_PLACE} NOT IN (SELECT place FROM "{REPEATED}{table.name}")'
    columns = ", ".join(map(value_column, expressions))
    con.execute(f"CREATE VIEW {name(table.name)} AS SELECT {columns} FROM ({_inner(part, expressions)}) WHERE {kept}")
    return LoadedTable(
        table=table.name,
        rows=rows,
        broken=tuple(broken),
        ignored=repeats,
        repeated_ids=ids,
        bad_rows=_bad_rows(part, expressions, [rule for rule, _ in broken]),
        placed=_placed(part, expressions, [rule for rule, _ in broken]),
        by_file=_by_file(part, expressions),
    )


def _of_copies(expressions: dict[str, Typed]) -> dict[str, Typed]:
    """What tells copies of an event apart."""
    return {n: e for n, e in expressions.items() if n in ("event_id", "time", "known_at")}


def _may_be_plain(mapped: Mapped, part: SourcePart, work: Staging) -> bool:
    """Whether the values may be what they are read as, so that it is worth looking.

    Ids of events are as many as rows, and nothing is joined by them: they are taken as they stand.
    """
    if part.columns[mapped.source][0] != "VARCHAR" or mapped.declared is None or mapped.name == "event_id":
        return False
    if mapped.source in part.keys:  # stands in no file
        return False
    return mapped.declared.kind == "text" or (mapped.declared.kind == "id" and not work.fold)


def _typed(mapped: Mapped, part: SourcePart, work: Staging, plain: Collection[str], bounds: Bounds | None) -> Typed:
    kind, raw = part.columns[mapped.source]
    as_it_stands = mapped.name == "event_id" and kind == "VARCHAR" and bounds is not None and bounds.never_blank
    if mapped.source in plain or as_it_stands:
        return Typed(raw, raw, f"({raw} IS NULL)")
    expression = work.typed(mapped, part)
    assert expression is not None  # a union of files has every column
    return expression


def _bounds(con: duckdb.DuckDBPyConnection, part: SourcePart) -> dict[str, Bounds]:
    """Statistics by source column; a column or a file without them has none."""
    rows = con.execute(
        "SELECT path_in_schema, CASE WHEN count(stats_null_count) = count(*) THEN sum(stats_null_count)::BIGINT END,"
        " CASE WHEN count(stats_min_value) = count(*) FILTER (num_values > COALESCE(stats_null_count, 0))"
        " THEN min(stats_min_value) END,"
        " CASE WHEN count(stats_max_value) = count(*) FILTER (num_values > COALESCE(stats_null_count, 0))"
        " THEN make_timestamp(epoch_us(max(TRY_CAST(stats_max_value AS TIMESTAMPTZ)))) END,"
        " CASE WHEN count(stats_min_value) = count(*) FILTER (num_values > COALESCE(stats_null_count, 0))"
        " THEN make_timestamp(epoch_us(min(TRY_CAST(stats_min_value AS TIMESTAMPTZ)))) END"
        f" FROM parquet_metadata({array(part.paths)}) GROUP BY 1"
    ).fetchall()
    return {row[0]: Bounds(*row[1:]) for row in rows}


@dataclass(frozen=True)
class _Known:
    """What is known of a column without reading it: statistics, DuckDB type, and that all texts are what they seem."""

    bounds: Bounds | None
    kind: str
    plain: bool


def _proven(rules: Sequence[RowRule], known: dict[str, _Known], work: Staging) -> list[RowRule]:
    """The rules that no row can break."""
    proven = []
    for rule in rules:
        column = known[rule.column]
        bounds, kind = column.bounds, column.kind
        if bounds is None:
            continue
        is_time = kind in NAIVE or kind == "TIMESTAMP WITH TIME ZONE"
        # Local times may lie up to 14 hours from their instants.
        past = is_time and bounds.high is not None and (work.now - bounds.high).total_seconds() > 15 * 3600
        recent = is_time and bounds.first is not None and bounds.first.date() > work.earliest + timedelta(days=1)
        no_nulls = bounds.nulls == 0
        if (
            (rule.text == MISSING and no_nulls and (column.plain or kind not in _WITH_BLANKS))
            or (rule.text == FUTURE and past)
            or (rule.text == NOT_A_TIME and past)
            or (rule.text.startswith(BEFORE) and recent)
        ):
            proven.append(rule)
    return proven


def _inner(part: SourcePart, expressions: dict[str, Typed]) -> str:
    return select_typed(expressions, part.relation, "file_index AS _index", "file_row_number AS _number")


def _count_broken(
    con: duckdb.DuckDBPyConnection, part: SourcePart, expressions: dict[str, Typed], rules: Sequence[RowRule]
) -> list[tuple[RowRule, int]]:
    if not rules:
        return []
    found = con.execute(
        f"SELECT {first_broken(rules)} AS rule, count(*) FROM ({_inner(part, expressions)}) GROUP BY rule ORDER BY rule"
    ).fetchall()
    return [(rules[rule], n) for rule, n in found if rule is not None]


def _remembered_repeats(
    work: Staging, part: SourcePart, needed: dict[str, Typed], rows: int, cache: Path, into: str
) -> tuple[int, int]:
    (source,) = (m.source for m in work.mapped if m.name == "event_id")
    having = [not part.each or source in have for have in part.each]

    def rows_of(positions: Sequence[int]) -> str:
        if len(positions) == len(part.paths):
            return f"FROM ({_inner(part, needed)}) WHERE true"
        some = [i for i in positions if having[i]]
        if not some:
            return "FROM (SELECT NULL::VARCHAR AS event_id, NULL::TIMESTAMP AS time) WHERE false"
        return f"FROM ({_inner(replace(part, relation=part.of_files(some)), needed)}) WHERE true"

    read = hashlib.sha256(select_typed(needed, "").encode()).hexdigest()[:16]  # in which zone, by which format
    digests = [f"{read} {of_file(Path(path), shown)}" for path, shown in zip(part.paths, part.sources, strict=True)]
    return repeats_with_memory(
        work.con, cache, digests, rows_of=rows_of, rows=rows, place=_PLACE, into=into, order=known_order(needed)
    )


def _bad_rows(part: SourcePart, expressions: dict[str, Typed], rules: Sequence[RowRule]) -> str:
    if not rules:
        return ""
    texts = " ".join(f"WHEN {i} THEN {text(rule.text)}" for i, rule in enumerate(rules))
    about = " ".join(f"WHEN {i} THEN {text(rule.column)}" for i, rule in enumerate(rules))
    return (
        f"SELECT {part.first} + _index AS file, _number + 1 AS row, CASE rule {texts} END AS rule,"
        f' CASE rule {about} END AS "column", {broken_value(rules, "rule")} AS value FROM ('
        f"SELECT *, {first_broken(rules)} AS rule FROM ({_inner(part, expressions)})) WHERE rule IS NOT NULL"
    )


def _placed(part: SourcePart, expressions: dict[str, Typed], rules: Sequence[RowRule]) -> str:
    if not rules:
        return ""
    return (
        f'SELECT {part.first} + _index AS file, _number AS number, "time", rule IS NOT NULL AS bad FROM ('
        f"SELECT *, {first_broken(rules)} AS rule FROM ({_inner(part, expressions)}))"
    )


def _by_file(part: SourcePart, expressions: dict[str, Typed]) -> str:
    who = who_columns(expressions)
    some = {column: expressions[column] for column in who}
    return f"SELECT {part.first} + _index AS file, {', '.join(map(name, who))} FROM ({_inner(part, some)})"
