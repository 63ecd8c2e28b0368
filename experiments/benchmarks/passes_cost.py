"""What keeping within memory costs: twelve snapshots in passes beside the same in one pass, each in its own process.

python experiments/benchmarks/passes_cost.py [--events 100] [--limits 18GB 6GB] [--months 12] [--repeats 1]
    [--threads N] [--folder DIR]

Generates N million events of N/240 x 1 million users as snapshot_cost.py does, in a temporary folder that goes with the
run (or in one where they are found again), and takes the last --months monthly snapshots without a cache under each
limit. Printed per limit: passes, seconds, CPU seconds, peak memory of the process, and by how much any value differs
from that of the first limit.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
from snapshot_cost import CLOCK, generate, measured

RUN = (
    CLOCK.replace('"rows": rows', '"rows": rows, "passes": passes')
    + """
from datetime import date
from powerml.config.project import load_project
from powerml.workflows.project import open_project
import ibis; ibis.duckdb
cutoffs = [date(2025 + m // 12, m % 12 + 1, 1) for m in range(1, 13)][-int(sys.argv[4]):]
begun = time.perf_counter(), time.process_time()
opened = open_project(load_project(sys.argv[1]), cache=False, dates=len(cutoffs))
opened.inputs.engine.later(f"set threads to {threads}")
frame = opened.build(cutoffs).frame
passes = opened.passes.number if opened.passes else 1
took(begun, len(frame))
frame.to_parquet(sys.argv[3], compression="zstd")
"""
)


def largest_difference(one: Path, other: Path) -> float:
    """The largest relative difference of any number; infinite where rows, texts or nulls differ. A column at a time."""
    names = pq.read_schema(one).names
    worst = 0.0
    for name in names:
        a, b = (pq.read_table(file, columns=[name]).column(0).to_pandas() for file in (one, other))
        if a.dtype.kind != "f":
            worst = worst if a.equals(b) else np.inf
            continue
        x, y = a.to_numpy(), b.to_numpy()
        if len(x) != len(y) or not np.array_equal(np.isnan(x), np.isnan(y)):
            return np.inf
        worst = max(worst, float(np.nanmax(np.abs(x - y) / np.maximum(1, np.abs(y)), initial=0.0)))
    return worst


def main() -> None:
    """Runs every limit and prints a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=100, help="million events")
    parser.add_argument("--limits", nargs="+", default=["18GB", "6GB"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--months", type=int, default=12, help="how many snapshots")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where the events are generated, and found again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "all" / "powerml.json").is_file():
            (folder / "all").mkdir(parents=True)
            generate(folder, options.events, parts=False)
        project = json.loads((folder / "all" / "powerml.json").read_text())
        print(f"{options.events:g} million events, {options.threads} threads")
        for _ in range(options.repeats):
            for limit in options.limits:
                file = folder / "all" / f"{limit}.json"
                file.write_text(json.dumps(project | {"memory_limit": limit}))
                out = folder / f"{limit}.parquet"
                found = measured(RUN, str(file), str(options.threads), str(out), str(options.months))
                differs = largest_difference(folder / f"{options.limits[0]}.parquet", out)
                print(
                    f"{limit:>6}: {found['passes']} passes, {found['wall']:.0f} s, {found['cpu']:.0f} CPU s,"
                    f" peak {found['peak']:.2f} GB, {found['rows']:,} rows, differs by {differs:.1e}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
