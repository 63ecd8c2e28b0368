"""Small projects on disk, written as a user would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from powerml.config.project import ProjectSpec, load_project
from powerml.sources import Loaded, open_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 4, 1, tzinfo=UTC)
EVENTS = "user_id,event,time\nada,signed_in,2026-03-01T09:30:00Z\n"


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., ProjectSpec]:
    """Writes `powerml.yaml` with the given tables (files by name, or whole entries) and loads it."""

    def write(timezone: str = "UTC", memory_limit: str | None = None, **tables: Any) -> ProjectSpec:
        if "events" not in tables:
            (tmp_path / "events.csv").write_text(EVENTS)
            tables["events"] = "events.csv"
        entries = {t: {"files": e} if isinstance(e, (str, list)) else e for t, e in tables.items()}
        declared = {"timezone": timezone, "tables": entries, "vocabulary": {}}
        if memory_limit:
            declared["memory_limit"] = memory_limit
        (tmp_path / "powerml.yaml").write_text(yaml.safe_dump(declared))
        return load_project(tmp_path / "powerml.yaml")

    return write


@pytest.fixture
def opened(project: Callable[..., ProjectSpec]) -> Callable[..., Loaded]:
    """Writes a project and opens it at `NOW`."""

    def open_(*, extra: dict[str, list[str]] | None = None, lenient: bool = False, **tables: Any) -> Loaded:
        return open_sources(project(**tables), now=NOW, extra=extra or {}, lenient=lenient)

    return open_


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes the rows of a query as a Parquet file."""

    def write(name: str, query: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path

    return write
