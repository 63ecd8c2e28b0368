"""Every malformed input of tests/robustness/malformed.py, each in a process of its own with 20 s to answer.

    python experiments/robustness/malformed.py [SEED] [NUMBER]

Prints what was not met as it should be, and counts; ends with 1 where there was any.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.robustness.malformed import Case, every_case, faults, state, whole_project

SECONDS = 20


def run(case: Case, whole: Path, folder: Path) -> tuple[list[str], float, str]:
    """What was wrong, how long it took, and the message."""
    shutil.copytree(whole, folder)
    case.spoil(folder)
    before, began = state(folder), time.monotonic()
    command = [sys.executable, "-m", "powerml", *case.command]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [f"still at work after {SECONDS} s"], float(SECONDS), ""
    took = time.monotonic() - began
    found = faults(case, status=done.returncode, out=done.stdout, err=done.stderr, before=before, after=state(folder))
    return found, took, done.stderr


def main(seed: int = 0, number: int | None = None) -> int:
    """Runs them, in the order of the seed."""
    cases = list(every_case())
    random.Random(seed).shuffle(cases)
    cases = cases[:number]
    wrong, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        whole_project(whole)
        for place, case in enumerate(cases):
            folder = Path(scratch, f"case-{place}")
            found, took, message = run(case, whole, folder)
            shutil.rmtree(folder)
            slowest = max(slowest, took)
            if found:
                wrong += 1
                print(f"{case.name}\n    {'; '.join(found)}\n    {message.strip()[-400:]}", flush=True)
    print(
        f"seed {seed}: {len(cases) - wrong} of {len(cases)} refused as they should be; the slowest took {slowest:.1f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
