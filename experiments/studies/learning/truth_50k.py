"""Products of 50,000 people: how often are slopes, totals and bands outside, beside the true hazards?

    python experiments/studies/learning/truth_50k.py --work WORK --seeds 7 101 303 404 \\
        --results FOLDER [--heads auto card]

For every seed a product is simulated into WORK/vSEED (24 months, preset `validation`) where it is not there yet, and
`truth.py` is run on it (heads trained on what was mature before each of the last three mature months, judged on that
month). Then misses are counted over all seeds, for every head and for the true hazards: slopes and observed/expected
whose 99 % interval by account does not hold 1, and bands of 100 rows and more whose mean outcome lies outside with a
99 % interval that does not reach them. Asked: in all together at most one miss more than the true hazards have.
Written are the tables of `truth.py` and `misses.csv`. Per seed some 40 CPU minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
from simulated_rows import product

USERS = 50_000
LEAST_ROWS = 100


def outside(table: pd.DataFrame, low: str, high: str) -> pd.Series:
    """Whether the 99 % interval does not hold 1."""
    return (table[low] > 1) | (table[high] < 1)


def misses(calibration: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    """Per scorer: how many slopes, totals and bands were judged, and how many of them were missed."""
    rows = []
    for scorer, its in calibration.groupby("scorer", sort=False):
        own = bands[(bands["scorer"] == scorer) & (bands["n"] >= LEAST_ROWS)]
        beyond = (own["low"] > own["to"]) | (own["high"] < own["from"])
        slopes, totals = outside(its, "slope_low", "slope_high"), outside(its, "oe_low", "oe_high")
        row = {"scorer": scorer, "slopes": len(its), "slopes_missed": int(slopes.sum())}
        row |= {"totals": len(its), "totals_missed": int(totals.sum())}
        row |= {"bands": len(own), "bands_missed": int(beyond.sum())}
        rows.append(row | {"missed": int(slopes.sum() + totals.sum() + beyond.sum())})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--heads", nargs="+", default=["auto", "card"])
    parser.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    for seed in given.seeds:
        folder = product(given.work / f"v{seed}", seed=seed, users=given.users)
        command = [sys.executable, str(Path(__file__).with_name("truth.py")), str(folder)]
        command += ["--results", str(given.results), "--heads", *given.heads]
        subprocess.run(command, check=True)
    read = {name: pd.read_csv(given.results / f"{name}.csv") for name in ("calibration", "bounds", "bands")}
    true = pd.read_csv(given.results / "bounds_bands.csv")
    found = misses(pd.concat([read["calibration"], read["bounds"]]), pd.concat([read["bands"], true]))
    found.to_csv(given.results / "misses.csv", index=False)
    print(found.to_string(index=False))


if __name__ == "__main__":
    main()
