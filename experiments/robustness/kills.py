"""Commands killed with SIGKILL at any moment: the next run completes, and equals one that was never killed.

    python experiments/robustness/kills.py [KILLS] [SEED] [JOB ...]

For each job a run that nobody kills is the reference. Then, from the same folder as before, the command is started,
killed, and run again: at a share of the time that the reference took, or before one of its changes of files, or (job
`fresh`) while the store is made; the shares are spread over all of it. Runs are children of a process that has imported
everything (`warm.py`). Compared is all that it leaves: tables, runs, figures, models, aliases, records; not run ids,
times, the order of files, and what the killed run itself had logged, which must be marked as killed.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import random
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.warm import Ran, forked, warm
from powerml.writing import existing_database

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "raw"
TIMES = ("scored_at", "computed_at", "model_version")
WRITTEN = ("out.csv", "scores.csv", "x.csv", "one.csv", "two.csv", "alone.csv")
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
NIGHT = ("snapshot", "--as-of")
JOBS = {
    job.name: job
    for job in (
        Job("snapshot", ("snapshot", "--monthly", "2026-01-01", "2026-02-01", "-o", "out.csv")),
        Job(
            "train", FEATURES, before=(("score", "--weights", "engagement", "--metrics", "metrics.csv", "-o", "x.csv"),)
        ),
        Job("train again", FEATURES, before=(FEATURES,)),
        Job("fresh", FEATURES, fresh=True),
        Job("night", (*NIGHT, "2026-02-01", "-o", "out.csv"), before=((*NIGHT, "2026-01-31", "-o", "out.csv"),)),
        Job("score", ("score", "--weights", "engagement", "--as-of", "2026-02-01", "-o", "out.csv")),
        Job("lock", ("review", "lock", "sheet.csv", "new.yaml"), fails_when_done="has been changed since"),
        Job("promote", ("promote", "1", "--force"), before=(FEATURES,)),
        Job("demo", ("demo", "--users", "150", "--out", "shop"), fails_when_done="is there already"),
    )
}
PLAN = ("snapshot", "train", "fresh", "score", "lock", "fresh", "promote", "train again", "night", "demo")


def powerml(folder: Path, *command: str) -> Ran:
    """A run that nobody kills."""
    return forked(command, folder, seconds=ENDS_AT)


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
        assert done.status == 0, done.err


def _sheet(folder: Path) -> None:
    """A sheet that came back, and the weights that somebody made of it."""
    done = powerml(folder, "review", "sheet", "--weights", "power_user", "--top", "10", "-o", "sheet.csv")
    assert done.status == 0, done.err
    sheet = pd.read_csv(folder / "sheet.csv", dtype=str)
    sheet.assign(answer=["yes", "no"] * 5).to_csv(folder / "sheet.csv", index=False)
    done = powerml(folder, "weights", "copy", "power_user", "copy.yaml")
    assert done.status == 0, done.err
    text = (folder / "copy.yaml").read_text()
    text = re.sub(r"(?m)^name: .*$", "name: power_user", text, count=1)
    (folder / "new.yaml").write_text(re.sub(r"(?m)^version: .*$", "version: 2", text, count=1))
    (folder / "copy.yaml").unlink()


def has_draft(folder: Path) -> bool:
    """Whether a store is being made: the database beside its place, not in it."""
    return bool(list(folder.glob(".powerml/.mlflow.db*")))


def left(folder: Path) -> dict[str, Any]:
    """All that a command left, in a form that does not depend on ids and times."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        inside = name.partition(".powerml/")[2]
        if path.is_dir() or (inside and not inside.startswith(("quarantine", "calibration_records"))):
            continue
        found[name] = content(path)
    for database in sorted(folder.rglob("mlflow.db")):
        found[database.relative_to(folder).as_posix()] = store(database)
    return found


