"""What snapshots cost, as ratios to one plain aggregate over the same events, measured in one run.

python experiments/benchmarks/snapshot_cost.py [--events 3 24] [--repeats 3] [--folder DIR] [--runs reference,one,...]

Generates N million events of N/240 x 1 million users over a year (time-ordered zstd Parquet, shuffled text user ids,
unique text event_id, six events per session, no session_id), then measures, interleaved and as medians: the reference
`create temp table ... as select user_id, day, event, count(*), max(time) ... group by all`, one cold snapshot, twelve
monthly ones, and a nightly one: the cache holds all but the last day, whose file has just come. The night's frame is
compared with a cold one. Time is taken within each process, from reading the project to the frame, without starting
Python and importing; peak memory is the process's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

EVENTS_PER_SESSION = 6
FEATURES = 24
YEAR_S = 365 * 86400
START_S = 1735689600  # 2025-01-01


def hexadecimal(numbers: np.ndarray) -> pa.Array:
    """ "e" and twelve digits for each number."""
    digits = np.frombuffer(b"0123456789abcdef", dtype="uint8")
    text = np.full((len(numbers), 13), ord("e"), dtype="uint8")
    for place in range(12):
        text[:, 12 - place] = digits[(numbers >> (4 * place)) & 15]
    offsets = np.arange(len(numbers) + 1, dtype="int32") * 13
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text))


def generate(folder: Path, millions: float, *, seed: int = 7, parts: bool = True) -> None:
    """Writes events.parquet (all days), the same split before/after the last day, and a project file for each.

    Without `parts` only the whole: of a billion events, a second copy would fill the disk.
    """
    rng = np.random.default_rng(seed)
    n_users = max(1000, round(millions * 1e6 / 240))
    ids = pa.array([f"u{i:08x}" for i in rng.permutation(n_users * 7)[:n_users]])
    schema = pa.schema(
        [("event_id", pa.string()), ("user_id", pa.string()), ("event", pa.string()), ("time", pa.timestamp("us"))]
    )
    names = pa.array([f"event_{i:02d}" for i in range(FEATURES)])
    months = 12
    per_month = int(millions * 1e6 / months)
    serial = 0
    night = (YEAR_S - 86400) * 1_000_000
    with contextlib.ExitStack() as files:

        def writer(*place: str) -> pq.ParquetWriter:
            return files.enter_context(pq.ParquetWriter(folder.joinpath(*place), schema, compression="zstd"))

        whole = writer("all", "events.parquet")
        before, after = (writer("parts", "events-000.parquet"), writer("events-001.parquet")) if parts else (None, None)
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
                    "event_id": hexadecimal(number * 2654435761 % (1 << 48)),
                    "user_id": ids.take(pa.array(user)),
                    "event": names.take(pa.array(kind)),
                    "time": pa.array(at + START_S * 1_000_000, pa.timestamp("us")),
                },
                schema=schema,
            )
            whole.write_table(table, row_group_size=122_880)
            if before is None or after is None:
                continue
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
    for part, pattern in (("all", "events.parquet"), ("parts", "events-*.parquet"))[: 1 + parts]:
        project = {
            "project": "cost",
            "outcome": {"kind": "behavioural"},
            "tables": {"events": {"files": pattern}},
            "vocabulary": vocabulary,
        }
        (folder / part / "powerml.json").write_text(json.dumps(project))


CLOCK = """
import json, resource, sys, time
threads = int(sys.argv[2])
def took(begun, rows):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "rows": rows}))
"""

REFERENCE = (
    CLOCK
    + """
