"""Every malformed input of tests/robustness/malformed.py, each in a child of its own with 20 s to answer.

    python experiments/robustness/malformed.py [SEED] [NUMBER] [FRESH]

All run as forked children of a process that has imported everything (`warm.py`), FRESH of them (40 if nothing is said)
as processes of their own. Prints what was not met as it should be, and counts; ends with 1 where there was any.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.warm import Ran, forked, fresh, warm
from tests.robustness.malformed import Case, every_case, faults, state, whole_project

SECONDS = 20


def run(case: Case, whole: Path, folder: Path, *, alone: bool) -> tuple[list[str], Ran]:
    """What was wrong, and how the command ended."""
    shutil.copytree(whole, folder)
    case.spoil(folder)
    before = state(folder)
    ran = (fresh if alone else forked)(case.command, folder, seconds=SECONDS)
    if ran.stopped:
        return [f"still at work after {SECONDS} s"], ran
    return faults(case, status=ran.status, out=ran.out, err=ran.err, before=before, after=state(folder)), ran


def main(seed: int = 0, number: int | None = None, alone: int = 40) -> int:
    """Runs them, in the order of the seed; the first `alone` of them in both ways."""
    cases = list(every_case())
    random.Random(seed).shuffle(cases)
    cases = cases[:number]
    wrong, slowest, ended = 0, 0.0, ""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        whole_project(whole)
        warm()
        for place, (case, own) in enumerate([*((case, True) for case in cases[:alone]), *((c, False) for c in cases)]):
            folder = Path(scratch, f"case-{place}")
            found, ran = run(case, whole, folder, alone=own)
            shutil.rmtree(folder)
            slowest, ended = max((slowest, ended), (ran.seconds, case.name))
            if found:
                wrong += 1
                print(f"{case.name}\n    {'; '.join(found)}\n    {ran.err.strip()[-400:]}", flush=True)
    print(f"seed {seed}: {len(cases)} inputs, {min(alone, len(cases))} of them also in processes of their own:")
    print(f"{wrong} not refused as they should be; the slowest took {slowest:.1f} s ({ended})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:4])))
