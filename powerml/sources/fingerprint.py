"""What a table's data looks like from outside: a text that changes when its files or their meaning change."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from powerml.config.project import ProjectSpec, expand
from powerml.errors import DataError
from powerml.sources.databases import database_file
from powerml.sources.files import DataFile, files_of, resolve


def fingerprint(project: ProjectSpec, table: str) -> str:
    """32 hex digits over a table's files (size, change time, Parquet footer) and its declaration.

    The files of a `query` are those that its quoted names find at the project's folder. Raises DataError for a missing
    file, as reading it would.
    """
    spec = project.tables[table]
    whole = hashlib.sha256(f"{project.timezone}\n{spec.model_dump_json()}".encode())
    for file, digest in file_fingerprints(project, table).items():
        whole.update(f"\n{file}\n{digest}".encode())
    return whole.hexdigest()[:32]


def file_fingerprints(project: ProjectSpec, table: str) -> dict[str, str]:
    """The fingerprint of each of a table's files, by path as messages show it, in source order."""
    return {file.shown: of_file(file.path, file.shown) for file in _files_of(project, table)}


def input_files(project: ProjectSpec) -> list[Path]:
    """All files that the project's tables, vocabulary and metrics are read from."""
    declared = [words for words in (project.vocabulary, *project.metrics) if isinstance(words, str)]
    named = [Path(project.base, expand(path, file=project.file)) for path in declared]
    return named + [file.path for table in project.tables for file in _files_of(project, table)]


def _files_of(project: ProjectSpec, table: str) -> list[DataFile]:
    spec = project.tables[table]
    if spec.database is not None and spec.database.file is not None:
        return [database_file(project, table)]
    if spec.database is not None:  # a server has no files
        return []
    if spec.query is None:
        beside = [kind for kind, patterns in spec.shape.beside.items() if patterns] if spec.shape else []
        return files_of(project, table) + [file for kind in beside for file in files_of(project, table, beside=kind)]
    return _files_in(expand(spec.query, file=project.file), project)


def of_file(path: Path, shown: str) -> str:
    """The fingerprint of one file; `shown` is how messages call it."""
    try:
        found = path.stat()
        digest = hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode())
        with path.open("rb") as handle:
            if handle.read(4) == b"PAR1":
                handle.seek(-8, 2)
                length = int.from_bytes(handle.read(4), "little")
                handle.seek(max(found.st_size - 8 - length, 0))
                digest.update(handle.read(length))
    except OSError as error:
        raise DataError.in_file(shown, f"cannot be read ({error.strerror})", "check its rights") from None
    return digest.hexdigest()[:32]


def _files_in(query: str, project: ProjectSpec) -> list[DataFile]:
    """Files that the quoted names of a query mean; a quoted text that means none is just a text."""
    found: dict[Path, DataFile] = {}
    for single, double in re.findall(r"'([^'\n]+)'|\"([^\"\n]+)\"", query):
        try:
            for file in resolve((single or double,), project.base, declared_in=project.file):
                found[file.path] = file
        except DataError:
            continue
    return list(found.values())
