"""What is wrong with a JSON lines file: found line by line, once DuckDB has refused it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from powerml.errors import DataError

if TYPE_CHECKING:
    from powerml.sources.files import DataFile

_SHOWN = 60
_DOCUMENT_BYTES = 1 << 26  # a file as large as this is no document that somebody wrote over lines


def broken_line(file: DataFile, complaint: str) -> DataError:
    """The error that names the first line that is no JSON object, or DuckDB's own where there is none."""
    with pa.input_stream(str(file.path), compression=file.compression) as stream:
        number, rest = 0, bytes(stream.read(3))
        if rest == b"\xef\xbb\xbf":
            return DataError.in_file(file.shown, "begins with a byte order mark", "save it as UTF-8 without one")
        if _is_document(file):
            what = "is one JSON document over several lines, and JSON lines hold an object in each line"
            return DataError.in_file(file.shown, what, "write it so, or as an array of objects")
        while block := stream.read(1 << 22):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                if problem := _problem(line):
                    return _error(file, number, line, problem)
    if problem := _problem(rest):
        return _error(file, number + 1, rest, f"{problem}; the file may be cut short")
    return DataError.in_file(file.shown, f"cannot be read as JSON lines ({complaint})", "export it again")


def _is_document(file: DataFile) -> bool:
    """Whether the file as a whole is an object, though its first line is none."""
    if file.path.stat().st_size > _DOCUMENT_BYTES:
        return False
    with pa.input_stream(str(file.path), compression=file.compression) as stream:
        try:
            return isinstance(json.loads(bytes(stream.read())), dict)
        except ValueError:
            return False


def _problem(line: bytes) -> str | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return "is not UTF-8"
    except json.JSONDecodeError as error:
        return f"is not JSON ({error.msg.removesuffix(' at')} at character {error.colno})"
    return None if isinstance(value, dict) else "is JSON but no object"


def _error(file: DataFile, number: int, line: bytes, problem: str) -> DataError:
    start = line[:_SHOWN].decode("utf-8", errors="replace")
    return DataError(f"{file.shown}: line {number}: {problem}: {start!r}; correct or remove the line")
