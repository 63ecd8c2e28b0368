"""Commands killed with SIGKILL at any moment: the next run completes, and equals one that was never killed.

    python experiments/robustness/kills.py [KILLS] [SEED] [JOB ...]

For each job a run that nobody kills is the reference. Then, from the same folder as before, the command is started,
killed, and run again. Compared is all that it leaves: tables, runs, figures, models, aliases, records; not run ids,
times, the order of files, and what the killed run itself had logged, which must be marked as killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "raw"
TIMES = ("scored_at", "computed_at", "model_version")
ENDS_AT = 900  # seconds after which a run that was not killed is given up


@dataclass(frozen=True)
class Job:
    """A command, the folder it starts from, and what it leaves that must be the same.

    `fresh` kills while the store is made, wherever that is.
    """

    name: str
    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    fresh: bool = False
    fails_when_done: str = ""  # what it says where the killed run had done everything


FEATURES = ("train", "quick.yaml", "--table", "features.csv", "--target", "churned", "--id", "user_id")
JOBS = {
    job.name: job
    for job in (
        Job("snapshot", ("snapshot", "--monthly", "2026-01-01", "2026-02-01", "-o", "out.csv")),
        Job(
            "train", FEATURES, before=(("score", "--weights", "engagement", "--metrics", "metrics.csv", "-o", "x.csv"),)
        ),
        Job("train again", FEATURES, before=(FEATURES,)),
        Job("fresh", FEATURES, fresh=True),
        Job("score", ("score", "--weights", "engagement", "--as-of", "2026-02-01", "-o", "out.csv")),
        Job("lock", ("review", "lock", "sheet.csv", "new.yaml"), fails_when_done="has been changed since"),
        Job("promote", ("promote", "1", "--force"), before=(FEATURES,)),
        Job("demo", ("demo", "--users", "150", "--out", "shop"), fails_when_done="is there already"),
    )
}
PLAN = ("snapshot", "train", "fresh", "score", "lock", "fresh", "promote", "train again", "fresh", "demo")


def powerml(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A run that nobody kills."""
    return subprocess.run(
        [sys.executable, "-m", "powerml", *command], cwd=folder, capture_output=True, text=True, timeout=ENDS_AT,
        check=False, env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    """This checkout's package, and threads that do not disturb each other's sums."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def template(folder: Path, job: Job) -> None:
    """The folder as it is before the command is run."""
    shutil.copytree(GOLDEN, folder)
    shutil.copyfile(GOLDEN.parent / "metrics.csv", folder / "metrics.csv")
    draw = random.Random(7)
    rows = [
        {"user_id": f"u{n}", "logins": draw.random(), "seats": draw.randrange(9), "age": draw.gauss(5, 2)}
        for n in range(400)
    ]
    frame = pd.DataFrame(rows)
    frame.assign(churned=(frame["logins"] + 0.1 * frame["seats"] < 0.8).astype(int)).to_csv(
        folder / "features.csv", index=False
    )
    quick = "question: does it survive?\nscreen: off\nscorers: [{name: plain, fit: logistic}]\n"
    (folder / "quick.yaml").write_text(quick)
    if job.name == "lock":
        _sheet(folder)
    for command in job.before:
        done = powerml(folder, *command)
        assert done.returncode == 0, done.stderr


def _sheet(folder: Path) -> None:
    """A sheet that came back, and the weights that somebody made of it."""
    done = powerml(folder, "review", "sheet", "--weights", "power_user", "--top", "10", "-o", "sheet.csv")
    assert done.returncode == 0, done.stderr
    sheet = pd.read_csv(folder / "sheet.csv", dtype=str)
    sheet.assign(answer=["yes", "no"] * 5).to_csv(folder / "sheet.csv", index=False)
    done = powerml(folder, "weights", "copy", "power_user", "copy.yaml")
    assert done.returncode == 0, done.stderr
    text = (folder / "copy.yaml").read_text()
    text = re.sub(r"(?m)^name: .*$", "name: power_user", text, count=1)
    (folder / "new.yaml").write_text(re.sub(r"(?m)^version: .*$", "version: 2", text, count=1))
    (folder / "copy.yaml").unlink()


def killed(folder: Path, job: Job, after: float) -> bool:
    """Starts the command and kills it; tells whether it was still at work then."""
    started = subprocess.Popen(
        [sys.executable, "-m", "powerml", *job.command], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=environment(), start_new_session=True,
    )  # fmt: skip
    if job.fresh:
        while started.poll() is None and not list(folder.glob(".powerml/.mlflow.db*")):
            time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(after)
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    return True


def left(folder: Path) -> dict[str, Any]:
    """All that a command left, in a form that does not depend on ids and times."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        inside = name.partition(".powerml/")[2]
        if path.is_dir() or (inside and not inside.startswith(("quarantine", "calibration_records"))):
            continue
        found[name] = _content(path)
    for database in sorted(folder.rglob("mlflow.db")):
        found[database.relative_to(folder).as_posix()] = store(database)
    return found


def _content(path: Path) -> Any:
    if path.name == "calibration_records.jsonl":
        last = json.loads(path.read_text().splitlines()[-1])
        return {key: last[key] for key in ("model", "version", "alias", "figures", "weights", "forced")}
    if path.parent.name == "reviews":
        timed = ("locked_at", "weights_sha256", "review_again_by")
        return [{k: v for k, v in entry.items() if k not in timed} for entry in yaml.safe_load(path.read_text())]
    if path.suffix == ".csv" and path.name in ("out.csv", "scores.csv", "x.csv"):
        frame = pd.read_csv(path, dtype=str)
        return frame.drop(columns=[name for name in TIMES if name in frame]).to_csv(index=False)
    if path.suffix == ".yaml":
        return re.sub(r"(?m)^#.*$", "", path.read_text())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def store(database: Path) -> dict[str, Any]:
    """The last session of a store: figures, params, files of its runs, and what the aliases point at."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as con:
        ask = lambda sql, *values: con.execute(sql, values).fetchall()  # noqa: E731
        parents = ask(
            "SELECT run_uuid FROM runs WHERE status = 'FINISHED' AND run_uuid NOT IN (SELECT run_uuid FROM tags"
            " WHERE key = 'mlflow.parentRunId') ORDER BY start_time DESC LIMIT 1"
        )
        told: dict[str, Any] = {"running": ask("SELECT count(*) FROM runs WHERE status = 'RUNNING'")}
        for (parent,) in parents:
            children = ask("SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' AND value = ?", parent)
            for (run,) in [(parent,), *children]:
                ((name, status),) = ask("SELECT name, status FROM runs WHERE run_uuid = ?", run)
                told[f"run {name}"] = {
                    "status": status,
                    "metrics": sorted(ask("SELECT key, step, value FROM metrics WHERE run_uuid = ?", run)),
                    "params": sorted(ask("SELECT key, value FROM params WHERE run_uuid = ?", run)),
                    "files": sorted(
                        path.relative_to(database.parent / "artifacts" / run).as_posix()
                        for path in (database.parent / "artifacts" / run).rglob("*")
                        if path.is_file()
                    ),
                }
        told["aliases"] = sorted(
            (
                alias,
                dict(ask("SELECT key, value FROM model_version_tags WHERE version = ?", version)).get("powerml.scorer"),
            )
            for alias, version in ask("SELECT alias, version FROM registered_model_aliases")
        )
        told["absolute"] = [
            value
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"))
            for (value,) in ask(f"SELECT {column} FROM {table}")
            if value.startswith(("/", "file:/"))
        ]
    return told


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what differs."""
    return [
        f"{name}: {str(one.get(name))[:300]} against {str(other.get(name))[:300]}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


@dataclass
class Reference:
    """A job's folder before it is run, what a whole run leaves, and how long it takes in seconds."""

    before: Path
    whole: dict[str, Any]
    seconds: float


def reference(job: Job, scratch: Path) -> Reference:
    """Runs the job once without a kill."""
    before, folder = scratch / job.name / "before", scratch / job.name / "whole"
    before.parent.mkdir()
    template(before, job)
    shutil.copytree(before, folder)
    began = time.monotonic()
    done = powerml(folder, *job.command)
    assert done.returncode == 0, done.stderr
    took = time.monotonic() - began
    found = left(folder)
    shutil.rmtree(folder)
    return Reference(before, found, took)


def once(job: Job, known: Reference, folder: Path, after: float) -> tuple[bool, list[str]]:
    """One kill and the run after it: whether it was killed at work, and what was wrong then."""
    shutil.copytree(known.before, folder)
    at_work = killed(folder, job, after)
    done = powerml(folder, *job.command)
    wrong = []
    if done.returncode != 0 and not (job.fails_when_done and job.fails_when_done in done.stderr):
        wrong.append(f"the next run ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    wrong += differences(left(folder), known.whole)
    shutil.rmtree(folder)
    return at_work, wrong


def run(kills: int, *, seed: int = 0, jobs: tuple[str, ...] = PLAN, say: Callable[[str], None] = print) -> int:
    """The number of kills after which something was wrong."""
    draw, failed, struck = random.Random(seed), 0, 0
    known: dict[str, Reference] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for number in range(kills):
            job = JOBS[jobs[number % len(jobs)]]
            if job.name not in known:
                known[job.name] = reference(job, scratch)
            turn, turns = number // len(jobs), max(1, kills // len(jobs))
            share = (turn + draw.random()) / turns if turns > 1 else draw.random()  # every stage has its turn
            after = draw.random() * 5 if job.fresh else share * known[job.name].seconds
            at_work, wrong = once(job, known[job.name], scratch / "case", after)
            struck += at_work
            failed += bool(wrong)
            how = "killed" if at_work else "done"
            say(f"{number + 1:3d} {job.name:12s} {how} after {after:5.1f} s: {wrong or 'equal'}")
    say(f"seed {seed}: {kills} runs, {struck} killed at work, {failed} not as if never killed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(run(int(sys.argv[1] if len(sys.argv) > 1 else 100), seed=int(sys.argv[2] if len(sys.argv) > 2 else 0),
                      jobs=tuple(sys.argv[3:]) or PLAN)))  # fmt: skip
