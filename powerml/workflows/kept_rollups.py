"""Roll-ups kept between runs, as a project's files ask for them; and what becomes of a cache that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.snapshots.cache.rollups import EventFile, cached_roll_up
from powerml.snapshots.cache.store import ROLLUPS_FILE, RollupStore, is_damaged, throw_away
from powerml.snapshots.engine.duckdb import DuckDBEngine
from powerml.sources.event_files import event_spans, repeats_digest
from powerml.sources.files import files_of

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.snapshots.rollup import Inputs, Rollups
    from powerml.sources.loaded import Loaded

CACHE_FROM_BYTES = 64_000_000  # Parquet events of this size are worth keeping their roll-ups


def cache_folder(project: ProjectSpec, cache: bool | None) -> Path | None:
    """Where roll-ups are kept between runs; None where they are not.

    By default they are where a cache is there already or the events, in Parquet files, are many. Those of a database,
    of which nobody knows before, are kept where a night asks for it.
    """
    spec = project.tables["events"]
    folder = project.state / "cache"
    if cache is False or spec.shape or (spec.query and not spec.database):
        return None
    if spec.database:
        return folder if cache or (folder / ROLLUPS_FILE).exists() else None
    files = files_of(project, "events")
    if any(file.format != "parquet" for file in files):
        return None
    many = sum(file.path.stat().st_size for file in files) >= CACHE_FROM_BYTES
    return folder if cache or many or (folder / ROLLUPS_FILE).exists() else None


def from_cache(
    project: ProjectSpec, loaded: Loaded, inputs: Inputs, columns: list[str], amounts: list[str]
) -> Rollups | None:
    """The roll-ups by way of the cache; None where it cannot serve these events or another run holds it."""
    spans, engine = event_spans(project, loaded), inputs.engine
    assert isinstance(engine, DuckDBEngine)
    store = RollupStore.open(engine, project.state / "cache") if spans else None
    if store is None:
        return None
    return cached_roll_up(
        inputs,
        project,
        store,
        [EventFile(*span) for span in spans or []],
        repeats=repeats_digest(loaded),
        declaration=project.tables["events"].model_dump_json() + loaded.forgotten,
        extra=columns,
        amounts=amounts,
    )


def lost_cache(project: ProjectSpec, loaded: Loaded, error: Exception) -> bool:
    """Whether the cache that was open cannot be read to its end; it is thrown away then.

    Which of the many errors of a damaged file came up says little: the file itself is asked, and for that it is closed,
    which may already have written around the damage that DuckDB named.
    """
    loaded.con.close()
    folder = project.state / "cache"
    lost = is_damaged(folder) or any(word in str(error) for word in ("Corrupt database", "stored checksum"))
    if lost:
        throw_away(folder)
    return lost
