"""Ten kills over the commands, two of them while a fresh store is made, run by hand.

`demo` takes a minute by itself, so it is killed by the script alone.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.kills import run

JOBS = ("snapshot", "train", "fresh", "score", "lock", "promote", "fresh", "train again", "night", "lock")

SEED = int(os.environ.get("POWERML_SEED") or random.SystemRandom().randrange(10**6))


def test_ten_kills_leave_nothing_that_the_next_run_does_not_make_good(capsys):
    said: list[str] = []
    failed = run(len(JOBS), seed=SEED, jobs=JOBS, say=said.append)
    with capsys.disabled():
        print("\n".join(said))
    assert failed == 0, f"POWERML_SEED={SEED}\n" + "\n".join(said)
