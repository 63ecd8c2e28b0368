"""Which files a table's declaration means, what format each has, and whether it is what its name says."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from powerml.config.project import expand
from powerml.errors import DataError, did_you_mean
from powerml.writing import check_ordinary

if TYPE_CHECKING:
    import os

Format = Literal["csv", "parquet", "jsonlines"]
Compression = Literal["gzip", "zstd"]

ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonlines", ".ndjson": "jsonlines", ".json": "jsonlines",
}  # fmt: skip
COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
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
            now = _state(self.path.stat())
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


def natural(path: str | Path) -> list[int | str]:
    """Sort key under which `day2` comes before `day10`.

    >>> sorted(["day10.csv", "day2.csv"], key=natural)
    ['day2.csv', 'day10.csv']
    """
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", str(path)))]


def resolve(patterns: tuple[str, ...], base: Path, *, declared_in: str) -> list[DataFile]:
    """All files that paths, globs and folders mean, each once, in natural order; raises DataError if one means none."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        wanted = expand(pattern, file=declared_in)
        if "://" in wanted:
            raise DataError(f"{declared_in}: {wanted} is no file on this machine; download it or use 'database'")
        for path in _matches(wanted, base):
            found[path] = None
    return [_data_file(path, base) for path in sorted(found, key=natural)]


def _matches(wanted: str, base: Path) -> list[Path]:
    path = Path(base, wanted)
    if path.is_dir():
        inside = [p for p in path.rglob("*") if p.is_file() and _ending(p)[0] and not _hidden(p.relative_to(path))]
        if not inside:
            raise DataError.in_file(_shown(path, base), "is a folder without data files", f"put {_READABLE} there")
        return inside
    if path.exists():
        return [path]
    if any(c in wanted for c in "*?["):
        matched = [Path(p) for p in glob.glob(str(path), recursive=True)]  # noqa: PTH207 (the pattern may be absolute)
        files = [p for p in matched if p.is_file() and not _hidden(Path(p.name))]
        if not files:
            raise DataError.in_file(_shown(path, base), "matches no file", "check the pattern and the folder")
        return files
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    if not path.parent.is_dir():
        raise DataError.in_file(
            _shown(path, base), f"no such file: the folder {path.parent} is absent", "check the path"
        )
    hint = did_you_mean(path.name, siblings) or "; check the path"
    raise DataError(f"{_shown(path, base)}: no such file{hint}")


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _shown(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def _ending(path: Path) -> tuple[Format | None, Compression | None]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    inner = suffixes[-2:-1] if compression else suffixes[-1:]
    return (ENDINGS.get(inner[0]) if inner else None), compression


def _data_file(path: Path, base: Path) -> DataFile:
    shown = _shown(path, base)
    kind, compression = _ending(path)
    check_ordinary(path, shown=shown)
    try:
        state = _state(path.stat())
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
        _check_parquet(shown, head, tail, compression)
    elif compression:
        if not head.startswith(_MAGIC[compression]):
            raise DataError.in_file(shown, f"is not {compression} although its name says so", "rename or compress it")
    else:
        _check_plain(shown, head, kind)
    return DataFile(path, shown, kind, compression, state)


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _check_parquet(shown: str, head: bytes, tail: bytes, compression: Compression | None) -> None:
    if compression:
        raise DataError.in_file(shown, f"is a Parquet file packed as {compression}", "unpack it; Parquet is compressed")
    if not head.startswith(b"PAR1"):
        seems = "; it seems to be text (CSV or JSON lines)" if _is_text(head) else ""
        raise DataError.in_file(shown, f"is not Parquet although its name says so{seems}", "rename or export it again")
    if tail != b"PAR1":
        raise DataError.in_file(shown, "is Parquet cut short: its footer is missing", "fetch or export it again")


def _check_plain(shown: str, head: bytes, kind: Format) -> None:
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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError.in_file(shown, "is text in UTF-16", "save it as UTF-8")


def _is_text(head: bytes) -> bool:
    return b"\0" not in head and all(byte >= 9 for byte in head)
