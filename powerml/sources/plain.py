"""Which texts of Parquet files are what they are read as, so that views need not look at each of them again.

An id or a name is odd if it is blank, has outer blanks, is a null word or a number with zeros behind the point. Looking
costs some 25 ns a row; it is done once per file where there is a cache to remember it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from powerml.errors import DataError
from powerml.sources.fingerprint import of_file
from powerml.sources.ids import is_odd
from powerml.sources.sql import array
from powerml.writing import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

    from powerml.sources.readers import SourcePart

_FILE = "plain_texts.json"
_LOG = logging.getLogger(__name__)


def plain_columns(
    con: duckdb.DuckDBPyConnection, part: SourcePart, columns: Sequence[str], cache: Path | None
) -> frozenset[str]:
    """Those of some text columns of Parquet files in which nothing is odd."""
    if not columns:
        return frozenset()
    known = _recall(cache) if cache else {}
    digests = [of_file(Path(path), shown) for path, shown in zip(part.paths, part.sources, strict=True)]
    new = [i for i, digest in enumerate(digests) if not set(_in(part, i, columns)) <= known.get(digest, {}).keys()]
    found = {digest: known[digest] for digest in digests if digest in known}
    if cache is None:
        return frozenset(c for c, plain in _look(con, part, range(len(digests)), columns).items() if plain)
    together = _look(con, part, new, columns) if new else {}
    for i in new:  # only where one of several new files is odd, each is asked
        own = together if all(together.values()) or len(new) == 1 else _look(con, part, [i], columns)
        found[digests[i]] = found.get(digests[i], {}) | {c: own[c] for c in _in(part, i, columns)}
    if found != known:
        _remember(cache, found)
    return frozenset(c for c in columns if all(found[digest].get(c, True) for digest in digests))


def _in(part: SourcePart, position: int, columns: Sequence[str]) -> list[str]:
    return [c for c in columns if not part.each or c in part.each[position]]


def _look(
    con: duckdb.DuckDBPyConnection, part: SourcePart, some: Iterable[int], columns: Sequence[str]
) -> dict[str, bool]:
    """Which columns hold nothing odd in some of the files."""
    paths = [part.paths[i] for i in some]
    relation = f"read_parquet({array(paths)}, union_by_name=true, hive_partitioning=false)"
    there = {c for i in some for c in _in(part, i, columns)}
    asked = [c for c in columns if c in there]
    # a column at a time and each text once: a third of the time that all rows take
    texts = [f"SELECT DISTINCT {part.columns[c][1]} AS t FROM {relation}" for c in asked]
    odd = ", ".join(f"(SELECT COALESCE(bool_or({is_odd('t')}), false) FROM ({some_texts}))" for some_texts in texts)
    row = con.execute(f"SELECT {odd}").fetchone() if asked else ()
    return dict.fromkeys(columns, True) | {c: not is_there for c, is_there in zip(asked, row or (), strict=True)}


def _recall(folder: Path) -> dict[str, dict[str, bool]]:
    """What was seen of files before; nothing where the memory is absent, damaged or of another making."""
    try:
        kept = json.loads((folder / _FILE).read_text())
        files: dict[str, dict[str, bool]] = kept["files"]
        if kept["digest"] == _digest(files):
            return files
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    _LOG.warning("%s: is damaged or of another version; thrown away and made anew", folder / _FILE)
    return {}


def _digest(files: object) -> str:
    return hashlib.sha256(json.dumps([is_odd("x"), files], sort_keys=True).encode()).hexdigest()


def _remember(folder: Path, files: dict[str, dict[str, bool]]) -> None:
    try:
        private_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            part = Path(scratch, _FILE)
            part.write_text(json.dumps({"digest": _digest(files), "files": files}))
            part.replace(folder / _FILE)
    except OSError as error:
        raise DataError.in_file(folder, f"cannot be used ({error.strerror})", "check space and rights") from None
