"""What snapshots cost, as ratios to one plain aggregate over the same events, measured in one run.

python experiments/benchmarks/snapshot_cost.py [--events 24] [--repeats 3] [--folder DIR] [--peers]

Generates N million events of N/240 x 1 million users over a year (time-ordered zstd Parquet, shuffled text user ids,
unique text event_id, six events per session, no session_id), then measures, interleaved and as medians: the reference
`create temp table ... as select user_id, day, event, count(*), max(time) ... group by all`, one cold snapshot, twelve
monthly ones, and a nightly one from the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

EVENTS_PER_SESSION = 6
FEATURES = 24
YEAR_S = 365 * 86400
START_S = 1735689600  # 2025-01-01


def generate(folder: Path, millions: float, *, seed: int = 7) -> None:
    """Writes events.parquet (all days), the same split before/after the last day, and a project file for each."""
    rng = np.random.default_rng(seed)
    n_users = max(1000, round(millions * 1e6 / 240))
    ids = np.array([f"u{i:08x}" for i in rng.permutation(n_users * 7)[:n_users]])
    schema = pa.schema(
        [("event_id", pa.string()), ("user_id", pa.string()), ("event", pa.string()), ("time", pa.timestamp("us"))]
    )
    names = np.array([f"event_{i:02d}" for i in range(FEATURES)])
    months = 12
    per_month = int(millions * 1e6 / months)
    serial = 0
    night = (YEAR_S - 86400) * 1_000_000
    with (
        pq.ParquetWriter(folder / "all" / "events.parquet", schema, compression="zstd") as whole,
        pq.ParquetWriter(folder / "parts" / "events-000.parquet", schema, compression="zstd") as before,
        pq.ParquetWriter(folder / "events-001.parquet", schema, compression="zstd") as after,
    ):
        for month in range(months):
            sessions = per_month // EVENTS_PER_SESSION
            who = rng.integers(0, n_users, sessions)
            begin = (month + rng.random(sessions)) * (YEAR_S / months)
            offsets = np.sort(rng.exponential(120, (sessions, EVENTS_PER_SESSION)).cumsum(axis=1), axis=1)
            at = np.minimum(((begin[:, None] + offsets) * 1e6).astype("int64").ravel(), YEAR_S * 1_000_000 - 1)
            user = np.repeat(who, EVENTS_PER_SESSION)
            kind = rng.integers(0, FEATURES, at.size)
            order = np.argsort(at, kind="stable")
            at, user, kind = at[order], user[order], kind[order]
            number = np.arange(serial, serial + at.size)
            serial += at.size
            table = pa.table(
                {
                    "event_id": pa.array(np.char.mod("e%012x", number * 2654435761 % (1 << 48))),
                    "user_id": pa.array(ids[user]),
                    "event": pa.array(names[kind]),
                    "time": pa.array(at + START_S * 1_000_000, pa.timestamp("us")),
                },
                schema=schema,
            )
            whole.write_table(table, row_group_size=122_880)
            cut = int(np.searchsorted(at, night))
            before.write_table(table.slice(0, cut), row_group_size=122_880)
            if cut < at.size:
                after.write_table(table.slice(cut), row_group_size=122_880)
    roles = [
        "key_action", "content_created", "report", "export", "share", "collaboration", "invite", "integration_added",
        "integration_removed", "workflow_started", "workflow_completed", "error", "feature_request", "beta", "referral",
        "automation",
    ]  # fmt: skip
    vocabulary = {
        str(name): {
            "category": f"area_{i % 9}",
            "tier": "core" if i % 3 == 0 else "advanced" if i % 3 == 1 else "none",
            "depth": ("basic", "intermediate", "advanced")[i % 3],
            "roles": [roles[i]] if i < len(roles) else [],
        }
        for i, name in enumerate(names)
    }
    for part, files in (("all", "events.parquet"), ("parts", "events-*.parquet")):
        project = {
            "project": "cost",
            "outcome": {"kind": "behavioural"},
            "tables": {"events": {"files": files}},
            "vocabulary": vocabulary,
        }
        (folder / part / "powerml.json").write_text(json.dumps(project))


REFERENCE = """
import duckdb, sys
con = duckdb.connect()
con.execute(f"set threads to {sys.argv[2]}")
con.execute(f\"\"\"create temp table rolled as
    select user_id, cast(time as date) as day, event, count(*), max(time) from '{sys.argv[1]}' group by all\"\"\")
"""

OURS = """
import sys
from datetime import date
from powerml.config.project import load_project
from powerml.workflows.snapshots import open_project
opened = open_project(load_project(sys.argv[1]))
cutoffs = [date(2026, 1, 1)] if sys.argv[2] == "1" else [date(2025 + m // 12, m % 12 + 1, 1) for m in range(1, 13)]
frame = opened.build(cutoffs).frame
print(len(frame), frame.select_dtypes("number").sum().sum())
"""


def timed(code: str, *arguments: str) -> tuple[float, float, str]:
    """Seconds, peak memory in GB and output of a fresh process."""
    before = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _pid, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {code}")
    return time.perf_counter() - before, used.ru_maxrss / 1e6, printed.strip()


def main() -> None:
    """Runs the measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=float, default=24, help="million events")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", default="reference,one,twelve")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        (folder / "all").mkdir(parents=True, exist_ok=True)
        (folder / "parts").mkdir(exist_ok=True)
        if not (folder / "all" / "powerml.json").exists():
            generate(folder, options.events)
        whole = str(folder / "all" / "powerml.json")
        runs = {
            "reference": (REFERENCE, str(folder / "all" / "events.parquet"), str(options.threads)),
            "one": (OURS, whole, "1", "cold"),
            "twelve": (OURS, whole, "12", "cold"),
        }
        taken: dict[str, list[float]] = {name: [] for name in runs}
        memory: dict[str, float] = {}
        for _ in range(options.repeats):
            for name in options.only.split(","):
                seconds, peak, printed = timed(*runs[name])
                taken[name].append(seconds)
                memory[name] = max(memory.get(name, 0), peak)
                print(f"{name:10} {seconds:7.1f} s  {peak:5.2f} GB  {printed}", flush=True)
        medians = {name: statistics.median(values) for name, values in taken.items() if values}
        for name, value in medians.items():
            ratio = f"{value / medians['reference']:.2f} x reference" if "reference" in medians else ""
            print(f"{name:10} median {value:.1f} s, {ratio}, peak {memory[name]:.2f} GB")
        if {"one", "twelve"} <= medians.keys():
            print(f"twelve snapshots cost {medians['twelve'] / medians['one']:.2f} x one")
    print(f"peak of this script: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB", file=sys.stderr)


if __name__ == "__main__":
    main()
