"""What a snapshot costs on Spark beside DuckDB, from one to ten million events, and whether both say the same.

python experiments/benchmarks/spark_cost.py [--events 1 10] [--folder DIR] [--memory 4g]

Events as `snapshot_cost.py` makes them, exported once as canonical tables; then, in a process each, both engines write
one snapshot with labels of the same tables to Parquet. Seconds are from reading the project to the written files:
Spark's without starting it, CPU seconds with those of its Java. Asked: every value the same to 1e-9, every label; cost
per event at most 1.3 times as much at ten million as at one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from snapshot_cost import generate

COMMON = """
import json, sys, time
from datetime import date
from pathlib import Path
from powerml.config.project import load_project
from powerml.workflows.snapshot import write_snapshots
project, out, cutoffs = load_project(sys.argv[1]), Path(sys.argv[2]), [date(2025, 9, 1)]
"""
DUCKDB = (
    COMMON
    + """
wall, cpu = time.perf_counter(), time.process_time()
write_snapshots(project, out, as_of=cutoffs, labels=True, cache=False)
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
"""
)
SPARK = (
    COMMON
    + """
import os, tempfile
from powerml.snapshots.engine.spark_session import spark_session
there = project.spark
with tempfile.TemporaryDirectory() as folder, spark_session(there.master, there.settings, Path(folder)) as s:
    java, ticks = Path("/proc") / str(s.sparkContext._gateway.proc.pid), os.sysconf("SC_CLK_TCK")
    def used():
        user, system = (java / "stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / ticks + time.process_time()
    wall, cpu = time.perf_counter(), used()
    write_snapshots(project, out, as_of=cutoffs, labels=True)
    (peak,) = (line.split()[1] for line in (java / "status").read_text().splitlines() if line.startswith("VmHWM"))
    took = {"wall": time.perf_counter() - wall, "cpu": used() - cpu, "java_gb": int(peak) / 1e6}
    print(json.dumps(took))
"""
)


def measured(code: str, project: Path, out: Path) -> dict[str, float]:
    """What a fresh process measured of itself."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(project), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def made(folder: Path, millions: float, memory: str) -> tuple[Path, Path]:
    """The canonical tables of so many events, and a project file over them for each engine."""
    from powerml.config.project import load_project
    from powerml.workflows.export import export_canonical

    for part in ("all", "parts"):
        (folder / part).mkdir(parents=True)
    generate(folder, millions)
    source = folder / "all" / "powerml.json"
    export_canonical(load_project(source), folder / "canonical")
    project = json.loads(source.read_text())
    duck = folder / "duckdb.json"
    duck.write_text(json.dumps(project | {"tables": {"events": {"files": "canonical/events/*.parquet"}}}))
    there = {"master": "local[2]", "config": {"spark.sql.shuffle.partitions": 8, "spark.driver.memory": memory}}
    spark = folder / "spark.json"
    spark.write_text(
        json.dumps(project | {"tables": {"events": {"files": "canonical/events"}}, "engine": "spark", "spark": there})
    )
    return duck, spark


def differing(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[int, float]:
    """How many cells of two snapshots differ by more than 1e-9 (relative above 1), and the largest difference."""
    assert list(ours) == list(theirs)
    assert ours["user_id"].tolist() == theirs["user_id"].tolist()
    wrong, largest = 0, 0.0
    for name in theirs:
        if not pd.api.types.is_float_dtype(theirs[name]):
            a, b = (frame[name].astype(object).where(frame[name].notna(), None) for frame in (ours, theirs))
            wrong += sum(x != y for x, y in zip(a, b, strict=True))
            continue
        a, b = ours[name].to_numpy(float), theirs[name].to_numpy(float)
        off = np.where(np.isnan(a) & np.isnan(b), 0, np.abs(a - b) / np.maximum(1, np.abs(b)))
        wrong += int((~(off <= 1e-9)).sum())
        largest = max(largest, float(np.nanmax(off)))
    return wrong, largest


def main() -> None:
    """Runs both engines on each size and prints seconds, ratios and differences."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--events", type=float, nargs="+", default=[1, 10], help="millions")
    ask.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    ask.add_argument("--memory", default="4g", help="of Spark's driver, which in local mode does all the work")
    asked = ask.parse_args()
    work = Path(tempfile.mkdtemp(dir=asked.folder))
    per_event: dict[str, list[float]] = {"duckdb": [], "spark": []}
    try:
        for millions in asked.events:
            folder = work / f"{millions:g}"
            duck, spark = made(folder, millions, asked.memory)
            one = measured(DUCKDB, duck, folder / "duckdb.parquet")
            two = measured(SPARK, spark, folder / "spark.parquet")
            ours, theirs = (pd.read_parquet(folder / f"{name}.parquet") for name in ("spark", "duckdb"))
            wrong, largest = differing(ours, theirs)
            print(f"{millions:g} million events, {len(theirs):,} rows: duckdb {one}; spark {two}", flush=True)
            print(f"  {wrong} cells differ; largest difference {largest:.2g}", flush=True)
            per_event["duckdb"].append(one["cpu"] / millions)
            per_event["spark"].append(two["cpu"] / millions)
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, costs in per_event.items():
        print(f"{name}: {costs[-1] / costs[0]:.2f} times the CPU per event at the largest beside the smallest")


if __name__ == "__main__":
    main()
