"""What a night costs on a large product: every step but the snapshot, and a list.

    python experiments/benchmarks/night_cost.py FOLDER [USERS]

Simulates USERS (100,000) users over 400 days into FOLDER unless it is there, makes three nights of the events, and the
rest of the 47 that the default retention keeps as copies of them under their own dates (what is read is as large as if
each had been made). Then `powerml night` runs as a process of its own for the last day, its seconds by step as the
ledger has them, and `powerml list at_risk`; time and memory are those that the system counts.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from powerml.config.project import load_project
from powerml.history.store import NightHistory, kept_dates
from powerml.history.trees import tree_name
from powerml.simulation import write_product
from powerml.workflows.night.run import fill

DAYS, MONTHS = 400, 14
END = date(2026, 1, 31)  # the night that is timed
START = date(2024, 12, 1)


def prepared(folder: Path, users: int) -> None:
    """The product, and its history up to the night before."""
    if not (folder / "powerml.yaml").is_file():
        write_product(folder, "validation", users=users, months=MONTHS, seed=21, start=START, workers=2)
        declared = yaml.safe_load((folder / "powerml.yaml").read_text())
        del declared["history"]  # simulated products keep more nights, for the demo
        (folder / "powerml.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    project = load_project(folder / "powerml.yaml")
    history = NightHistory.of(project)
    every = [END - timedelta(days=n) for n in range(DAYS, 0, -1)]
    wanted = sorted(kept_dates(every, project.history.keep_days))
    real = [END - timedelta(days=n) for n in (30, 7, 1)]
    for day in real:
        fill(project, day, day, now=datetime.now(UTC))
    there = {night.as_of for night in history.nights()}
    for day in wanted:
        if day not in there:
            copied(history, min(real, key=lambda one: abs((one - day).days)), day)


def copied(history: NightHistory, source: date, day: date) -> None:
    """All that was said of one night, under another date."""
    for night in [night for night in history.every() if night.as_of == source]:
        at = pd.Timestamp(day)
        snapshot = history.snapshot(night).assign(as_of=at)
        entry = replace(night, as_of=day, digest=f"{night.digest}-{day}")
        entry = replace(entry, snapshot_file=history.keep_snapshot(day, snapshot, history.facts(night)))
        history.keep_scores(entry, history.scores(night).assign(as_of=at))
        if (tree := history.table(night, tree_name(night))) is not None:
            history.keep_table(day, tree_name(entry), tree)
        history.admit(entry)


def run(*command: str) -> tuple[str, float, float]:
    """Standard output, seconds, and the largest memory of all children so far in GB."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "powerml", *command], check=False, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.stdout, took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if "--timed" not in sys.argv:
        prepared(place, int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    file = str(place / "powerml.yaml")
    shutil.rmtree(place / ".powerml" / "history" / str(END), ignore_errors=True)  # it may have been timed before
    for ledger in (place / ".powerml").glob("night.db*"):
        ledger.unlink()
    print(f"{len(NightHistory.of(load_project(file)).nights())} nights kept")
    # the snapshot first, alone, so that the memory of the rest can be told apart from its
    first, alone, memory = run("night", "--as-of", str(END), "--only", "snapshot", "--json", "-c", file)
    print(f"snapshot: {alone:.1f} s, {memory:.2f} GB")
    shutil.rmtree(place / ".powerml" / "history" / str(END))
    for ledger in (place / ".powerml").glob("night.db*"):
        ledger.unlink()
    said, seconds, _ = run("night", "--as-of", str(END), "--force", "--json", "-c", file)
    steps = {row["step"]: row["seconds"] for row in json.loads(said)["steps"]}
    print(f"night: {seconds:.1f} s with imports; { ({k: round(v or 0, 1) for k, v in steps.items()}) }")
    print(f"without the step snapshot: {sum(v or 0 for k, v in steps.items() if k != 'snapshot'):.1f} s")
    print(f"more than --only snapshot, which reads the same sources: {seconds - alone:.1f} s")
    _, seconds, memory = run("list", "at_risk", "-c", file)
    print(f"list at_risk: {seconds:.1f} s; largest memory of all {memory:.2f} GB")
