"""Source columns onto canonical ones: by the declared mapping, else by name; and the SQL that gives each its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from powerml.errors import DataError, did_you_mean
from powerml.sources import ids
from powerml.sources.numerals import PLAIN_NUMERALS
from powerml.sources.readers import WIDE_DECIMAL, SourcePart
from powerml.sources.sql import filled, is_blank, name
from powerml.sources.times import FLOATS, INTEGERS, Clock, from_native, time_from_text
from powerml.tables import LARGEST_NUMBER, own_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from powerml.config.project import TableSpec
    from powerml.sources.numerals import Numerals
    from powerml.sources.readers import SourcePart
    from powerml.tables import Column, Table

_TEXTS = ("VARCHAR", "JSON")
BINARY = "BLOB"


@dataclass(frozen=True)
class Mapped:
    """A canonical column (or an extra one, `declared` None) and the source column that fills it."""

    name: str
    source: str
    declared: Column | None


@dataclass(frozen=True)
class Typed:
    """SQL over a part's raw columns: the canonical value, the raw text, and whether the raw field is blank.

    Where `step` is given, `value` reads `digits_column(...)`, which it has to fill first.
    """

    value: str
    raw: str
    blank: str
    step: str = ""


def select_typed(expressions: Mapping[str, Typed], relation: str, *also: str) -> str:
    """A SELECT of each column's value, raw text and blankness (and of `also`) over a relation."""
    steps = [f"{e.step} AS {digits_column(column)}" for column, e in expressions.items() if e.step]
    inner = f"(SELECT *, {', '.join([*steps, *also])} FROM {relation})" if steps or also else relation
    columns = [
        f"{e.value} AS {value_column(column)}, {e.raw} AS {raw_column(column)}, {e.blank} AS {blank_column(column)}"
        for column, e in expressions.items()
    ]
    passed = [a.rsplit(" ", 1)[-1] for a in also]
    return f"SELECT {', '.join([*columns, *passed])} FROM {inner}"


def value_column(column: str) -> str:
    """SQL name of the canonical value."""
    return name(column)


def raw_column(column: str) -> str:
    """SQL name of the raw text."""
    return name(f"raw {column}")


def blank_column(column: str) -> str:
    """SQL name of the flag that the raw field is blank."""
    return name(f"blank {column}")


def digits_column(column: str) -> str:
    """SQL name of a time as it was written, before its zone is taken into account."""
    return name(f"digits {column}")


def match(table: Table, spec: TableSpec, parts: Sequence[SourcePart], extra: Iterable[str]) -> list[Mapped]:
    """Which source column fills which canonical one; raises DataError where a required or declared one is absent."""
    have = list(dict.fromkeys(column for part in parts for column in part.columns))
    mapped = []
    for column in table.columns:
        source = _source(spec, column)
        if source is None:
            continue
        if source in have:
            _refuse_doubled(source, parts)
            mapped.append(Mapped(column.name, source, column))
        elif column.name in spec.columns:
            hint = did_you_mean(source, have)
            raise DataError(
                f"{_where(parts)}: no column {source!r}, which 'columns' gives for {table.name}.{column.name} "
                f"(there are {', '.join(have)}){hint or '; correct the name'}"
            )
    for column in table.columns:
        if column.required:
            source = _source(spec, column) or column.name
            for part in parts:
                if file := part.lacks(source):
                    raise _absent(table, column, source, part, file)
    taken = {m.name for m in mapped} | {column for column, source in spec.columns.items() if source is None}
    mapped += [
        Mapped(own_column(wanted), wanted, None)
        for wanted in dict.fromkeys(extra)
        if wanted in have and wanted not in taken
    ]
    return mapped


def _source(spec: TableSpec, column: Column) -> str | None:
    """The source column that may fill a canonical one; None where the project says that none does."""
    return spec.columns.get(column.name, column.name)


def unused(parts: Sequence[SourcePart], mapped: Sequence[Mapped]) -> tuple[str, ...]:
    """Source columns that nothing reads, in source order."""
    taken = {m.source for m in mapped}
    return tuple(
        dict.fromkeys(column for part in parts for column in part.columns if column not in taken and column[:1] != "=")
    )


def _where(parts: Sequence[SourcePart]) -> str:
    sources = [source for part in parts for source in part.sources]
    return sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"


def _absent(table: Table, column: Column, source: str, part: SourcePart, file: str) -> DataError:
    have = [c for c in part.columns if not part.each or c in part.each[part.sources.index(file)]]
    near = next((c for c in have if c.lower() == source.lower()), None)
    hint = f"; did you mean {near!r}?" if near else did_you_mean(source, have)
    return DataError(
        f"{file}: no column {source!r}, which {table.name} needs (there are "
        f"{', '.join(have)}){hint}; map one with 'columns: {{{column.name}: ITS NAME}}'"
    )


def _refuse_doubled(source: str, parts: Sequence[SourcePart]) -> None:
    for part in parts:
        if source in part.doubled:
            raise DataError.in_file(part.sources[0], f"the header names {source!r} twice", "rename one of the columns")


