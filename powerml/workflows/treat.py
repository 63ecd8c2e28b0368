"""`powerml treat`: who of a list is to be touched, and who is held out by lot so that the effect can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError, UsageError
from powerml.history.treatments import add_drawn, read_drawn
from powerml.sources.tables.files import read_table

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from powerml.config.project import ProjectSpec

ARMS = ("treat", "hold")


@dataclass(frozen=True, eq=False)
class Drawn:
    """The list with its `arm`, how many of each arm were drawn now, and how many had an arm already."""

    rows: pd.DataFrame
    treat: int
    hold: int
    before: int


def draw(
    project: ProjectSpec, path: Path, *, playbook: str, holdout: float = 0.2, seed: int = 0, now: datetime
) -> Drawn:
    """Draws accounts of a list (entities where it has no accounts) to `treat` or `hold` within its bands.

    Who was drawn for the playbook before keeps the arm. What is drawn is added to the project's treatments. Raises
    DataError for a file without ids.
    """
    rows = read_table(path)
    key = next((name for name in ("account_id", "user_id") if name in rows and rows[name].notna().any()), None)
    if key is None:
        raise DataError.in_file(path, "has no account_id and no user_id", "give a list that 'powerml list' wrote")
    unit = rows[key].where(rows[key].notna(), rows.get("user_id", rows[key])).astype(str)
    drawn = read_drawn(project.state)
    known = drawn[drawn["playbook"] == playbook].drop_duplicates("entity_id", keep="last")
    arms = dict(zip(known["entity_id"].astype(str), known["arm"], strict=True))
    had = int(unit.drop_duplicates().isin(arms).sum())
    band = rows["band"].astype(object).fillna("") if "band" in rows else pd.Series("", index=rows.index)
    units = pd.DataFrame({"unit": unit, "band": band}).drop_duplicates("unit")
    fresh = units[~units["unit"].isin(arms)]
    new = _by_lot(fresh, holdout, seed)
    if not len(units):
        raise UsageError(f"{path}: is an empty list; there is nobody to draw")
    at = pd.Timestamp(now).tz_convert("UTC").floor("s")
    told = pd.DataFrame(
        {"entity_id": list(new), "time": at, "playbook": playbook, "arm": list(new.values()), "note": path.name}
    )
    if len(told):
        add_drawn(project.state, told)
    counts = told["arm"].value_counts()
    arms |= new
    return Drawn(rows.assign(arm=unit.map(arms)), int(counts.get("treat", 0)), int(counts.get("hold", 0)), had)


def _by_lot(units: pd.DataFrame, holdout: float, seed: int) -> dict[str, str]:
    """The arm of each unit: of each band the share `holdout` is held, to the nearest whole one over all bands."""
    rng = np.random.default_rng(seed)
    shuffled = units.iloc[rng.permutation(len(units))].sort_values("band", kind="stable")
    edges = np.floor(np.arange(len(shuffled) + 1) * holdout + rng.random())
    held = np.diff(edges) > 0
    return dict(zip(shuffled["unit"], np.where(held, "hold", "treat").tolist(), strict=True))
