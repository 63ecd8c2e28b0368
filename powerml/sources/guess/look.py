"""Files looked at: which belong together, how they are written, and what stands in each column."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from powerml.config.project import Encoding, TableSpec
from powerml.errors import DataError
from powerml.sources.dialect import dialect
from powerml.sources.files import ENDINGS, PARTED_BY_BLANKS, ZIP, natural, readable, resolve
from powerml.sources.guess.written import WrittenNumbers, WrittenTimes, written_numbers, written_times
from powerml.sources.manifests import EXPORT_MANIFEST
from powerml.sources.postgres import quoted
from powerml.sources.readers import SourcePart, read_files
from powerml.sources.sql import name, text
from powerml.sources.times import FLOATS, INTEGERS, NAIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from powerml.sources.files import DataFile

LOOKED_AT = 300_000  # rows of a table that are looked at closely
SAMPLES = 1_000  # distinct values of a column that are looked at one by one
_TRIED_BYTES = 1 << 24


@dataclass(frozen=True)
class ColumnLook:
    """A column: DuckDB type, rows with a value and distinct values among those looked at, samples, what they may be.

    `in_folders`: no file has it, folders name it.
    """

    name: str
    kind: str
    rows: int
    filled: int
    distinct: int
    samples: tuple[str, ...]
    times: WrittenTimes | None
    numbers: WrittenNumbers | None
    in_folders: bool = False

    @property
    def is_key(self) -> bool:
        """Whether every row has a value and none has another's."""
        return 0 < self.rows == self.filled == self.distinct

    @property
    def is_native_time(self) -> bool:
        """Whether the type says that it is a time."""
        return self.kind in NAIVE or self.kind == "TIMESTAMP WITH TIME ZONE"

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.numbers is not None or self.kind in (*INTEGERS, *FLOATS) or self.kind.startswith("DECIMAL")


@dataclass(frozen=True)
class InDatabase:
    """A table of a database: what the project file says of the database, and the table's name there."""

    database: dict[str, str]
    table: str


@dataclass(frozen=True)
class TableLook:
    """Files of one kind: what `files` has to say, how they are written, their rows and columns; or a database's table.

    `view` names the relation in the connection that holds the rows looked at, all columns as texts; `whole` is the SQL
    of all rows.
    """

    title: str
    patterns: tuple[str, ...]
    format: str
    encoding: str | None
    delimiter: str | None
    rows: int
    columns: dict[str, ColumnLook]
    view: str
    whole: str
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    database: InDatabase | None = None

    def column(self, name_: str) -> ColumnLook:
        """The column of that name."""
        return self.columns[name_]


def look_at_files(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], base: Path, cache: Path
) -> tuple[list[TableLook], list[str]]:
    """Every table of files under some paths, and sentences on files that are none; `base` is the project's folder."""
    looks: list[TableLook] = []
    left: list[str] = []
    for title, patterns in _groups(paths, base):
        try:
            looks.append(_look(con, title, patterns, base, cache, len(looks)))
        except DataError as error:
            left.append(f"left out: {error}")
    return looks, left


def _groups(paths: Iterable[Path], base: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Titles and patterns of files that belong together: a folder of files of one kind, or a single file."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder; check the path")
        if not path.is_dir():
            found += _in_zip(path, base) if path.suffix.lower() == ZIP else [(_title(path), (as_told(path, base),))]
            continue
        files = sorted((p for p in path.rglob("*") if p.is_file() and _readable(p, path)), key=natural)
        if not files:
            raise DataError(f"{path}: holds no data files; name CSV, Parquet or JSON lines files, or their folder")
        kinds: dict[tuple[Path, str, str], list[Path]] = {}
        for file in files:
            home = next((p for p in reversed(file.relative_to(path).parents) if "=" in p.name), None)
            place = path / home.parent if home else file.parent
            while place != path and re.fullmatch(r"[\d\-_.T:]+", place.name):  # a day, an hour, a run
                place = place.parent
            stem = "" if home else _stem(file)
            kinds.setdefault((place, stem, _ending(file)), []).append(file)
        for (place, _, ending), members in kinds.items():
            if ending == ZIP and len(members) == 1:
                found += _in_zip(members[0], base)
                continue
            alone = len(members) > 1 and {f for f in files if f.is_relative_to(place)} == set(members)
            if alone and place != path:
                found.append((place.name, (as_told(place, base),)))
            else:
                title = _title(members[0]) if len(members) == 1 else re.sub(r"[\d_\-]+$", "", _title(members[0]))
                found.append((title or place.name, tuple(as_told(f, base) for f in members)))
    return found


