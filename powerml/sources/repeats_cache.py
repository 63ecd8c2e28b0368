"""What is known of event ids from the last time, so that a new night reads only the new files' ids.

Kept beside the project: the sorted 64-bit hashes of all ids seen (8 bytes an event), the repeats found, and which
files they are of. The hashes lie in a few parts, each at least twice as large as the next, so that a night writes
little. A file that changed or went away means starting afresh; whatever is kept can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from powerml.errors import DataError
from powerml.sources.repeats import (
    Hashes,
    add_repeats,
    count_repeats,
    cuts_for,
    id_hashes,
    sorted_union,
    standing_in,
    standing_twice,
)
from powerml.sources.sql import name, text
from powerml.writing import private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MANIFEST = "event_ids.json"
_LOG = logging.getLogger(__name__)


HashedPart = tuple[Path | None, Hashes]  # sorted hashes, and the file they lie in if they were written before


@dataclass(frozen=True)
class Known:
    """What an earlier reading left: the digests of its files in order, and the names of the files beside it."""

    digests: tuple[str, ...]
    hashes: tuple[Path, ...]
    repeats: Path


def repeats_with_memory(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    digests: Sequence[str],
    *,
    rows_of: Callable[[Sequence[int]], str],
    rows: int,
    place: str,
    into: str,
    order: str = "",
) -> tuple[int, int]:
    """As `find_repeats`, over all files, remembering in `folder`; `digests` stand for the files and how they are read.

    `rows_of` gives what stands after FROM (with its WHERE) for the files at some positions.
    """
    try:
        return _repeats(con, folder, digests, rows_of, rows, place, into, order)
    except OSError as error:
        raise DataError.in_file(folder, f"cannot be used ({error.strerror})", "check space and rights") from None


def _repeats(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    digests: Sequence[str],
    rows_of: Callable[[Sequence[int]], str],
    rows: int,
    place: str,
    into: str,
    order: str,
) -> tuple[int, int]:
    cuts = cuts_for(con, rows)
    every = range(len(digests))
    known = _recall(folder)
    con.execute(f"CREATE TABLE {name(into)} (place BIGINT, event_id VARCHAR)")
    if known and known.digests == tuple(digests[: len(known.digests)]):
        con.execute(f"INSERT INTO {name(into)} SELECT * FROM read_parquet({text(str(known.repeats))}) ORDER BY place")
        added = every[len(known.digests) :]
        if not added:
            return count_repeats(con, into)
        parts: list[HashedPart] = [(path, _hashes(path)) for path in known.hashes]
        before, twice = parts, list[Hashes]()
        for cut in range(cuts):
            new = id_hashes(con, rows_of(added), cut=cut, of=cuts)
            twice += [standing_twice(new), *(standing_in(new, old) for _path, old in before)]
            parts = folded_hashes(parts, new)
        suspects = np.unique(np.concatenate(twice))
    else:
        found = [_cut(con, rows_of(every), cut, cuts, private_folder(folder)) for cut in range(cuts)]
        suspects = np.concatenate([twice for _hashes, twice in found])
        parts = [(None, hashes) for hashes, _twice in found]
    if len(suspects):
        # Of an id that repeated before and again now, all rows are found anew.
        con.execute(
            f"DELETE FROM {name(into)} WHERE hash(event_id) IN (SELECT unnest(?::UBIGINT[]))", [suspects.tolist()]
        )
        add_repeats(con, rows_of(every), place=place, into=into, hashes=suspects, order=order)
    _remember(con, folder, tuple(digests), parts=parts, table=into)
    return count_repeats(con, into)


def _cut(con: duckdb.DuckDBPyConnection, good: str, cut: int, of: int, folder: Path) -> tuple[Hashes, Hashes]:
    """One part of all hashes, on the disk where there are others, and those that stand twice in it."""
    hashes = id_hashes(con, good, cut=cut, of=of)
    twice = standing_twice(hashes)
    if of > 1:
        with tempfile.TemporaryFile(dir=folder) as file:  # what is mapped stays when the file is gone
            hashes.tofile(file)
            hashes = np.memmap(file, dtype=np.uint64, mode="r", shape=hashes.shape) if len(hashes) else hashes
    return hashes, twice


def folded_hashes(parts: Sequence[HashedPart], new: Hashes) -> list[HashedPart]:
    """The parts with a new one, merged with those before it that are not at least twice as large."""
    kept = list(parts)
    while kept and len(kept[-1][1]) < 2 * len(new):
        new = sorted_union([kept.pop()[1], new])
    return [*kept, (None, new)]


def _recall(folder: Path) -> Known | None:
    """What was remembered; None where there is nothing, or it is damaged, which is said."""
    try:
        kept = json.loads((folder / _MANIFEST).read_text())
        if kept["duckdb"] != duckdb.__version__ or "checks" not in kept:  # hash() may change between versions
            return None
        known = Known(tuple(kept["digests"]), tuple(folder / part for part in kept["hashes"]), folder / kept["repeats"])
        checks = [*(_check_of_hashes(_hashes(path)) for path in known.hashes), _check_of_file(known.repeats)]
        if checks == kept["checks"]:
            return known
    except FileNotFoundError:
        if not (folder / _MANIFEST).exists():
            return None
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        pass
    _LOG.warning("%s: what was remembered of event ids is damaged; thrown away and made anew", folder)
    return None


def _hashes(path: Path) -> Hashes:
    """Sorted hashes as they lie in a file; raises ValueError where it holds anything else."""
    found: Hashes = np.load(path, mmap_mode="r")
    if found.dtype != np.uint64 or found.ndim != 1:
        raise ValueError(f"{path} holds no hashes")
    return found


def _check_of_hashes(hashes: Hashes) -> str:
    """What tells damage: cheap, because all hashes are read for it every night."""
    return f"{len(hashes)} {np.bitwise_xor.reduce(hashes, initial=np.uint64(0)):x}"


def _check_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remember(
    con: duckdb.DuckDBPyConnection, folder: Path, digests: tuple[str, ...], *, parts: Sequence[HashedPart], table: str
) -> None:
    """Writes the manifest last, then removes what an older one named."""
    private_folder(folder)
    key = hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]
    names = [path.name if path else f"event_ids-{key}-{number}.npy" for number, (path, _h) in enumerate(parts)]
    repeats = f"event_ids-{key}.parquet"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        written = [repeats, _MANIFEST]
        for name_, (path, hashes) in zip(names, parts, strict=True):
            if path is None:
                np.save(Path(scratch, name_), hashes)
                written.insert(0, name_)
        con.execute(f"COPY {name(table)} TO {text(str(Path(scratch, repeats)))} (FORMAT parquet)")
        checks = [*(_check_of_hashes(hashes) for _path, hashes in parts), _check_of_file(Path(scratch, repeats))]
        manifest = {
            "duckdb": duckdb.__version__, "digests": digests, "hashes": names, "repeats": repeats, "checks": checks,
        }  # fmt: skip
        Path(scratch, _MANIFEST).write_text(json.dumps(manifest))
        for file in written:
            Path(scratch, file).replace(folder / file)
    for old in folder.glob("event_ids-*"):
        if old.name not in {*names, repeats}:
            old.unlink(missing_ok=True)
