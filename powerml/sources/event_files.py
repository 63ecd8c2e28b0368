"""The Parquet files of events, also copies of a database, as a cache knows them: what is in each, and between when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from powerml.sources.files import files_of
from powerml.sources.fingerprint import of_file
from powerml.sources.folder_keys import keys_in
from powerml.sources.in_place import FILE_OF_PLACE, NUMBER_OF_PLACE, REPEATED
from powerml.sources.sql import name, text

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.sources.loaded import Loaded

_LEFT_OUT = "left out events"  # of events that were read into a table
_MARGIN_US = timedelta(days=1) // timedelta(microseconds=1)


def event_spans(project: ProjectSpec, loaded: Loaded) -> list[tuple[str, int, int]] | None:
    """(digest, first, last) of each file of events, in microseconds; None where a file does not tell its span.

    The digest stands for the rows that count: those set aside today (in the future, before the earliest date) may count
    tomorrow, and so may another copy of an event that stands more than once. A file without a row that counts is left
    out. Times without a zone in a zone of changing offset get a day more on both sides, which costs work and no
    exactness.
    """
    spec = project.tables["events"]
    if spec.database is not None and not loaded.kept:
        return None
    files = loaded.kept or files_of(project, "events")
    column = spec.columns.get("time") or "time"
    zone = ZoneInfo(spec.timezone or project.timezone)
    partly, repeated = _partly_bad(loaded), _repeated(loaded)
    found = []
    for position, file in enumerate(files):
        digest = " ".join([of_file(file.path, file.shown), *sorted(f"{k}={v}" for k, v in keys_in(file.shown).items())])
        digest += repeated.get(position, "")
        if position in partly:
            aside, low, high = partly[position]
            if low is not None and high is not None:
                found.append((f"{digest} {aside}", low, high))
            continue
        if column in keys_in(file.shown):
            return None
        row = loaded.con.execute(
            "SELECT typeof(min(t)), epoch_us(min(t)), epoch_us(max(t)), count(*) FROM (SELECT"
            f" {name(column)} AS t FROM read_parquet({text(str(file.path))}, hive_partitioning=false))"
        ).fetchone()
        if row is None or not row[0].startswith(("TIMESTAMP", "DATE")):
            return None
        if not row[3]:
            continue
        exact = row[0] == "TIMESTAMP WITH TIME ZONE" or zone.key == "UTC"
        margin = 0 if exact else _MARGIN_US
        found.append((digest, row[1] - margin, row[2] + margin))
    return found


def _partly_bad(loaded: Loaded) -> dict[int, tuple[str, int | None, int | None]]:
    """Of files with rows set aside: a text that stands for which, and the first and last instant of the others."""
    placed = loaded.placed.get("events")
    if placed is None:
        return {}
    rows = loaded.con.execute(
        "SELECT file, count(*) FILTER (bad), bit_xor(hash(number)) FILTER (bad),"
        ' epoch_us(min("time") FILTER (NOT bad)), epoch_us(max("time") FILTER (NOT bad))'
        f" FROM ({placed}) GROUP BY file HAVING count(*) FILTER (bad) > 0"
    ).fetchall()
    return {file: (f"without {n}-{which}", low, high) for file, n, which, low, high in rows}


def _repeated(loaded: Loaded) -> dict[int, str]:
    """Of files with rows left out as repeats: a text that stands for which."""
    if not _is_there(loaded, f"{REPEATED}events"):
        return {}
    rows = loaded.con.execute(
        f"SELECT {FILE_OF_PLACE}, count(*), bit_xor(hash({NUMBER_OF_PLACE})) FROM {name(f'{REPEATED}events')}"
        " GROUP BY 1"
    ).fetchall()
    return {file: f" but {n}-{which}" for file, n, which in rows}


def _is_there(loaded: Loaded, table: str) -> bool:
    found = loaded.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]).fetchone()
    return found is not None


def repeats_digest(loaded: Loaded) -> str:
    """A text that changes when other copies of events that were read into a table are left out as repeats.

    Of events left in their files the digest of each file says it.
    """
    if not _is_there(loaded, _LEFT_OUT):
        return ""
    row = loaded.con.execute(f"SELECT count(*), bit_xor(hash(value, row)) FROM {name(_LEFT_OUT)}").fetchone()
    return "-".join(map(str, row or ()))
