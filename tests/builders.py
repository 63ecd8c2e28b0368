"""Tiny projects on disk, written as a user would write them, and the snapshots that come of them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from powerml.config.project import load_project
from powerml.workflows.project import OpenProject, SnapshotResult, open_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

NOW = datetime(2026, 9, 1, tzinfo=UTC)  # when the tests read their files
AS_OF = date(2026, 4, 1)  # the cutoff of most of them


def write_project(
    folder: Path,
    events: str,
    *,
    vocabulary: dict[str, Any] | None = None,
    metrics: str | None = None,
    tables: dict[str, str] | None = None,
    **settings: Any,
) -> Path:
    """Writes CSV texts, house metrics (YAML) and `powerml.yaml` into `folder`; gives the path of the last."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"events": events, **(tables or {})}
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(csv(text), encoding="utf-8")
    declared = {
        "tables": {name: {"files": f"{name}.csv"} for name in texts},
        "vocabulary": vocabulary or {},
        **settings,
    }
    if metrics is not None:
        (folder / "house.yaml").write_text(textwrap.dedent(metrics), encoding="utf-8")
        declared["metrics"] = ["house.yaml"]
    path = folder / "powerml.yaml"
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return path


def csv(text: str) -> str:
    """A CSV text without the blanks that make it readable in a test."""
    lines = [line for line in textwrap.dedent(text).strip().splitlines() if line.strip()]
    return "\n".join(",".join(cell.strip() for cell in line.split(",")) for line in lines) + "\n"


def opened(path: Path, names: Iterable[str] | None = None) -> OpenProject:
    """The project with its sources read; only the metrics `names`, or only its own, or the whole catalogue."""
    data = open_project(load_project(path), now=NOW)
    if names is None:
        return data
    return dataclasses.replace(data, metrics={name: data.metrics[name] for name in names})


def build(path: Path, *cutoffs: date, names: Sequence[str] = ("events_30d",), labels: bool = False) -> SnapshotResult:
    """The snapshot of a few metrics at a few cutoffs (by default AS_OF)."""
    return opened(path, names).build(list(cutoffs) or [AS_OF], labels=labels)


def snapshot(path: Path, *cutoffs: date, names: Sequence[str] = ("events_30d",), labels: bool = False) -> pd.DataFrame:
    """The frame of `build`, indexed by the id of its entity, or by cutoff and id where there are several cutoffs."""
    frame = build(path, *cutoffs, names=names, labels=labels).frame
    key = "user_id" if "user_id" in frame else "account_id"
    return frame.set_index(["as_of", key] if len(cutoffs) > 1 else key)


def value(path: Path, metric: str, who: str = "ada", *, as_of: date = AS_OF) -> Any:
    """One metric of one entity at one cutoff, None where it is null."""
    found = snapshot(path, as_of, names=[metric]).loc[who, metric]
    return None if pd.isna(found) else float(found)


_KILLED_IN_A_WRITE = """
import os, signal, sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute("PRAGMA cache_size = 1")  # so that a write that is not finished has reached the file
con.execute("BEGIN IMMEDIATE")
con.execute("CREATE TABLE half (x)")
con.executemany("INSERT INTO half VALUES (?)", [("x" * 2000,)] * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_in_a_write(database: Path) -> None:
    """Leaves an SQLite file as a process leaves it that is killed while it writes: with the way back beside it."""
    subprocess.run([sys.executable, "-c", _KILLED_IN_A_WRITE, str(database)], check=False)
    assert database.with_name(f"{database.name}-journal").stat().st_size > 0
