"""Ten kills over all jobs, three of them while a fresh store is made; run by hand, not by `.ci/run` yet."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from kills import PLAN, run

SEED = int(os.environ.get("POWERML_SEED") or random.SystemRandom().randrange(10**6))


def test_ten_kills_leave_nothing_that_the_next_run_does_not_make_good(capsys):
    said: list[str] = []
    failed = run(len(PLAN), seed=SEED, say=said.append)
    with capsys.disabled():
        print("\n".join(said))
    assert failed == 0, f"POWERML_SEED={SEED}\n" + "\n".join(said)
