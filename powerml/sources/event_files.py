"""The Parquet files of events as a cache of roll-ups knows them: what is in each, and between which instants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from powerml.sources.files import resolve
from powerml.sources.fingerprint import of_file
from powerml.sources.sql import text

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.sources.loading import Loaded

_MARGIN_US = timedelta(days=1) // timedelta(microseconds=1)


def event_spans(project: ProjectSpec, loaded: Loaded) -> list[tuple[str, int, int]] | None:
    """(digest, first, last) of each file of events, in microseconds; None where a file does not tell its span.

    Times without a zone in a zone of changing offset get a day more on both sides, which costs work and no exactness.
    """
    spec = project.tables["events"]
    files = resolve(spec.files, project.base, declared_in=project.file)
    column = spec.columns.get("time", "time")
    zone = ZoneInfo(spec.timezone or project.timezone)
    found = []
    for file in files:
        row = loaded.con.execute(
            f"SELECT typeof(min({_quoted(column)})), epoch_us(min({_quoted(column)})), epoch_us(max({_quoted(column)}))"
            f" FROM read_parquet({text(str(file.path))})"
        ).fetchone()
        if row is None or row[1] is None or not row[0].startswith(("TIMESTAMP", "DATE")):
            return None
        exact = row[0] == "TIMESTAMP WITH TIME ZONE" or zone.key == "UTC"
        margin = 0 if exact else _MARGIN_US
        found.append((of_file(file.path, file.shown), row[1] - margin, row[2] + margin))
    return found


def repeats_digest(loaded: Loaded) -> str:
    """A text that changes when other copies of events are left out as repeats."""
    there = loaded.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'repeated events'").fetchone()
    if there is None:
        return ""
    row = loaded.con.execute('SELECT count(*), bit_xor(hash(event_id, place)) FROM "repeated events"').fetchone()
    return "-".join(map(str, row or ()))


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
