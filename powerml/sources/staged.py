"""A table read once into the database: typed, every row tried against the rules, repeats found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from powerml.errors import DataError
from powerml.sources.columns import BINARY, Mapped, Typed, select_typed, typed, value_column
from powerml.sources.loaded_table import LoadedTable, who_columns
from powerml.sources.numerals import PLAIN_NUMERALS
from powerml.sources.repeats import find_repeats, known_order
from powerml.sources.rules import DUPLICATE, NOT_UTF8, RAGGED, UNREADABLE, RowRule, broken_value, first_broken, rules_of
from powerml.sources.sql import data_errors, name, text
from powerml.tables import EARLIEST, KNOWN_AT, LAST_COUNTS, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import duckdb

    from powerml.sources.numerals import Numerals
    from powerml.sources.readers import SourcePart
    from powerml.sources.times import Clock

_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE"}


@dataclass(frozen=True)
class Staging:
    """What reading a table into the database needs."""

    con: duckdb.DuckDBPyConnection
    table: Table
    parts: Sequence[SourcePart]
    mapped: Sequence[Mapped]
    clock: Clock
    now: datetime
    earliest: date = EARLIEST
    fold: bool = False
    numerals: Numerals = PLAIN_NUMERALS

    def rules(self) -> list[RowRule]:
        """What a row must keep."""
        kinds = {m.name: {p.columns[m.source][0] for p in self.parts if m.source in p.columns} for m in self.mapped}
        binary = [column for column, found in kinds.items() if BINARY in found]
        return rules_of(self.table, list(kinds), self.now, earliest=self.earliest, binary=binary)

    def typed(self, mapped: Mapped, part: SourcePart) -> Typed | None:
        """The SQL for a column of a part, None where the part lacks it."""
        return typed(mapped, part, self.clock, fold=self.fold, numerals=self.numerals)


def stage(work: Staging) -> LoadedTable:
    """Reads all parts of a table and leaves the good rows as a table (events: a view) of its name."""
    con, table, names = work.con, work.table, [m.name for m in work.mapped]
    rules = work.rules()
    staged = name(f"staged {table.name}")
    types = _types(work)
    declared = ", ".join(f"{name(column)} {kind}" for column, kind in types.items())
    con.execute(f"CREATE TABLE {staged} ({declared}, _file INTEGER, _rule UTINYINT, _value VARCHAR)")
    rejected = name(f"rejected {table.name}")
    con.execute(f"CREATE TABLE {rejected} (_file INTEGER, row BIGINT, rule VARCHAR, value VARCHAR)")
    for part in work.parts:
        with data_errors(part.sources[0] if len(part.sources) == 1 else f"{part.sources[0]} to {part.sources[-1]}"):
            con.execute(f"INSERT INTO {staged} {_select(work, part, rules, types)}")
        if part.rejects:
            _collect_rejects(con, part, rejected)
    out = name(f"left out {table.name}")
    con.execute(f"CREATE TABLE {out} (row BIGINT, rule UTINYINT, value VARCHAR)")
    ids, repeats = 0, 0
    if table.key and set(table.key) <= set(names) and KNOWN_AT not in names and table.name not in LAST_COUNTS:
        rules.append(RowRule(f"{DUPLICATE}{' and '.join(table.key)}", ", ".join(table.key), "false"))
        _leave_out_repeats(con, staged, out, table.key, len(rules) - 1)
    if table.name == "events" and "event_id" in names:
        ids, repeats = _ignore_repeats(con, staged, out)
    _publish(work, staged, out, types)
    broken = _count_broken(con, rules, staged=staged, out=out, rejected=rejected)
    rows = con.execute(f"SELECT (SELECT count(*) FROM {staged}) + (SELECT count(*) FROM {rejected})").fetchone()
    return LoadedTable(
        table=table.name,
        rows=rows[0] if rows else 0,
        broken=broken,
        ignored=repeats,
        repeated_ids=ids,
        bad_rows=_bad_rows(work, staged, out, rejected, rules),
        placed=_placed(staged) if table.name == "events" and broken else "",
        by_file=f"SELECT _file AS file, {', '.join(map(name, who_columns(names)))} FROM {staged}",
    )


def _types(work: Staging) -> dict[str, str]:
    types = {}
    for mapped in work.mapped:
        if mapped.declared:
            types[mapped.name] = _TYPES[mapped.declared.kind]
            continue
        kinds = set()
        for part in work.parts:
            if expression := work.typed(mapped, part):
                row = work.con.execute(
                    f"DESCRIBE SELECT {expression.value} FROM {part.from_clause([mapped.source])} LIMIT 0"
                ).fetchone()
                kinds.add(row[1] if row else "VARCHAR")
        types[mapped.name] = kinds.pop() if len(kinds) == 1 else "VARCHAR"
    return types


def _select(work: Staging, part: SourcePart, rules: Sequence[RowRule], types: dict[str, str]) -> str:
    expressions = {}
    for mapped in work.mapped:
        expression = work.typed(mapped, part) or Typed("NULL", "CAST(NULL AS VARCHAR)", "true")
        cast = f"CAST({expression.value} AS {types[mapped.name]})"
        expressions[mapped.name] = replace(expression, value=cast)
    relation = part.from_clause([mapped.source for mapped in work.mapped])
    read = select_typed(expressions, relation, f"{part.file_index} AS _file")
    columns = ", ".join(map(value_column, types))
    return (
        f"SELECT {columns}, _file, _rule, CASE WHEN _rule IS NOT NULL THEN {broken_value(rules, '_rule')} END"
        f" FROM (SELECT *, {first_broken(rules)} AS _rule FROM ({read}))"
    )


# DuckDB's names of what keeps a line from being split into columns, and ours.
_REJECTIONS = {"MISSING COLUMNS": RAGGED, "TOO MANY COLUMNS": RAGGED, "INVALID ENCODING": NOT_UTF8}


def _collect_rejects(con: duckdb.DuckDBPyConnection, part: SourcePart, rejected: str) -> None:
    """Keeps rows that DuckDB could not split into columns; raises DataError where one of them swallows others.

    DuckDB's line numbers count the header and what stands before it, but not the line breaks within quotes.
    """
    positions = ", ".join(f"({text(path)}, {part.first + i})" for i, path in enumerate(part.paths))
    rules = " ".join(f"WHEN {text(theirs)} THEN {text(ours)}" for theirs, ours in _REJECTIONS.items())
    notes = name(part.rejects or "")
    con.execute(
        f"INSERT INTO {rejected} SELECT _file, line - {1 + part.lines_before}, CASE any_value(kind) {rules} ELSE"
        f" {text(UNREADABLE)} END,"
        f" any_value(value) FROM (SELECT p.position AS _file, e.line, e.error_type::VARCHAR AS kind,"
        f" trim(e.csv_line, E'\r\n') AS value FROM {notes} e"
        f" JOIN {name((part.rejects or '') + '_scan')} s USING (scan_id, file_id)"
        f" JOIN (VALUES {positions}) p(path, position) ON p.path = s.file_path) GROUP BY _file, line ORDER BY ALL"
    )
    found = con.execute(
        f"SELECT _file, row, value FROM {rejected} WHERE rule = {text(UNREADABLE)} AND contains(value, chr(10))"
        " ORDER BY ALL LIMIT 1"
    ).fetchone()
    if found:
        file, row, value = found
        raise DataError(
            f"{part.sources[file - part.first]}: row {row}: a quote is opened and not closed, so the rows after it "
            f"cannot be told apart: {value[:60]!r}; close it, or double quotes that stand inside a field"
        )


def _leave_out_repeats(con: duckdb.DuckDBPyConnection, staged: str, out: str, key: Sequence[str], rule: int) -> None:
    columns = ", ".join(map(name, key))
    con.execute(
        f"INSERT INTO {out} SELECT row, {rule}, key FROM (SELECT rowid AS row, concat_ws(', ', {columns}) AS key,"
        f" row_number() OVER (PARTITION BY {columns} ORDER BY rowid) AS n"
        f" FROM {staged} WHERE _rule IS NULL) WHERE n > 1 ORDER BY row"
    )


def _ignore_repeats(con: duckdb.DuckDBPyConnection, staged: str, out: str) -> tuple[int, int]:
    columns = [row[0] for row in con.execute(f"DESCRIBE {staged}").fetchall()]
    good = f"FROM (SELECT *, rowid AS _place FROM {staged}) WHERE _rule IS NULL"
    (rows,) = con.execute(f"SELECT count(*) FROM {staged}").fetchone() or (0,)
    ids, repeats = find_repeats(con, good, rows=rows, place="_place", into="repeats", order=known_order(columns))
    if repeats:
        con.execute(f"INSERT INTO {out} SELECT place, NULL, event_id FROM repeats")
        con.execute("DROP TABLE repeats")
    return ids, repeats


def _publish(work: Staging, staged: str, out: str, types: dict[str, str]) -> None:
    kept = f"_rule IS NULL AND rowid NOT IN (SELECT row FROM {out})"
    any_out = work.con.execute(f"SELECT 1 FROM {out} LIMIT 1").fetchone()
    if not any_out:
        any_bad = work.con.execute(f"SELECT 1 FROM {staged} WHERE _rule IS NOT NULL LIMIT 1").fetchone()
        kept = "_rule IS NULL" if any_bad else "true"
    columns = ", ".join(map(name, types))
    kind = "VIEW" if work.table.name == "events" else "TABLE"
    order = "" if kind == "VIEW" else " ORDER BY rowid"
    work.con.execute(
        f"CREATE {kind} {name(work.table.name)} AS SELECT {columns}, rowid AS _row FROM {staged} WHERE {kept}{order}"
    )


def _count_broken(
    con: duckdb.DuckDBPyConnection, rules: Sequence[RowRule], *, staged: str, out: str, rejected: str
) -> tuple[tuple[RowRule, int], ...]:
    """Bad rows by the first rule they break, those that are no rows to begin with last."""
    kept_apart = con.execute(
        f"SELECT rule, count(*) FROM (SELECT _rule AS rule FROM {staged} WHERE _rule IS NOT NULL"
        f" UNION ALL SELECT rule FROM {out} WHERE rule IS NOT NULL) GROUP BY rule ORDER BY rule"
    ).fetchall()
    unsplit = con.execute(f"SELECT rule, count(*) FROM {rejected} GROUP BY rule ORDER BY rule").fetchall()
    return (*((rules[rule], n) for rule, n in kept_apart), *((RowRule(rule, "", "false"), n) for rule, n in unsplit))


def _bad_rows(work: Staging, staged: str, out: str, rejected: str, rules: Sequence[RowRule]) -> str:
    """SQL for the quarantine: file position, row in the file from 1, rule, column, value; in source order."""
    listed = (
        ", ".join(f"({i}, {text(rule.text)}, {text(rule.column)})" for i, rule in enumerate(rules)) or "(0, '', '')"
    )
    # A row the reader refused is no row of ours, so later ones stand further down in the file than we count.
    skipped = (
        f"(SELECT count(*) FROM (SELECT _file AS f, row - row_number() OVER (PARTITION BY _file ORDER BY row) + 1 AS at"
        f" FROM {rejected}) r WHERE r.f = b._file AND r.at <= b.place)"
        if work.con.execute(f"SELECT 1 FROM {rejected} LIMIT 1").fetchone()
        else "0"
    )
    return (
        f'SELECT b._file AS file, b.place + {skipped} AS row, rules.rule, rules.col AS "column", b.value FROM ('
        f" SELECT s._file, s.rowid - base.low + 1 AS place, COALESCE(s._rule, o.rule) AS rule,"
        f" COALESCE(s._value, o.value) AS value FROM {staged} s LEFT JOIN {out} o ON o.row = s.rowid"
        f" JOIN (SELECT _file, min(rowid) AS low FROM {staged} GROUP BY _file) base ON base._file = s._file"
        f" WHERE COALESCE(s._rule, o.rule) IS NOT NULL) b"
        f" JOIN (VALUES {listed}) rules(position, rule, col) ON rules.position = b.rule"
        f" UNION ALL SELECT _file, row, rule, '', value FROM {rejected}"
    )


def _placed(staged: str) -> str:
    return (
        f'SELECT _file AS file, s.rowid - low AS number, "time", _rule IS NOT NULL AS bad FROM {staged} s'
        f" JOIN (SELECT _file, min(rowid) AS low FROM {staged} GROUP BY _file) USING (_file)"
    )
