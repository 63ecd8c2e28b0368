"""Labelled monthly snapshots of a simulated product, written once for the other scripts here.

    powerml simulate OUT --preset validation --users 50000 --months 24 --seed 101
    python experiments/studies/learning/simulated_rows.py OUT

Writes `OUT/labelled.parquet`: every mature monthly snapshot from the fourth month on, rows with a known outcome and
enough history only, as `powerml train` sees them.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from powerml.config.project import load_project
from powerml.simulation import write_product
from powerml.tables import OUTCOMES
from powerml.workflows.project import open_project


def write(folder: Path) -> Path:
    """Builds the snapshots of a simulated product's folder and writes their labelled rows."""
    opened = open_project(load_project(folder / "powerml.yaml"), note=print)
    months = [day for day in opened.mature(opened.cutoffs()) if day >= _fourth_month(opened.first_day)]
    frame = opened.build(months, labels=True, note=print).frame
    kept = frame[frame["label"].isin(OUTCOMES) & frame["enough_history"].astype(bool)].reset_index(drop=True)
    target = folder / "labelled.parquet"
    kept.to_parquet(target, index=False)
    print(f"{len(kept):,} rows of {kept['account_id'].nunique():,} accounts at {len(months)} cutoffs in {target}")
    return target


def product(folder: Path, *, seed: int, users: int) -> Path:
    """The folder of a simulated product of two years with its labelled rows, made where it is not there."""
    if not folder.exists():
        write_product(folder, preset="validation", users=users, months=24, seed=seed)
    if not (folder / "labelled.parquet").exists():
        write(folder)
    return folder


def _fourth_month(first: date) -> date:
    """Changes over 90 days need as much history."""
    month = first.month + 3
    return date(first.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
