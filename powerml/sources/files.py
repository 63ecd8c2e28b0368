"""Which files a table's declaration means, what format each has, and whether it is what its name says."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from powerml.config.project import expand
from powerml.errors import DataError, did_you_mean
from powerml.sources.manifests import EXPORT_MANIFEST, check_complete
from powerml.sources.rewriting import Rewriting, rewritten, unpacked_zip
from powerml.writing import check_ordinary

if TYPE_CHECKING:
    import os

    from powerml.config.project import ProjectSpec, TableSpec

Format = Literal["csv", "parquet", "jsonlines"]
Compression = Literal["gzip", "zstd", "brotli"]

ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonlines", ".ndjson": "jsonlines", ".json": "jsonlines",
}  # fmt: skip
COMPRESSIONS: dict[str, Compression] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".br": "brotli",
}
PARTED_BY_BLANKS = "blanks"  # what a delimiter is called that is one blank or more
ZIP = ".zip"
_MAGIC: dict[Compression, bytes] = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
WIDEST = 10_000  # columns of a file that are read
_READABLE = "CSV, Parquet or JSON lines, plain or .gz or .zst"


@dataclass(frozen=True)
class DataFile:
    """One file: where it is, how messages call it, its format and compression, and its state when it was found."""

    path: Path
    shown: str
    format: Format
    compression: Compression | None = None
    state: tuple[int, int, int] | None = None  # inode, size in bytes, time of change in ns
    origin: Path | None = None  # what the file was unpacked or rewritten from

    def head(self, size: int = 1 << 20) -> bytes:
        """The first bytes of the content, decompressed; raises DataError if they cannot be."""
        try:
            with pa.input_stream(str(self.path), compression=self.compression) as stream:
                return bytes(stream.read(size))
        except OSError as error:
            raise self.broken(error) from None

    def verify(self) -> None:
        """Decompresses to the end: DuckDB takes what there is of a stream cut short without a word."""
        if self.compression is None:
            return
        try:
            with pa.input_stream(str(self.path), compression=self.compression) as stream:
                while stream.read(1 << 22):
                    pass
        except OSError as error:
            raise self.broken(error) from None

    def check_unchanged(self) -> None:
        """Raises DataError where somebody wrote the file since it was found: what was read of it is of no one state."""
        try:
            now = state_of((self.origin or self.path).stat())
        except OSError:
            now = None
        if self.state is not None and now != self.state:
            what = "changed while it was read" if now else "went away while it was read"
            raise DataError.in_file(self.shown, what, "wait until whoever writes it is done, then run this again")

    def broken(self, error: OSError) -> DataError:
        """The error for a stream that does not decompress."""
        return DataError.in_file(
            self.shown, f"is cut short or damaged ({self.compression}: {error})", "fetch or export it again"
        )


def check_width(shown: str, columns: int) -> None:
    """Raises DataError for a table so wide that reading it would take all memory."""
    if columns > WIDEST:
        what = f"has {columns:,} columns, and at most {WIDEST:,} are read"
        raise DataError.in_file(shown, what, "export the columns that are needed")


def natural(path: str | PurePath) -> list[int | str]:
    """Sort key under which `day2` comes before `day10`.

    >>> sorted(["day10.csv", "day2.csv"], key=natural)
    ['day2.csv', 'day10.csv']
    """
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", str(path)))]


def files_of(project: ProjectSpec, table: str, *, beside: str | None = None) -> list[DataFile]:
    """The files of a table as DuckDB can read them; those that it cannot are rewritten in the project's cache.

    `beside` names other files that an export of a known shape comes with (see `config.project.ShapeSpec`).
    """
    spec = project.tables[table]
    patterns = spec.shape.beside[beside] if spec.shape and beside else spec.files
    cache = project.state / "cache" / "unpacked"
    found = resolve(patterns, project.base, declared_in=project.file, unpack_in=cache, encoding=spec.encoding)
    return [readable(file, spec, cache) for file in found]


def resolve(
    patterns: tuple[str, ...],
    base: Path,
    *,
    declared_in: str,
    unpack_in: Path | None = None,
    encoding: str | None = None,
) -> list[DataFile]:
    """All files that paths, globs and folders mean, each once, in natural order; raises DataError if one means none.

    The data files in a zip are unpacked under `unpack_in`; where that is None a zip is no data file. What stands behind
    a zip's name, as in `export.zip/users*.csv`, says which of them are meant.
    """
    found: dict[Path, set[str]] = {}
    for pattern in patterns:
        wanted = expand(pattern, file=declared_in)
        if "://" in wanted:
            raise DataError(f"{declared_in}: {wanted} is no file on this machine; download it or use 'database'")
        wanted, members = _apart_from_zip(wanted, base) if unpack_in is not None else (wanted, "")
        for path in _matches(wanted, base, zips=unpack_in is not None):
            found.setdefault(path, set()).add(members)
    files: list[DataFile] = []
    for path, chosen in sorted(found.items(), key=lambda pair: natural(pair[0])):
        if path.suffix.lower() == ZIP and unpack_in is not None:
            files += _in_zip(path, base, unpack_in, encoding, chosen)
        else:
            files.append(_data_file(path, base, encoding))
    return files


def _apart_from_zip(wanted: str, base: Path) -> tuple[str, str]:
    """A zip's path and what stands behind it; nothing behind where the path leads through no zip."""
    head, ending, members = wanted.partition(ZIP + "/")
    if ending and not Path(base, head + ZIP).is_dir():
        return head + ZIP, members
    return wanted, ""


