"""`powerml history`: which nights are kept, and what was said of one entity night by night."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import UsageError, did_you_mean
from powerml.history.store import NightHistory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night

NIGHT_COLUMNS = ["as_of", "model", "model_version", "revision", "made_by", "entities", "mean_score"]
RECORD = ["as_of", "score", "band", "change", "because", "changed", "model", "made_by"]
TOLD = 3  # reasons of a night, and changes of reasons


def nights_table(project: ProjectSpec, *, every: bool = False) -> pd.DataFrame:
    """One row per night, oldest first; with `every` also other sets and earlier revisions."""
    history = NightHistory.of(project)
    found = history.every() if every else history.nights()
    if not found:
        raise UsageError(
            f"{history.folder}: holds no night yet; 'powerml night' keeps one, 'powerml night --from D --to D' fills in"
        )
    table = pd.DataFrame([night.row() for night in found])
    return table[[*NIGHT_COLUMNS, *(name for name in table if name not in NIGHT_COLUMNS)]]


def record(project: ProjectSpec, entity: str) -> pd.DataFrame:
    """What was said of one entity, oldest night first: `RECORD`.

    `change` is since the night above, null where another scorer spoke then; `because` are the main reasons, `changed`
    the reasons whose contribution moved most since. Raises UsageError for an entity that no night knows.
    """
    history = NightHistory.of(project)
    rows, ids = [], list[str]()
    for night in history.nights():
        scores = history.scores(night)
        mine = scores[scores[night.id_column].astype(str) == entity]
        ids = [str(name) for name in scores[night.id_column].head(50_000)]
        if len(mine):
            rows.append(_told(night, mine.iloc[0]))
    if not rows:
        hint = did_you_mean(entity, ids)
        raise UsageError(f"no night knows {entity!r}{hint or '; see powerml history'}")
    return pd.DataFrame(_with_changes(rows), columns=RECORD)


def _told(night: Night, row: pd.Series) -> dict[str, object]:
    scored = row["status"] == "scored"
    return {
        "as_of": night.as_of,
        "score": float(row["score"]) if scored else np.nan,
        "band": row[night.band_column] if scored else row["status"],
        "model": f"{night.model}@{night.model_version}",
        "made_by": night.made_by,
        "scorer": night.scorer,
        "reasons": _reasons(row.get("reasons")),
    }


def _reasons(text: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(text) if isinstance(text, str) and text else []
    return found


def _with_changes(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    told = []
    for place, row in enumerate(rows):
        before = rows[place - 1] if place and rows[place - 1]["scorer"] == row["scorer"] else None
        reasons: list[dict[str, object]] = row["reasons"]  # type: ignore[assignment]
        change = np.nan if before is None else row["score"] - before["score"]  # type: ignore[operator]
        told.append(
            row
            | {
                "because": "; ".join(str(reason["text"]) for reason in reasons[:TOLD]),
                "change": change,
                "changed": "" if before is None else _moved(before["reasons"], reasons),  # type: ignore[arg-type]
            }
        )
    return told


def _moved(before: list[dict[str, object]], now: list[dict[str, object]]) -> str:
    """Reasons told at both nights whose contribution moved by half a point or more, the longest way first."""
    was = {reason["metric"]: float(reason["contribution"]) for reason in before}  # type: ignore[arg-type]
    moves = {
        str(reason["metric"]): float(reason["contribution"]) - was[reason["metric"]]  # type: ignore[arg-type]
        for reason in now
        if reason["metric"] in was
    }
    largest = sorted(moves.items(), key=lambda move: -abs(move[1]))
    said = [f"{name.replace('_', ' ')} {size:+.1f}" for name, size in largest[:TOLD] if abs(size) >= 0.5]
    return "; ".join(said)
