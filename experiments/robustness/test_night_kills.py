"""Eight kills of a night, over all that a receiver may be."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.night_kills import MODES, run

SEED = int(os.environ.get("POWERML_SEED") or random.SystemRandom().randrange(10**6))


def test_a_killed_night_is_made_good_and_no_digest_is_lost(capsys):
    said: list[str] = []
    failed = run(2 * len(MODES), seed=SEED, say=said.append)
    with capsys.disabled():
        print("\n".join(said))
    assert failed == 0, f"POWERML_SEED={SEED}\n" + "\n".join(said)