def _in_zip(path: Path, base: Path, unpack_in: Path, encoding: str | None, chosen: set[str]) -> list[DataFile]:
    """The data files of a zip; of those `chosen` by name or pattern where no empty text stands among them."""
    shown = shown_as(path, base)
    check_ordinary(path, shown=shown)
    folder = unpacked_zip(path, shown, unpack_in, wanted=lambda member: _is_data(Path(member), zips=False))
    inside = sorted((p for p in folder.rglob("*") if p.is_file()), key=natural)
    if not inside:
        raise DataError.in_file(shown, "is a zip without data files", f"put {_READABLE} there")
    for pattern in sorted(chosen - {""}):
        if not any(_is_member(p.relative_to(folder), pattern) for p in inside):
            hint = did_you_mean(pattern, [str(p.relative_to(folder)) for p in inside])
            raise DataError(f"{shown}: holds no {pattern}{hint or '; correct the name'}")
    if "" not in chosen:
        inside = [p for p in inside if any(_is_member(p.relative_to(folder), pattern) for pattern in chosen)]
    found = [_data_file(p, folder, encoding) for p in inside]
    return [replace(f, shown=f"{shown}/{f.shown}", origin=path, state=state_of(path.stat())) for f in found]


def _is_member(member: Path, pattern: str) -> bool:
    """Whether a file in a zip is meant by a name, a pattern or the name of a folder."""
    return fnmatchcase(str(member), pattern) or str(member).startswith(pattern.rstrip("/") + "/")


def readable(file: DataFile, spec: TableSpec, cache: Path) -> DataFile:
    """The file itself, or in `cache` a copy of it in UTF-8 and tabs where it is written in another way."""
    encoding = spec.encoding if spec.encoding != "utf-8" and file.format == "csv" else None
    blanks = spec.delimiter == PARTED_BY_BLANKS and file.format == "csv"
    if not (encoding or blanks or file.compression == "brotli"):
        return file
    ending = ".csv" if file.format == "csv" else ".jsonl"
    how = Rewriting(file.path, file.compression, encoding or "utf-8", blanks=blanks, ending=ending)
    source = file.origin or file.path
    return replace(file, path=rewritten(source, file.shown, cache, how), compression=None, origin=source)


