"""Files that DuckDB cannot read as they are: zips unpacked, texts brought to UTF-8, kept in the project's cache.

A copy is made once per state of its source (path, size, time of change); older copies of the same source go.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from powerml.errors import DataError
from powerml.writing import not_writable, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Rewriting:
    """How a text is written, and what its copy in UTF-8 ends in; `blanks`: cells are parted by one blank or more."""

    path: Path
    compression: str | None
    encoding: str
    blanks: bool
    ending: str


def unpacked_zip(path: Path, shown: str, cache: Path, *, wanted: Callable[[str], bool]) -> Path:
    """A folder with the members of a zip whose names are `wanted`; raises DataError for what is no whole zip."""

    def make(folder: Path) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    hidden = any(part.startswith((".", "_")) for part in Path(member.filename).parts)
                    if not member.is_dir() and wanted(member.filename) and not hidden:
                        archive.extract(member, folder)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError.in_file(shown, f"is no whole zip ({error})", "fetch or export it again") from None

    return _kept(path, cache, "zip", make)


def rewritten(source: Path, shown: str, cache: Path, how: Rewriting) -> Path:
    """A copy of a text in UTF-8, unpacked; raises DataError that names the line that is not written so."""

    def make(folder: Path) -> None:
        with Path(folder, f"copy{how.ending}").open("w", encoding="utf-8", newline="") as copy:
            _copy(how, shown, copy.write)

    made = _kept(source, cache, f"{shown} {how.encoding} {how.blanks}", make)
    return made / f"copy{how.ending}"


def _copy(how: Rewriting, shown: str, write: Callable[[str], object]) -> None:
    codec = "cp1252" if how.encoding == "latin-1" else how.encoding  # what says latin-1 is cp1252 nearly always
    codec = "utf-8-sig" if codec == "utf-8" else codec
    try:
        with (
            pa.input_stream(str(how.path), compression=how.compression) as stream,
            io.TextIOWrapper(stream, encoding=codec, newline="") as lines,
        ):
            for line in lines:
                write("\t".join(line.split()) + "\n" if how.blanks else line)
    except UnicodeError as error:
        fix = "say another 'encoding', or save it as UTF-8"
        raise DataError.in_file(shown, f"is not written in {how.encoding} ({error})", fix) from None
    except OSError as error:
        raise DataError.in_file(shown, f"is cut short or damaged ({error})", "fetch or export it again") from None


def _kept(source: Path, cache: Path, how: str, make: Callable[[Path], None]) -> Path:
    """The folder in which `make` left what comes of a source; made once per state of the source."""
    found = source.stat()
    whose = hashlib.sha256(f"{source.resolve()}\n{how}".encode()).hexdigest()[:12]
    state = hashlib.sha256(f"{found.st_ino} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]
    target = cache / f"{whose}-{state}"
    if target.is_dir():
        return target
    private_folder(cache)
    try:
        with tempfile.TemporaryDirectory(dir=cache, prefix=".") as scratch:
            draft = Path(scratch, "made")
            draft.mkdir()
            make(draft)
            if not target.is_dir():
                draft.replace(target)
    except OSError as error:
        if target.is_dir():  # another run was faster
            return target
        raise not_writable(target, error) from None
    for old in cache.glob(f"{whose}-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return target
