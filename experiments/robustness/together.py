"""Runs of one project at the same time, as a team and a scheduler start them: nothing is lost, nobody waits unsaid.

    python experiments/robustness/together.py

Two trainings on a store that neither finds, then on one that is there, `score` again and again meanwhile; then two
nightly snapshots at once over one cache. Prints what was wrong; ends with 1 where anything was.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.kills import FEATURES, JOBS, NIGHT, content, template
from experiments.robustness.warm import Ran, forked, start, warm

SECONDS = 600
SCORE = ("score", "--metrics", "features.csv", "--model", "golden@challenger", "-o", "scored.csv")
PARENTS = "SELECT count(*) FROM runs WHERE run_uuid NOT IN (SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId')"


def trainings(folder: Path, *, versions: int) -> list[str]:
    """What was wrong with two trainings at once and a reader; `versions` are registered when both have ended."""
    runs, scored = [start(FEATURES, folder), start(FEATURES, folder)], []
    while not all(run.is_done for run in runs):
        scored.append(forked(SCORE, folder, seconds=SECONDS))
    ended = [run.wait(seconds=SECONDS) for run in runs]
    wrong = [f"a training ended with {run.status}: {run.err}" for run in ended if run.status]
    wrong += [f"score ended with {run.status}: {run.err}" for run in scored if _is_bad(run, new=versions == 2)]
    told = [f"{run.seconds:.1f} s{' (said that it waits)' if 'waiting' in run.err else ''}" for run in ended]
    well = sum(not run.status for run in scored)
    print(f"two trainings: {' and '.join(told)}; {well} of {len(scored)} scored meanwhile")
    with contextlib.closing(sqlite3.connect(folder / ".powerml" / "mlflow.db")) as con:
        ((found,),) = con.execute("SELECT count(*) FROM model_versions").fetchall()
        ((parents,),) = con.execute(PARENTS).fetchall()
        states = sorted({state for (state,) in con.execute("SELECT status FROM runs")})
    if (found, parents, states) != (versions, versions, ["FINISHED"]):
        wrong.append(f"{found} versions and {parents} sessions, {states}; there should be {versions}, all finished")
    return wrong


def _is_bad(run: Ran, *, new: bool) -> bool:
    """A reader may find no model while the first is made; it says so, and whom to ask."""
    return run.status != 0 and not (new and run.status == 2 and "powerml train" in run.err)


def nights(folder: Path) -> list[str]:
    """What was wrong with two snapshots of one night at once, over a cache that neither finds, or both."""
    wrong = []
    for day in ("2026-01-31", "2026-02-01"):
        runs = [start((*NIGHT, day, "-o", name), folder) for name in ("one.csv", "two.csv")]
        ended = [run.wait(seconds=SECONDS) for run in runs]
        ended.append(forked((*NIGHT, day, "-o", "alone.csv"), folder, seconds=SECONDS))
        wrong += [f"a snapshot ended with {run.status}: {run.err}" for run in ended if run.status]
        print(f"two snapshots: {ended[0].seconds:.1f} and {ended[1].seconds:.1f} s; alone {ended[2].seconds:.1f} s")
        if not wrong and len({content(folder / name) for name in ("one.csv", "two.csv", "alone.csv")}) > 1:
            wrong.append(f"the snapshots of {day} are not the same")
    return wrong


def main() -> int:
    """Runs both; 1 where anything was wrong."""
    warm()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "project")
        template(folder, JOBS["fresh"])
        wrong = trainings(folder, versions=2) + trainings(folder, versions=4) + nights(folder)
    print("\n".join(wrong) or "nothing was lost, nothing differs")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
