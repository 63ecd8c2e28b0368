"""How entities moved between two nights, like with like: both scored by the same scorer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.bands.ladder import ladder_index

if TYPE_CHECKING:
    from powerml.history.nights import Night
    from powerml.history.store import NightHistory

SPOKEN_OF_DAYS = 30  # for so long a change of model is told
MOVED = 0.5  # points that are a move of the score: half a point, for scores are read as whole numbers


@dataclass(frozen=True)
class Swap:
    """Another scorer spoke the night before: `before` is that night as it was said, `alike` as this night's scorer
    says it (None where its snapshot could not be scored anew).
    """

    before: Night
    alike: Night | None


def swap_at(history: NightHistory, night: Night) -> Swap | None:
    """What a change of model at a night means for what is compared with the night before; None where none changed."""
    before = history.last_before(night, as_said=True)
    if before is None or before.scorer == night.scorer:
        return None
    alike = history.last_before(night)
    return Swap(before, alike if alike is not None and alike.as_of == before.as_of else None)


def new_speaker(history: NightHistory, night: Night) -> str:
    """The sentence where another scorer spoke within the last month; empty where none did."""
    since = night.as_of - timedelta(days=SPOKEN_OF_DAYS)
    said = [one for one in history.nights() if since <= one.as_of <= night.as_of]
    for before, after in reversed(list(pairwise(said))):
        if (before.model, before.model_version) != (after.model, after.model_version):
            return (
                f"{after.model}@{after.model_version} speaks since {after.as_of}, until then "
                f"{before.model}@{before.model_version} did; changes compare what the newer one says of both dates."
            )
    return ""


def change_since(history: NightHistory, night: Night, days: int) -> pd.DataFrame:
    """What was said `days` before: indexed by entity, `score_before`, `band_before`, `change`, `steps`.

    A row for each entity scored at both nights; no rows where there is none to compare with (`NightHistory.before`).
    `steps` counts bands, negative downwards.
    """
    earlier = history.before(night, days)
    if earlier is None:
        return _between(None, None, night)
    return _between(_scored(history, earlier), _scored(history, night), night)


def change_since_last(history: NightHistory, night: Night) -> tuple[pd.DataFrame, Night | None]:
    """The same against the night before, however long ago, with that night."""
    earlier = history.last_before(night)
    if earlier is None:
        return _between(None, None, night), None
    return _between(_scored(history, earlier), _scored(history, night), night), earlier


def changed_rows(moves: pd.DataFrame) -> pd.DataFrame:
    """The rows whose band changed or whose score moved by half a point or more."""
    moved = moves["change"].abs().round(9) >= MOVED
    return moves[moved | (moves["steps"] != 0)]


def _scored(history: NightHistory, night: Night) -> pd.DataFrame:
    columns = [night.id_column, "status", "score", night.band_column]
    frame = history.scores(night, columns)
    frame = frame[frame["status"].eq("scored") & frame["score"].notna()]
    return frame.set_index(night.id_column).rename(columns={night.band_column: "band"})[["score", "band"]]


def _between(before: pd.DataFrame | None, after: pd.DataFrame | None, night: Night) -> pd.DataFrame:
    columns = ["score_before", "band_before", "score", "band", "change", "steps"]
    if before is None or after is None:
        return pd.DataFrame(columns=columns, index=pd.Index([], name=night.id_column, dtype=str)).astype(
            {"score_before": float, "score": float, "change": float, "steps": int}
        )
    both = after.join(before.add_suffix("_before"), how="inner")
    edges = [edge for edge, _ in night.bands] or [0.0]  # a set without bands has one
    both["change"] = both["score"] - both["score_before"]
    both["steps"] = (ladder_index(both["score_before"], edges) - ladder_index(both["score"], edges)).astype(np.int64)
    return both[columns]