def _matches(wanted: str, base: Path, *, zips: bool) -> list[Path]:
    path = Path(base, wanted)
    if path.is_dir():
        inside = [
            p for p in path.rglob("*") if p.is_file() and _is_data(p, zips=zips) and not _hidden(p.relative_to(path))
        ]
        check_complete(path, inside, shown_as(path, base))
        if not inside:
            raise DataError.in_file(shown_as(path, base), "is a folder without data files", f"put {_READABLE} there")
        return inside
    if path.exists():
        return [path]
    if any(c in wanted for c in "*?["):
        matched = [Path(p) for p in glob.glob(str(path), recursive=True)]  # noqa: PTH207 (the pattern may be absolute)
        files = [p for p in matched if p.is_file() and not _hidden(Path(p.name)) and p.name != EXPORT_MANIFEST]
        if not files:
            raise DataError.in_file(shown_as(path, base), "matches no file", "check the pattern and the folder")
        return files
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    if not path.parent.is_dir():
        raise DataError.in_file(
            shown_as(path, base), f"no such file: the folder {path.parent} is absent", "check the path"
        )
    hint = did_you_mean(path.name, siblings) or "; check the path"
    raise DataError(f"{shown_as(path, base)}: no such file{hint}")


def _is_data(path: Path, *, zips: bool) -> bool:
    return path.name != EXPORT_MANIFEST and (_ending(path)[0] is not None or (zips and path.suffix.lower() == ZIP))


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def shown_as(path: Path, base: Path) -> str:
    """How messages call a file: from the project's folder on, where it lies there."""
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def _ending(path: Path) -> tuple[Format | None, Compression | None]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    inner = suffixes[-2:-1] if compression else suffixes[-1:]
    return (ENDINGS.get(inner[0]) if inner else None), compression


def _data_file(path: Path, base: Path, encoding: str | None) -> DataFile:
    shown = shown_as(path, base)
    kind, compression = _ending(path)
    check_ordinary(path, shown=shown)
    try:
        state = state_of(path.stat())
        size = state[1]
        with path.open("rb") as handle:
            head = handle.read(64)
            handle.seek(max(size - 4, 0))
            tail = handle.read(4)
    except OSError as error:
        raise DataError.in_file(shown, f"cannot be read ({error.strerror})", "check its rights") from None
    if kind is None:
        raise DataError.in_file(shown, "cannot tell the format from its name", "end it in .csv, .parquet or .jsonl")
    if not size:
        raise DataError.in_file(shown, "is empty (0 bytes)", "export it again, or leave the table out")
    if kind == "parquet":
        compression = None if head.startswith(b"PAR1") else compression  # `.parquet.zst` names what is inside
        _check_parquet(shown, head, tail, compression)
    elif compression:
        if not head.startswith(_MAGIC.get(compression, b"")):
            raise DataError.in_file(shown, f"is not {compression} although its name says so", "rename or compress it")
    else:
        _check_plain(shown, head, kind, encoding)
    return DataFile(path, shown, kind, compression, state)


def state_of(found: os.stat_result) -> tuple[int, int, int]:
    """What tells whether a file was written anew: inode, size, time of change."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def _check_parquet(shown: str, head: bytes, tail: bytes, compression: Compression | None) -> None:
    if compression:
        raise DataError.in_file(shown, f"is a Parquet file packed as {compression}", "unpack it; Parquet is compressed")
    if not head.startswith(b"PAR1"):
        seems = "; it seems to be text (CSV or JSON lines)" if _is_text(head) else ""
        raise DataError.in_file(shown, f"is not Parquet although its name says so{seems}", "rename or export it again")
    if tail != b"PAR1":
        raise DataError.in_file(shown, "is Parquet cut short: its footer is missing", "fetch or export it again")


def _check_plain(shown: str, head: bytes, kind: Format, encoding: str | None) -> None:
    says = "CSV" if kind == "csv" else "JSON lines"
    really = {
        b"PAR1": "Parquet",
        b"\x1f\x8b": "gzip",
        b"\x28\xb5\x2f\xfd": "zstd",
        b"PK\x03\x04": "a zip or Excel file",
    }
    for magic, what in really.items():
        if head.startswith(magic):
            raise DataError.in_file(shown, f"is {what}, not {says} as its name says", "rename or export it again")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and encoding != "utf-16":
        raise DataError.in_file(shown, "is text in UTF-16", "save it as UTF-8, or say 'encoding: utf-16'")


def _is_text(head: bytes) -> bool:
    return b"\0" not in head and all(byte >= 9 for byte in head)