def _in_zip(path: Path, base: Path) -> list[tuple[str, tuple[str, ...]]]:
    """A zip as one table where its files are of one kind, else each kind by its files' names."""
    told = as_told(path, base)
    kinds: dict[tuple[str, str], list[PurePath]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted((PurePath(m.filename) for m in archive.infolist() if not m.is_dir()), key=natural)
    except (OSError, zipfile.BadZipFile):
        members = []  # whoever reads it says what is wrong
    for member in members:
        if _readable(member, PurePath()) and _ending(member) != ZIP:
            kinds.setdefault((_stem(member), _ending(member)), []).append(member)
    if len(kinds) < 2:
        return [(_title(path), (told,))]
    return [(_title(files[0]), tuple(f"{told}/{file}" for file in files)) for files in kinds.values()]


def _stem(path: PurePath) -> str:
    """What is left of a file's name without days, numbers of parts and the like."""
    return re.sub(r"[\d_\-.T:#]+|part|[0-9a-f]{8,}", "", _title(path).lower())


def _readable(path: PurePath, folder: PurePath) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    return not hidden and path.name != EXPORT_MANIFEST and _ending(path) in (*ENDINGS, ZIP)


def _ending(path: PurePath) -> str:
    endings = [s.lower() for s in path.suffixes if s.lower() not in (".gz", ".gzip", ".zst", ".zstd", ".br")]
    return endings[-1] if endings else ""


def _title(path: PurePath) -> str:
    title = path.name
    for suffix in reversed(path.suffixes):
        if suffix.lower() in (*ENDINGS, ZIP, ".gz", ".gzip", ".zst", ".zstd", ".br"):
            title = title.removesuffix(suffix)
    return title


def as_told(path: Path, base: Path) -> str:
    """A path as the project file says it: from its own folder on where it lies there or beside, else whole."""
    near = os.path.relpath(path.resolve(), base.resolve())
    return near.replace(os.sep, "/") if near.count("..") <= 2 else str(path.resolve())


def _look(
    con: duckdb.DuckDBPyConnection, title: str, patterns: tuple[str, ...], base: Path, cache: Path, number: int
) -> TableLook:
    plain = resolve(patterns, base, declared_in="init", unpack_in=cache, encoding="utf-16")
    encoding = next((e for f in plain if f.format == "csv" and (e := _encoding(f))), None)
    spec = TableSpec(files=patterns, encoding=encoding)
    delimiter = _blanks(plain[0], encoding)
    spec = spec.model_copy(update={"delimiter": delimiter})
    files = [readable(file, spec, cache) for file in plain]
    parts = read_files(con, files, table=f"look_{number}", delimiter=delimiter)
    view = f"look {number}"
    kinds: dict[str, str] = {}
    for part in parts:
        for column, (kind, _) in part.columns.items():
            kinds[column] = kind if kinds.get(column, kind) == kind else "VARCHAR"
    whole = " UNION ALL BY NAME ".join(f"({_select(part)})" for part in parts)
    columns = look_at_columns(con, view, whole, kinds)
    keys = {key for part in parts for key in part.keys}
    columns = {column: replace(seen, in_folders=column in keys) for column, seen in columns.items()}
    counted = con.execute(f"SELECT count(*) FROM ({whole})").fetchone()
    return TableLook(
        title=title,
        patterns=patterns,
        format=plain[0].format,
        encoding=encoding,
        delimiter=delimiter,
        rows=counted[0] if counted else 0,
        columns=columns,
        view=view,
        whole=whole,
        paths=tuple(str(file.path) for file in files),
    )


def look_at_columns(
    con: duckdb.DuckDBPyConnection, view: str, whole: str, kinds: Mapping[str, str]
) -> dict[str, ColumnLook]:
    """What each column holds in the first rows of `whole`, which are kept as the table `view`."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name(view)} AS SELECT * FROM ({whole}) LIMIT {LOOKED_AT}")
    return {column: _column(con, view, column, kind) for column, kind in kinds.items()}


def _select(part: SourcePart) -> str:
    """All columns of a part as texts under their own names."""
    columns = ", ".join(f"CAST({raw} AS VARCHAR) AS {name(column)}" for column, (_, raw) in part.columns.items())
    return f"SELECT {columns} FROM {part.from_clause(part.columns)}"


def _encoding(file: DataFile) -> Encoding | None:
    """How a text file is written; None where it is UTF-8. Texts of no known encoding are taken for cp1252."""
    start = file.head(_TRIED_BYTES)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return None if error.start > len(start) - 4 else "cp1252"
    return None


def _blanks(file: DataFile, encoding: str | None) -> str | None:
    """`blanks` where the first lines are parted by nothing else and all have as many words."""
    if file.format != "csv":
        return None
    lines = [line for line in file.head(1 << 14).decode(encoding or "utf-8", errors="ignore").splitlines()[:-1] if line]
    if len(lines) < 2 or len(dialect(lines[0]).columns) > 1:
        return None
    words = {len(line.split()) for line in lines[:50]}
    return PARTED_BY_BLANKS if len(words) == 1 and words != {1} else None


def _column(con: duckdb.DuckDBPyConnection, view: str, column: str, kind: str) -> ColumnLook:
    field_ = f"NULLIF(trim({name(column)}), '')"
    counts = con.execute(
        f"SELECT count(*), count({field_}), count(DISTINCT {field_}) FROM {name(view)}"
    ).fetchone() or (0, 0, 0)
    found = con.execute(
        f"SELECT v, count(*) AS n FROM (SELECT {field_} AS v FROM {name(view)}) WHERE v IS NOT NULL"
        f" GROUP BY v ORDER BY hash(v) LIMIT {SAMPLES}"
    ).fetchall()
    samples = [value for value, _ in found if value not in ("NULL", r"\N", "nan", "None")]
    looked = ColumnLook(column, kind, counts[0], counts[1], counts[2], tuple(samples), None, None)
    textual = not looked.is_native_time
    return replace(
        looked, times=written_times(samples) if textual else None, numbers=written_numbers(samples) if textual else None
    )


def overlap(con: duckdb.DuckDBPyConnection, one: tuple[TableLook, str], other: tuple[TableLook, str]) -> float:
    """The share of the distinct values of one column that another one has as well."""
    (left, a), (right, b) = one, other
    row = con.execute(
        f"SELECT count(*) FILTER (a IN (SELECT CAST({name(b)} AS VARCHAR) FROM {name(right.view)})), count(*)"
        f" FROM (SELECT DISTINCT {name(a)} AS a FROM {name(left.view)} WHERE {name(a)} IS NOT NULL)"
    ).fetchone()
    return row[0] / row[1] if row and row[1] else 0.0


def read_call(look: TableLook) -> str:
    """What stands after FROM in a query that reads the files of a look, or raises DataError where none can."""
    if look.database is not None:
        return quoted(look.database.table)
    if look.encoding or look.delimiter or any(ZIP in p.lower() for p in look.patterns):
        raise DataError.in_file(look.patterns[0], "cannot be joined as it is written", "save it as CSV in UTF-8")
    files = "[" + ", ".join(text(p) for p in look.patterns) + "]" if len(look.patterns) > 1 else text(look.patterns[0])
    if look.format == "csv":
        return f"read_csv({files}, all_varchar=true, header=true)"
    return f"read_parquet({files})" if look.format == "parquet" else f"read_json_auto({files})"
