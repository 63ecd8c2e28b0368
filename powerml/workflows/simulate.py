"""`powerml simulate`: measures a simulated product with the catalogue's own metrics, like anybody's project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.scoring.load import load_weights
from powerml.simulation.calendar import month_edges
from powerml.simulation.effects import achieved_rates, churner_path, effect_table
from powerml.simulation.oracle import oracle_observed, truth_skill
from powerml.simulation.presets import preset_named
from powerml.workflows.project import open_project

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.simulation import Manifest

FIRST_CUTOFF = 4  # months of data before the first cutoff measured: changes over 90 days need them


@dataclass(frozen=True)
class Description:
    """A simulated product measured.

    effects, rates: see `effect_table` and `base_rates`. path: mean `engagement` score of churners before they left.
    oracles: skill of the true hazards (rows: accounts) and of a large model on the observed metrics (rows: users).
    """

    effects: pd.DataFrame
    rates: pd.DataFrame
    path: pd.DataFrame
    oracles: pd.DataFrame


def cutoffs(manifest: Manifest) -> tuple[list[date], list[date]]:
    """First of each month worth measuring: all of them, and those whose outcomes are known by the data's end."""
    edges = pd.to_datetime(month_edges(date.fromisoformat(manifest.start), 0, manifest.months), unit="s")
    every = [edge.date() for edge in edges[FIRST_CUTOFF:-1]]
    ripe = [edge.date() for edge in edges[FIRST_CUTOFF:] if edge + pd.Timedelta(days=120) <= edges[-1]]
    return every, ripe


def describe(folder: Path, manifest: Manifest, *, note: Note = silent) -> Description:
    """Builds the monthly snapshots of a written product and compares them with document D.

    Raises UsageError where the months are too few for any cutoff with a known outcome.
    """
    every, ripe = cutoffs(manifest)
    if not ripe:
        raise UsageError(f"--describe: {manifest.months} months are too few to know an outcome; use at least 9")
    opened = open_project(load_project(folder / "powerml.yaml"), note=note)
    frame = opened.build(every, labels=True, note=note).frame
    known = frame[frame["as_of"].isin(pd.to_datetime(ripe))]
    note("what the truth and a large model know")
    truth = truth_skill(pd.read_parquet(folder / "truth" / "labels.parquet")).assign(oracle="true hazards")
    observed = oracle_observed(known).assign(oracle="observed metrics")
    scored = frame[["as_of", "user_id", "account_id"]].assign(
        score=load_weights("engagement").score_table(frame)["score"]
    )
    return Description(
        effects=effect_table(known),
        rates=achieved_rates(known, preset_named(manifest.preset).rates),
        path=churner_path(scored, pd.read_parquet(folder / "truth" / "accounts.parquet")),
        oracles=pd.concat([truth, observed], ignore_index=True),
    )