import duckdb
begun = time.perf_counter(), time.process_time()
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(f"set threads to {threads}")
con.execute(f\"\"\"create temp table rolled as
    select user_id, cast(time as date) as day, event, count(*), max(time)
    from '{sys.argv[1]}/all/events.parquet' group by all\"\"\")
took(begun, con.execute("select count(*) from rolled").fetchone()[0])
"""
)

OURS = (
    CLOCK
    + """
from datetime import date
from powerml.config.project import load_project
from powerml.workflows.project import open_project
import ibis; ibis.duckdb
part, many, cache, out = sys.argv[3], sys.argv[4], sys.argv[5] == "cache", sys.argv[6]
cutoffs = {
    "one": [date(2026, 1, 1)],
    "before": [date(2025, 12, 31)],
    "twelve": [date(2025 + m // 12, m % 12 + 1, 1) for m in range(1, 13)],
}[many]
begun = time.perf_counter(), time.process_time()
opened = open_project(load_project(f"{sys.argv[1]}/{part}/powerml.json"), cache=cache)
opened.inputs.engine.later(f"set threads to {threads}")
frame = opened.build(cutoffs).frame
took(begun, len(frame))
if out:
    frame.to_parquet(out)
"""
)


def measured(code: str, *arguments: str) -> dict[str, float]:
    """What a fresh process measured of itself."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def night(folder: Path, threads: int) -> dict[str, float]:
    """A nightly snapshot: the cache as it was the evening before, one more file."""
    parts, primed, file = folder / "parts", folder / "primed", folder / "parts" / "events-001.parquet"
    file.unlink(missing_ok=True)
    shutil.rmtree(parts / ".powerml", ignore_errors=True)
    if not primed.exists():
        print("  filling the cache", measured(OURS, str(folder), str(threads), "parts", "before", "cache", ""))
        shutil.copytree(parts / ".powerml", primed)
    else:
        shutil.copytree(primed, parts / ".powerml")
    shutil.copy(folder / "events-001.parquet", file)
    return measured(OURS, str(folder), str(threads), "parts", "one", "cache", str(folder / "night.parquet"))


def main() -> None:
    """Runs the measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, nargs="+", default=[3, 24], help="million events, one size or several")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where the events are generated, and found again")
    parser.add_argument("--runs", default="reference,one,twelve,night")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for size in options.events:
            folder = (options.folder or Path(temporary)) / f"{size:g}"
            (folder / "all").mkdir(parents=True, exist_ok=True)
            (folder / "parts").mkdir(exist_ok=True)
            if not (folder / "all" / "powerml.json").exists():
                generate(folder, size)
        taken: dict[tuple[float, str], list[dict[str, float]]] = {}
        for _ in range(options.repeats):
            for size in options.events:
                folder = (options.folder or Path(temporary)) / f"{size:g}"
                where = (str(folder), str(options.threads))
                runs = {
                    "reference": lambda where=where: measured(REFERENCE, *where),
                    "one": lambda where=where, f=folder: measured(
                        OURS, *where, "all", "one", "cold", str(f / "cold.parquet")
                    ),
                    "twelve": lambda where=where: measured(OURS, *where, "all", "twelve", "cold", ""),
                    "night": lambda folder=folder: night(folder, options.threads),
                }
                for name in options.runs.split(","):
                    one = runs[name]()
                    taken.setdefault((size, name), []).append(one)
                    print(f"  {size:g} million, {name}: {one}", flush=True)
                if {"one", "night"} <= set(options.runs.split(",")):
                    cold, warm = (pd.read_parquet(folder / f"{name}.parquet") for name in ("cold", "night"))
                    pd.testing.assert_frame_equal(cold, warm, rtol=1e-12)
        report(taken)


def report(taken: dict[tuple[float, str], list[dict[str, float]]]) -> None:
    """Medians and ratios, by the wall and by CPU time."""
    sizes = sorted({size for size, _name in taken})
    for clock in ("wall", "cpu"):
        mid = {key: statistics.median(one[clock] for one in runs) for key, runs in taken.items()}
        for size, name in taken:
            peak = max(one["peak"] for one in taken[size, name])
            beside = (
                f", {mid[size, name] / mid[size, 'reference']:.2f} x reference" if (size, "reference") in mid else ""
            )
            print(f"{clock}: {size:g} million, {name}: median {mid[size, name]:.2f} s{beside}, peak {peak:.2f} GB")
        for size in sizes:
            if {(size, "one"), (size, "twelve")} <= mid.keys():
                print(f"{clock}: {size:g} million: twelve cost {mid[size, 'twelve'] / mid[size, 'one']:.2f} x one")
            if {(size, "one"), (size, "night")} <= mid.keys():
                print(
                    f"{clock}: {size:g} million: a night costs {mid[size, 'night'] / mid[size, 'one']:.3f} x a cold one"
                )
        small, large = sizes[0], sizes[-1]
        for name in ("one", "twelve"):
            if small < large and (small, name) in mid:
                growth = mid[large, name] / mid[small, name] / (large / small)
                print(f"{clock}: {name} from {small:g} to {large:g} million: {growth:.2f} x linear")


if __name__ == "__main__":
    main()
