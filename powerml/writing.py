"""Files on the disk: read if they are ordinary ones, written in one way: whole or not at all.

A file is written beside its place under a name that begins with a dot, brought to the disk, and renamed; then the
folder is brought to the disk, so that after a kill or a power cut there is the old file or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from powerml.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

try:
    import fcntl
except ImportError:  # not on this platform: what a kill leaves behind stays
    fcntl = None  # type: ignore[assignment]

STATE_FOLDER = ".powerml"  # the folder of a project that is its owner's alone
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_MARK = ".powerml-draft-"
_WAL_AT = 18  # the byte of an SQLite file that is 2 where it is written ahead
_FIXES = {
    errno.EROFS: "the disk is mounted for reading only; write somewhere else",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@contextlib.contextmanager
def whole_file(path: Path | str, *, private: bool = False) -> Iterator[Path]:
    """Yields a draft beside `path` to be written; it takes the place of `path` when the block ends without an error.

    A link is followed, an existing file keeps its rights; `private` makes the file its owner's alone. Drafts of the
    same file that a kill left are removed. Raises DataError where it cannot be written.
    """
    path = Path(path)
    target = path.resolve()
    try:
        with _draft(target) as draft:
            yield draft
            _to_disk(draft)
            draft.chmod(_mode(target, private=private))
            draft.replace(target)
        folder_to_disk(target.parent)
    except OSError as error:
        raise not_writable(path, error) from None


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder`, with all in it, when the block ends without an error.

    What a kill left of an earlier run is removed. Raises DataError where it cannot be written, UsageError where another
    run is making the same folder.
    """
    aside = folder.resolve().parent / f".{folder.resolve().name}{_MARK}folder"
    try:
        aside.mkdir(parents=True, exist_ok=True)
        with only_one(aside, f"{folder}: another run is making it; wait for that, or name another folder"):
            try:
                for left in aside.iterdir():
                    shutil.rmtree(left)
                draft = aside / folder.resolve().name  # its name may be the project's
                draft.mkdir()
                yield draft
                if folder.exists():
                    folder.replace(aside / ".before")
                draft.replace(folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        folder_to_disk(aside.parent)
    except OSError as error:
        raise not_writable(folder, error) from None


def is_held(error: Exception) -> bool:
    """Whether DuckDB has refused a file because another process, or another connection of this one, has it open."""
    said = str(error).lower()
    return "could not set lock" in said or "already attached" in said


def write_whole(path: Path | str, content: str | bytes, *, private: bool = False) -> None:
    """Writes a text (UTF-8) or bytes; see `whole_file`."""
    with whole_file(path, private=private) as draft:
        draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_new(path: Path, content: str, *, private: bool = False) -> bool:
    """Writes a text where there is no file yet, and tells whether it did: of two runs that come at once one does."""
    target = path.resolve()
    try:
        with _draft(target) as draft:
            draft.write_text(content, encoding="utf-8")
            _to_disk(draft)
            draft.chmod(_mode(target, private=private))
            try:
                os.link(draft, target)
            except FileExistsError:
                return False
        folder_to_disk(target.parent)
    except OSError as error:
        raise not_writable(path, error) from None
    return True


def private_folder(path: Path) -> Path:
    """Makes a folder of ours, its owner's alone; raises DataError where it cannot be made or written in.

    A folder that others could read until now is closed to them, where it is ours to close.
    """
    ours = [folder for folder in (path, *path.parents) if STATE_FOLDER in folder.parts] or [path]
    try:
        for folder in reversed(ours):
            folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            _close(folder, PRIVATE_FOLDER)
    except OSError as error:
        raise _no_folder(path, error) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise _no_folder(path, OSError(errno.EACCES, os.strerror(errno.EACCES)))
    return path


def _no_folder(path: Path, error: OSError) -> DataError:
    return DataError.in_file(path, f"cannot be used ({error.strerror or error})", "check space and rights")


def keep_private(folder: Path) -> None:
    """Closes to others what lies in a folder of ours by now: programs that we call make files as they like."""
    with contextlib.suppress(OSError):  # what is not ours to close
        for place, _, names in os.walk(folder):
            _close(Path(place), PRIVATE_FOLDER)
            for name in names:
                _close(Path(place, name), PRIVATE_FILE)


def _close(path: Path, mode: int) -> None:
    found = path.lstat()
    if not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o077 and (_is_ours(found) or not hasattr(os, "getuid")):
        path.chmod(mode)


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid()


@contextlib.contextmanager
def for_owner_only() -> Iterator[None]:
    """While the block runs, files and folders that are made are their owner's alone, whoever makes them."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def check_ordinary(path: Path, *, shown: str | Path | None = None) -> None:
    """Raises DataError for what cannot be read from its beginning to its end: absent, a folder, a pipe, a device."""
    shown = path if shown is None else shown
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        raise DataError.in_file(shown, "no such file", "check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError.in_file(shown, f"cannot be read ({why})", "check the path and its rights") from None
    if stat.S_ISDIR(kind):
        raise DataError.in_file(shown, "is a folder", "name the file in it")
    if not stat.S_ISREG(kind):
        what = "a pipe" if stat.S_ISFIFO(kind) else "a device or socket"
        raise DataError.in_file(shown, f"is {what} and no ordinary file", "save its content in a file")
    if not os.access(path, os.R_OK):
        raise DataError.in_file(shown, "cannot be read (Permission denied)", "check the path and its rights")


def check_writable(path: Path) -> None:
    """Raises DataError, before any work is done, for a file that could not be written at the end."""
    target = path.resolve()
    try:
        kind = target.stat().st_mode if target.exists() else stat.S_IFREG
    except OSError as error:
        raise not_writable(path, error) from None
    if not stat.S_ISREG(kind):
        raise DataError.in_file(path, "is no ordinary file", "name another one")
    for place in (target.parent, target):
        if place.exists() and not os.access(place, os.W_OK):
            blocked = errno.EROFS if os.statvfs(target.parent).f_flag & os.ST_RDONLY else errno.EACCES
            raise not_writable(path, OSError(blocked, os.strerror(blocked)))


def existing_database(path: Path) -> sqlite3.Connection:
    """A connection to an SQLite file that is there, to read it; a write that was killed midway is taken back first.

    To take it back is a write, so that a connection for reading only would be refused by a file that is well. Where the
    file may not be written it is opened for reading all the same; one that is written ahead would have files made
    beside it even then, unless it is said that nobody writes, which no `-wal` beside it tells.
    """
    how = "mode=rw"
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        still = not Path(f"{path}-wal").exists() and _is_written_ahead(path)
        how = "immutable=1" if still else "mode=ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=30)


def _is_written_ahead(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_WAL_AT + 1)[_WAL_AT:] == b"\x02"
    except OSError:  # SQLite says it better
        return False


def not_writable(path: Path | str, error: OSError) -> DataError:
    """What the system says about a file that cannot be written, in a sentence with its fix."""
    fix = _FIXES.get(error.errno or 0, "check space and rights")
    return DataError.in_file(path, f"cannot be written ({error.strerror or error})", fix)


def not_readable(path: Path, error: Exception, fix: str) -> DataError:
    """The sentence for a file of ours that cannot be read; `fix` is for one that is damaged, not for missing rights."""
    if isinstance(error, PermissionError):
        return DataError.in_file(path, "cannot be read (Permission denied)", "give yourself the right to read it")
    why = textwrap.shorten(str(error).split("\n", 1)[0], 200, placeholder=" …")
    return DataError.in_file(path, f"cannot be read ({why})", fix)


def not_usable(path: Path, error: OSError) -> DataError:
    """The sentence for a file that was to be read or written, whichever of the two was refused."""
    try:
        path.stat()
        unread = not os.access(path, os.R_OK)
    except OSError as told:
        unread = isinstance(told, PermissionError)
    if not (unread and isinstance(error, PermissionError)):
        return not_writable(path, error)
    return not_readable(path, error, "")


@contextlib.contextmanager
def only_one(folder: Path, refusal: str) -> Iterator[None]:
    """Holds a folder while the block runs; raises UsageError with `refusal` where another process holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        if not _lock(handle):
            raise UsageError(refusal)
        yield
    finally:
        os.close(handle)


def folder_to_disk(folder: Path) -> None:
    """Brings a folder's names to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """An empty file beside `target`, locked while it is written, gone when the block ends in whatever way."""
    _sweep(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}{_MARK}", suffix=target.suffix)
    try:
        _lock(handle)
        yield Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        os.close(handle)


def sweep_drafts(folder: Path) -> None:
    """Removes the drafts of whatever files below a folder that nobody writes any more."""
    _remove_left([path for path in folder.rglob(f".*{_MARK}*") if path.is_file()])


def _sweep(target: Path) -> None:
    """Removes drafts of this file that nobody writes any more."""
    prefix = f".{target.name[:100]}{_MARK}"
    _remove_left([p for p in target.parent.iterdir() if p.name.startswith(prefix)])


def _remove_left(drafts: Iterable[Path]) -> None:
    for left in drafts if fcntl else []:
        with contextlib.suppress(OSError):
            handle = os.open(left, os.O_RDONLY)
            try:
                if _lock(handle):
                    left.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    """Whether this process holds the file's lock now."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _mode(target: Path, *, private: bool) -> int:
    if private:
        return PRIVATE_FILE
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
