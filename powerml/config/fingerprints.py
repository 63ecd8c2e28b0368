"""Fingerprints by which a run says what it was made from: declarations, data and code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import powerml


def of_text(*texts: str) -> str:
    """The fingerprint of declarations, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return digest.hexdigest()[:16]


def of_json(value: Any) -> str:
    """The fingerprint of plain data; the order of keys does not matter.

    >>> of_json({"a": 1, "b": 2}) == of_json({"b": 2, "a": 1})
    True
    """
    return of_text(json.dumps(value, sort_keys=True, default=str))


def of_frame(frame: pd.DataFrame) -> str:
    """The fingerprint of a frame: names, order and every value of its columns and rows (not its index).

    >>> of_frame(pd.DataFrame({"a": [1.0, None]})) == of_frame(pd.DataFrame({"a": [1.0, 2.0]}))
    False
    """
    digest = hashlib.sha256()
    for name in frame.columns:
        digest.update(str(name).encode() + b"\0")
        digest.update(pd.util.hash_pandas_object(frame[name], index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def of_code() -> str:
    """The fingerprint of the installed package's own source and shipped declarations."""
    from powerml.config.shipped import configs

    package = Path(powerml.__file__).parent
    return of_files((package, "*.py"), (configs(), "*.yaml"))


def of_files(*trees: tuple[Path, str]) -> str:
    """The fingerprint of the files that match a pattern below each folder: their relative names and contents.

    What lies in hidden folders does not count.
    """
    digest = hashlib.sha256()
    for folder, pattern in trees:
        for path in sorted(p for p in folder.rglob(pattern) if not _hidden(p.relative_to(folder))):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def manifest(folder: Path, *, leave_out: Iterable[str] = ()) -> dict[str, str]:
    """The sha256 of every file below `folder` by its relative name, without compiled Python and `leave_out`."""
    skip = set(leave_out)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() not in skip and "__pycache__" not in path.parts
    }


def of_manifest(files: Mapping[str, str]) -> str:
    """One sha256 for a manifest: two manifests that differ in a name or a file have different ones."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode("utf-8")).hexdigest()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