def content(path: Path) -> Any:
    """What a file holds, without times."""
    if path.name == "calibration_records.jsonl":
        last = json.loads(path.read_text().splitlines()[-1])
        return {key: last[key] for key in ("model", "version", "alias", "figures", "weights", "forced")}
    if path.parent.name == "reviews":
        timed = ("locked_at", "weights_sha256", "review_again_by")
        return [{k: v for k, v in entry.items() if k not in timed} for entry in yaml.safe_load(path.read_text())]
    if path.suffix == ".csv" and path.name in WRITTEN:
        frame = pd.read_csv(path)  # sums of amounts depend in their last digit on the order that threads take
        return frame.drop(columns=[name for name in TIMES if name in frame]).to_csv(index=False, float_format="%.10g")
    if path.suffix == ".yaml":
        return re.sub(r"(?m)^#.*$", "", path.read_text())
    if path.suffix == ".html":
        return hashlib.sha256(plain_page(path.read_text(encoding="utf-8")).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plain_page(html: str) -> str:
    """A page without what no two runs share: pseudonyms (their key is drawn), names of data, last digits of sums."""
    html = re.sub(r"\be-[0-9a-f]{16}\b", "PSEUDONYM", html)
    html = re.sub(r"\bdata-[0-9a-f]{32}\b", "DATA", html)
    return re.sub(r"-?\d+\.\d{9,}(e[+-]?\d+)?", lambda number: f"{round(float(number[0]), 9) + 0.0:.8g}", html)


def store(database: Path) -> dict[str, Any]:
    """The last session of a store: figures, params, files of its runs, and what the aliases point at."""
    with contextlib.closing(existing_database(database)) as con:
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
    """A job's folder before it is run, what a whole run leaves, how many seconds and changes of files it takes, and
    how many seconds of them the store is in the making.
    """

    before: Path
    whole: dict[str, Any]
    seconds: float
    changes: int
    making: float


def reference(job: Job, scratch: Path) -> Reference:
    """Runs the job once without a kill."""
    before, folder = scratch / job.name / "before", scratch / job.name / "whole"
    before.parent.mkdir()
    template(before, job)
    shutil.copytree(before, folder)
    seen: list[float] = []

    def look() -> bool:
        if has_draft(folder):
            seen.append(time.monotonic())
        return False

    done = forked(job.command, folder, seconds=ENDS_AT, until=look)
    assert done.status == 0, done.err
    found = left(folder)
    shutil.rmtree(folder)
    return Reference(before, found, done.seconds, done.changes, seen[-1] - seen[0] if seen else 0.0)


@dataclass(frozen=True)
class Kill:
    """When a run is killed: at a share of its time or of its changes of files, or of the making of its store."""

    by: str
    share: float

    def strike(self, job: Job, known: Reference, folder: Path) -> Ran:
        """The run that is killed."""
        if self.by == "making":
            return forked(job.command, folder, seconds=self.share * known.making, until=lambda: has_draft(folder))
        if self.by == "change":
            return forked(job.command, folder, seconds=ENDS_AT, dies_at=1 + int(self.share * known.changes))
        return forked(job.command, folder, seconds=self.share * known.seconds)


def once(job: Job, known: Reference, folder: Path, kill: Kill) -> tuple[Ran, list[str]]:
    """One kill and the run after it: how the killed one ended, and what was wrong after the next."""
    shutil.copytree(known.before, folder)
    struck = kill.strike(job, known, folder)
    done = powerml(folder, *job.command)
    wrong = []
    if done.status != 0 and not (job.fails_when_done and job.fails_when_done in done.err):
        wrong.append(f"the next run ended with {done.status}: {done.err.strip()[-500:]}")
    wrong += differences(left(folder), known.whole)
    shutil.rmtree(folder)
    return struck, wrong


def run(kills: int, *, seed: int = 0, jobs: tuple[str, ...] = PLAN, say: Callable[[str], None] = print) -> int:
    """The number of kills after which something was wrong."""
    draw, failed, struck = random.Random(seed), 0, 0
    known: dict[str, Reference] = {}
    times = collections.Counter(jobs[number % len(jobs)] for number in range(kills))
    turns = {name: draw.sample(range(n), n) for name, n in sorted(times.items())}
    warm()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for number in range(kills):
            job = JOBS[jobs[number % len(jobs)]]
            if job.name not in known:
                known[job.name] = reference(job, scratch)
            turn = turns[job.name].pop()  # every stage has its turn, in any order
            share = (turn + draw.random()) / times[job.name]
            kill = Kill("making" if job.fresh else ("time", "change")[turn % 2], share)
            ended, wrong = once(job, known[job.name], scratch / "case", kill)
            struck += ended.stopped
            failed += bool(wrong)
            how = "killed" if ended.stopped else "done"
            say(
                f"{number + 1:3d} {job.name:12s} {how} at {share:5.0%} by {kill.by}, after {ended.seconds:4.1f} s and "
                f"{ended.changes} changes: {wrong or 'equal'}"
            )
    say(f"seed {seed}: {kills} runs, {struck} killed at work, {failed} not as if never killed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(run(int(sys.argv[1] if len(sys.argv) > 1 else 100), seed=int(sys.argv[2] if len(sys.argv) > 2 else 0),
                      jobs=tuple(sys.argv[3:]) or PLAN)))  # fmt: skip
