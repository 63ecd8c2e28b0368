"""Keys that folders name: every row of `events/date=2026-01-01/part.parquet` has the column `date`."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from powerml.sources.sql import name, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOTHING = ("", "__HIVE_DEFAULT_PARTITION__")
FolderKeys = dict[str, tuple[str | None, ...]]  # by key: the value of each file of a part


def keys_in(shown: str) -> dict[str, str | None]:
    """The keys that the folders of a path name, with their values; none for what is written for a null.

    >>> keys_in("events/region=EU%20west/day=__HIVE_DEFAULT_PARTITION__/part=0.csv")
    {'region': 'EU west', 'day': None}
    """
    found: dict[str, str | None] = {}
    for folder in PurePath(shown).parts[:-1]:
        key, equals, value = folder.partition("=")
        if key and equals:
            found[unquote(key)] = None if value in _NOTHING else unquote(value)
    return found


def folder_keys(sources: Sequence[str], taken: Mapping[str, object]) -> FolderKeys:
    """By key the value of each file of a part; columns of the files themselves (`taken`) are not hidden by a folder."""
    each = [keys_in(source) for source in sources]
    wanted = dict.fromkeys(key for found in each for key in found if key not in taken)
    return {key: tuple(found.get(key) for found in each) for key in wanted}


def with_keys(relation: str, keys: FolderKeys, *, numbered: bool) -> tuple[str, dict[str, str]]:
    """A relation over the files of a part that has the keys, and the SQL name of each; `numbered`: rows in files are.

    What is the same in every file needs no relation of its own.
    """
    same = {key: values[0] for key, values in keys.items() if len(set(values)) == 1}
    names = {key: _literal(value) for key, value in same.items()}
    differing = {key: values for key, values in keys.items() if key not in same}
    if not differing:
        return relation, names
    columns = ["*", "file_index", *(["file_row_number"] if numbered else [])]
    for key, values in differing.items():
        listed = ", ".join(map(_literal, values))
        columns.append(f"[{listed}][file_index::BIGINT + 1] AS {_column(key)}")
    names |= {key: _column(key) for key in differing}
    return f"(SELECT {', '.join(columns)} FROM {relation})", names


def _column(key: str) -> str:
    return name(f"folder {key}")


def _literal(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else text(value)
