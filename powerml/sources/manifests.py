"""Marks of completion: an export's `manifest.json` comes last and lists its files."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from powerml.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXPORT_MANIFEST = "manifest.json"
_FIX = "wait until the export is finished, then run this again; if it broke off, remove the folder"


def check_complete(folder: Path, files: Sequence[Path], shown: str) -> None:
    """Raises DataError where an export under `folder` is half-written.

    That is where a manifest names a file that is not there, or where one folder of files has a manifest and its
    neighbour has none. Exports without any manifest are taken as they are.
    """
    marks = {mark.parent: mark for mark in folder.rglob(EXPORT_MANIFEST)}
    if not marks:
        return
    for place, mark in sorted(marks.items()):
        there = {file.name for file in files if file.parent == place}
        if absent := [named for named in _named(mark, shown) if named not in there]:
            raise DataError.in_file(
                shown, f"is half-written: {EXPORT_MANIFEST} names {absent[0]!r}, which is not there", _FIX
            )
    for place in sorted({file.parent for file in files} - set(marks)):
        what = f"is half-written: {place.relative_to(folder)} has no {EXPORT_MANIFEST}, and other folders have"
        raise DataError.in_file(shown, what, _FIX)


def _named(mark: Path, shown: str) -> list[str]:
    """Names of the files that a manifest lists, as texts or as objects with a path."""
    try:
        told = json.loads(mark.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError.in_file(shown, f"is half-written: {EXPORT_MANIFEST} cannot be read ({error})", _FIX) from None
    entries = told.get("files", []) if isinstance(told, dict) else told
    return [PurePosixPath(_path(entry)).name for entry in entries if _path(entry)]


def _path(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = next((entry[key] for key in ("key", "path", "name", "file") if key in entry), "")
    return str(entry)