def typed(
    mapped: Mapped, part: SourcePart, clock: Clock, *, fold: bool = False, numerals: Numerals = PLAIN_NUMERALS
) -> Typed | None:
    """The SQL for one column of a part, None where the part lacks it; raises DataError for a type that cannot be it.

    `fold`: ids are told apart without their case. `numerals`: how texts write numbers.
    """
    if mapped.source not in part.columns:
        return None
    kind, raw = part.columns[mapped.source]
    if kind == WIDE_DECIMAL:
        fix = "write it as DECIMAL(38, 9) or DOUBLE"
        raise DataError.in_file(part.sources[0], f"column {mapped.source!r} is a {kind}, which cannot be read", fix)
    is_text = kind in _TEXTS or kind.startswith("ENUM") or kind == BINARY
    plain = _plain(raw, kind)
    declared = mapped.declared
    if declared is None or declared.kind == "text":
        value = _as_text(raw, plain, kind) if declared else _as_it_is(raw, plain, kind)
        closed = declared is not None and bool(declared.one_of)
        blank = (ids.is_nothing(plain) if closed else is_blank(plain)) if is_text else f"({raw} IS NULL)"
        return Typed(
            f"CASE WHEN {blank} THEN NULL ELSE {value} END" if closed else value, *_told(raw, plain, kind, blank)
        )
    if declared.kind == "id":
        value = ids.from_text(plain) if is_text else ids.from_number(raw, kind) or _as_text(raw, plain, kind)
        nothing = f"({raw} IS NULL OR NOT isfinite({raw}))" if kind in FLOATS else f"({raw} IS NULL)"
        blank = ids.is_nothing(plain) if is_text else nothing
        return Typed(ids.folded(value, fold=fold), *_told(raw, plain, kind, blank))
    blank = ids.is_nothing(plain) if is_text else f"({raw} IS NULL)"
    if declared.kind == "number":
        number = numerals.number(plain) if is_text else _as_number(raw, kind)
        if number is None:
            raise _wrong_type(mapped, part, kind, "a number")
        value = number
        if is_text or kind in FLOATS or kind.startswith("DECIMAL"):
            value = f"CASE WHEN abs({number}) <= {LARGEST_NUMBER} THEN {number} END"  # of nan it is not true
        if is_text:
            blank = f"({blank} OR COALESCE(isnan({number}), false))"
        elif kind in FLOATS:
            blank = f"({blank} OR isnan({raw}))"
        return Typed(value, *_told(raw, plain, kind, blank))
    instant = time_from_text(plain, clock) if is_text else from_native(raw, kind, clock)
    if instant is None:
        hint = "; say time_format: epoch_s, epoch_ms or epoch_us" if _numeric(kind) else ""
        raise _wrong_type(mapped, part, kind, "a time", hint)
    if instant.digits == raw or instant.zone == "UTC":
        return Typed(instant.value(instant.digits), plain, blank)
    return Typed(instant.value(digits_column(mapped.name)), plain, blank, instant.digits)


def _plain(raw: str, kind: str) -> str:
    """SQL: the raw value as text, null for bytes that are none."""
    if kind == BINARY:  # a string that its writer did not call one
        return f"TRY(decode({raw}))"
    return raw if kind == "VARCHAR" else f"CAST({raw} AS VARCHAR)"


def _told(raw: str, plain: str, kind: str, blank: str) -> tuple[str, str]:
    """The raw text as the quarantine shows it and whether the field is blank; bytes that are no text are neither."""
    if kind != BINARY:
        return plain, blank
    return f"CAST({raw} AS VARCHAR)", f"({raw} IS NULL OR ({plain} IS NOT NULL AND {blank}))"


def _numeric(kind: str) -> bool:
    return kind in INTEGERS or kind in FLOATS or kind.startswith("DECIMAL")


def _as_number(raw: str, kind: str) -> str | None:
    if kind == "DOUBLE":
        return raw
    return f"CAST({raw} AS DOUBLE)" if _numeric(kind) or kind == "BOOLEAN" else None


def _as_text(raw: str, plain: str, kind: str) -> str:
    if (number := ids.from_number(raw, kind)) is not None:
        return number
    if kind in _TEXTS or kind.startswith("ENUM") or kind == BINARY:
        return filled(plain)
    if kind.startswith(("STRUCT", "MAP")) or kind.endswith("[]"):
        return f"CAST(to_json({raw}) AS VARCHAR)"
    return plain


def _as_it_is(raw: str, plain: str, kind: str) -> str:
    """An extra column: numbers as DOUBLE, times as they stand, all else as text."""
    if _numeric(kind):
        return f"CAST({raw} AS DOUBLE)"
    native = from_native(raw, kind, Clock())
    return native.digits if native else _as_text(raw, plain, kind)


def _wrong_type(mapped: Mapped, part: SourcePart, kind: str, wanted: str, hint: str = "") -> DataError:
    return DataError(
        f"{part.sources[0]}: column {mapped.source!r} holds {kind}, and {mapped.name} must be {wanted}"
        f"{hint or '; map another column or convert it in a query'}"
    )
