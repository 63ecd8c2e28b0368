"""The engine's frame beside the oracle's rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.project import load_project
from powerml.workflows.snapshot import build
from tests.oracle.labels import labels, treated
from tests.oracle.metrics import snapshot
from tests.oracle.past import Past
from tests.oracle.project import Project, Row, write_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path


def oracle_rows(project: Project, cutoffs: Sequence[date], *, entity: str) -> list[Row]:
    """What the engine should give: one row per cutoff and entity, labels included, in order."""
    rows = []
    for as_of in sorted(cutoffs):
        past = Past(project, as_of)
        found = snapshot(project, as_of, entity=entity)
        names = [row[f"{entity}_id"] for row in found]
        outcome = labels(project, as_of, entity=entity, names=names)
        for name, row in zip(names, found, strict=True):
            rows.append({**row, "label": outcome[name], "treated": treated(past, name)})
    return rows


def engine_frame(project: Project, cutoffs: Sequence[date], folder: Path, *, entity: str) -> pd.DataFrame:
    """What the engine gives for the same project, written to a folder."""
    return build(load_project(write_project(project, folder, entity=entity)), cutoffs, labels=True).frame


def differences(frame: pd.DataFrame, rows: list[Row], *, entity: str) -> list[str]:
    """What the frame says differently, a line each: cutoff, entity, column, engine, oracle."""
    key = f"{entity}_id"
    engine = {(row["as_of"].date(), row[key]): row for row in frame.to_dict("records")}
    oracle = {(row["as_of"], row[key]): row for row in rows}
    lines = [f"{k[0]} {k[1]}: row absent" for k in oracle if k not in engine]
    lines += [f"{k[0]} {k[1]}: row too many" for k in engine if k not in oracle]
    for k, want in oracle.items():
        have = engine.get(k, want)
        lines += [f"{k[0]} {k[1]}: no column {c}" for c in want if c not in have]
        for column in want:
            if column != "as_of" and column in have and not same(have[column], want[column]):
                lines.append(f"{k[0]} {k[1]}: {column}: engine {have[column]!r}, oracle {want[column]!r}")
    return lines


def same(have: Any, want: Any) -> bool:
    if want is None:
        return bool(pd.isna(have))
    if isinstance(want, (str, bool)):
        return bool(have == want)
    return math.isclose(have, want, rel_tol=1e-9, abs_tol=1e-9)
