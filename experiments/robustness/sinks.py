"""Random schedules of faults and SIGKILLs against the sinks (`tests/sinks/schedules.py` says what is played and held).

    python experiments/robustness/sinks.py [SCHEDULES] [FIRST SEED]

Prints a line per schedule that failed and the counts of all; exit status 1 where one failed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.sinks.schedules import run


def main(schedules: int, first: int) -> int:
    """Plays them one after another; gives how many failed."""
    failed = kills = faults = repeats = 0
    for seed in range(first, first + schedules):
        with tempfile.TemporaryDirectory() as folder:
            seen = run(seed, Path(folder))
        kills, faults, repeats = kills + seen.kills, faults + seen.faults, repeats + seen.repeats
        if seen.wrong:
            failed += 1
            print(f"seed {seed}: {'; '.join(seen.wrong)}", flush=True)
        if (seed - first + 1) % 20 == 0:
            print(f"{seed - first + 1} schedules: {kills} kills, {faults} faults, {failed} failed", flush=True)
    print(f"{schedules} schedules: {kills} kills, {faults} faults, {repeats} repeats in flight, {failed} failed")
    return failed


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:]]
    sys.exit(1 if main(*(counts + [200, 1][len(counts) :])) else 0)
