"""A night rehearsed: a folder that stands for a project's `.powerml`, and may be written in without a trace."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from powerml.history.ledger import LEDGER_FILE, LOCK, copy_ledger
from powerml.history.store import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_TAKEN = ("cache", "quarantine", LOCK)  # made anew where they are needed; the real ones stay as they are


@contextlib.contextmanager
def rehearsal(state: Path) -> Iterator[Path]:
    """A folder for the block, gone after it: the history with links to its files, a copy of the ledger, links to all
    else.
    """
    with tempfile.TemporaryDirectory(prefix="powerml-rehearsal-") as scratch:
        folder = Path(scratch, state.name)
        folder.mkdir()
        for path in sorted(state.iterdir()) if state.is_dir() else ():
            if path.name in NOT_TAKEN or path.name.startswith((f"{LEDGER_FILE}-", ".")):
                continue
            if path.name == LEDGER_FILE:
                _copy(path, folder / path.name)
            elif path.name == FOLDER:
                _link_below(path, folder / path.name)
            else:
                (folder / path.name).symlink_to(path.resolve(), target_is_directory=path.is_dir())
        yield folder


def _link_below(folder: Path, place: Path) -> None:
    """The folders themselves, and in them links to the files: what is written or removed there is not the original."""
    place.mkdir()
    for night in sorted(folder.iterdir()):
        (place / night.name).mkdir()
        for file in night.iterdir():
            (place / night.name / file.name).symlink_to(file.resolve())


def _copy(ledger: Path, place: Path) -> None:
    with contextlib.closing(sqlite3.connect(place)) as copy:
        copy_ledger(ledger, copy)
