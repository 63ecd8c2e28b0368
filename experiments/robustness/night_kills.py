"""`powerml night` killed with SIGKILL at any moment, while who is to be told is there, slow, broken or away.

    python experiments/robustness/night_kills.py [KILLS] [SEED]

After a kill the same night is run again, then the next one, with a receiver that works. What is left must equal what
two nights leave that nobody killed (with the same receiver): history, ledger, exports, deliveries; not times, the order
of files, and how often a night was begun. The receiver (`receiver.py`, on this machine) must have taken every digest;
one twice only where the kill fell between sending and recording, and under the same id.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from experiments.robustness.kills import differences
from experiments.robustness.warm import Ran, forked, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
MODES = ("ok", "slow", "500", "down")
FIRST, SECOND = "2026-03-02", "2026-03-03"
TEAMS = {"cs": "CS_URL", "sales": "SALES_URL"}
TABLES = ("people", "lists", "labels", "treatments")
TIMES = ("scored_at", "made_at", "digest", "snapshot_file")
LEDGER = {
    "run": "as_of, state, forced", "step": "as_of, step, state, sentence, counts", "looked": "*", "first_look": "*",
    "truth": "*", "alarm": "*", "sent_by": "*",
    "delivery": "alert, id, fired_at, destination, digest, state, error, text",
}  # fmt: skip
ENDS_AT = 600


def world(folder: Path) -> None:
    """Ten accounts of three; two of them fall silent in February, one grows; the list and the alerts are sent."""
    folder.mkdir(parents=True)
    draw, lines = random.Random(7), ["user_id,event,time"]
    days = [f"2026-{month:02d}-{day:02d}" for month, n in ((1, 31), (2, 28), (3, 2)) for day in range(1, n + 1)]
    for account in range(10):
        for place in range(3):
            for number, day in enumerate(days):
                silent = account < 2 and number > 38
                if not silent and draw.random() < (0.3 + 0.06 * account):
                    done = draw.sample(("open", "report", "export", "share", "invite"), 1 + account % 4)
                    at = f"{day}T{8 + place:02d}:{draw.randrange(60):02d}:00Z"
                    lines += [f"u{account}{place},{event},{at}" for event in done]
    for who, day in (("u40", "2026-03-01"), ("u50", "2026-03-02")):  # so that somebody rings at either night
        lines += [f"{who},open,{day}T{n // 60:02d}:{n % 60:02d}:30Z" for n in range(200)]
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    users = [f"u{a}{p},a{a},2025-06-0{1 + p}T00:00:00Z,Person {a}{p}" for a in range(10) for p in range(3)]
    (folder / "users.csv").write_text("user_id,account_id,created_at,name\n" + "\n".join(users) + "\n")
    declared = {
        "project": "shop", "tables": {"events": {"files": "events.csv"}, "users": {"files": "users.csv"}},
        "vocabulary": {
            "open": {"roles": ["login"]}, "report": {"feature": "reports", "tier": "core", "roles": ["report"]},
            "export": {"feature": "export", "tier": "advanced"}, "share": {"roles": ["share"]},
            "invite": {"roles": ["invite"]},
        },
        "night": {"stale_days": 3, "moved": 1.0},
        "notify": {team: [f"env:{name}"] for team, name in TEAMS.items()},
        "deliver": {"slipping": {"to": "cs", "every": "day"}, "added_teammates": {"to": "sales", "every": "day"},
                    "at_risk": {"to": "cs", "every": "day"}, "score_against_money": {"to": "sales", "every": "day"}},
        "alerts": ["mine.yaml"],
    }  # fmt: skip
    (folder / "powerml.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    rules = [
        {"name": "quiet", "when": ["events_30d <= 12"], "team": "cs", "action": "call"},
        {"name": "busy", "when": ["events_30d >= 180"], "team": "sales", "action": "offer more"},
        {"name": "burst", "when": ["events_30d >= 180"], "team": "cs", "action": "ask what they are at"},
    ]
    (folder / "mine.yaml").write_text(yaml.safe_dump({"alerts": rules}, sort_keys=False))


@contextlib.contextmanager
def receiver(log: Path) -> Iterator[int]:
    """Starts the receiver; gives its port."""
    log.touch()
    with subprocess.Popen([sys.executable, str(HERE / "receiver.py"), str(log)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass(frozen=True)
class Stage:
    """Where runs take place: the folder as it is before, the receiver's port and log."""

    before: Path
    scratch: Path
    port: int
    log: Path

    def night(self, folder: Path, day: str, case: str, mode: str, **how: Any) -> Ran:
        """A run of a night, with a receiver in that mode."""
        port = closed_port() if mode == "down" else self.port
        for name in TEAMS.values():
            os.environ[name] = f"json://127.0.0.1:{port}/{case}/{mode}"
        return forked(("night", "--as-of", day), folder, **({"seconds": ENDS_AT} | how))

    def taken(self, case: str) -> tuple[dict[str, str], collections.Counter[str]]:
        """The text of each digest that was taken, by id, and how often."""
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        mine = [row for row in rows if row["case"] == case and row["taken"]]
        return {row["id"]: row["body"] for row in mine}, collections.Counter(row["id"] for row in mine)


def left(folder: Path) -> dict[str, Any]:
    """All that nights left, in a form that does not depend on times and on the last digit of sums."""
    from powerml.history.store import NightHistory

    history, found = NightHistory(folder / ".powerml" / "history"), dict[str, Any]()
    for night in history.every():
        name = f"{night.as_of} {night.stem} {night.role}"
        found[f"{name} entry"] = {k: v for k, v in vars(night).items() if k not in TIMES}
        found[f"{name} scores"] = _plain(history.scores(night))
        found[f"{name} snapshot"] = _plain(history.snapshot(night))
        for table in (*TABLES, f"tree_{night.scorer}"):
            made = history.table(night, table)
            found[f"{name} {table}"] = None if made is None else _plain(made)
    for path in sorted((folder / "exports").iterdir()):
        if path.suffix == ".parquet":
            found[path.name] = _plain(pd.read_parquet(path))
        else:
            text = path.read_text(encoding="utf-8")
            found[path.name] = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", "TIME", text)
    with contextlib.closing(sqlite3.connect(folder / ".powerml" / "night.db")) as con:
        for table, columns in LEDGER.items():
            rows = con.execute(f"SELECT {columns} FROM {table}").fetchall()
            found[f"ledger {table}"] = sorted(map(_without_names, rows), key=str)
    return found


def _plain(frame: pd.DataFrame) -> str:
    return frame.drop(columns=[n for n in TIMES if n in frame]).to_csv(index=False, float_format="%.10g")


def _without_names(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of the ledger; of the counts what names files or holds entries of the history is left out."""
    if not (isinstance(row[-1], str) and row[-1].startswith("{")):
        return row
    counts = {k: v for k, v in json.loads(row[-1]).items() if k not in ("file", "nights")}
    return (*row[:-1], json.dumps(counts, sort_keys=True))


@dataclass(frozen=True)
class Whole:
    """Two nights that nobody killed: what they leave, what was taken, how long the first took, and its changes."""

    left: dict[str, Any]
    taken: dict[str, str]
    seconds: float
    changes: int


def whole(stage: Stage, mode: str) -> Whole:
    """Both nights without a kill."""
    folder, case = stage.scratch / f"whole-{mode}", f"whole-{mode}"
    shutil.copytree(stage.before, folder)
    first = stage.night(folder, FIRST, case, mode)
    second = stage.night(folder, SECOND, case, "ok")
    assert (first.status, second.status) == (int(mode in ("500", "down")), 0), first.err + second.err + first.out
    taken, counts = stage.taken(case)
    assert taken
    assert set(counts.values()) == {1}
    assert len(taken) == 2 * len(TEAMS), taken  # a digest a night for each
    found = left(folder)
    shutil.rmtree(folder)
    return Whole(found, taken, first.seconds, first.changes)


def once(stage: Stage, known: Whole, case: str, mode: str, turn: int, share: float) -> tuple[Ran, list[str]]:
    """One kill and the two runs after it: how the killed one ended, and what was wrong."""
    folder = stage.scratch / case
    shutil.copytree(stage.before, folder)
    how: dict[str, Any] = {"seconds": share * known.seconds}
    if turn % 2:
        how = {"dies_at": 1 + int(share * known.changes)}
    struck = stage.night(folder, FIRST, case, mode, **how)
    again = stage.night(folder, FIRST, case, mode)
    after = stage.night(folder, SECOND, case, "ok")
    wrong = []
    if again.status != int(mode in ("500", "down")) or after.status:
        wrong.append(
            f"the next runs ended with {again.status} and {after.status}: {again.err[-300:]} {after.err[-300:]}"
        )
    wrong += differences(left(folder), known.left)
    taken, counts = stage.taken(case)
    wrong += [] if taken == known.taken else [f"taken were {taken}, not {known.taken}"]
    twice = [one for one, n in counts.items() if n > 1]
    if len(twice) > int(struck.stopped) or any(n > 2 for n in counts.values()):
        wrong.append(f"sent more than once: {twice}")
    shutil.rmtree(folder)
    return replace(struck, out=f"{len(twice)} digests twice"), wrong


def run(kills: int, *, seed: int = 0, say: Callable[[str], None] = print) -> int:
    """The number of kills after which something was wrong."""
    warm()
    draw, failed, struck = random.Random(seed), 0, 0
    turns = draw.sample(range(kills), kills)
    with tempfile.TemporaryDirectory() as name, receiver(Path(name) / "log") as port:
        stage = Stage(Path(name) / "before", Path(name), port, Path(name) / "log")
        world(stage.before)
        for command in (("--from", "2026-01-29", "--to", "2026-01-30"), ("--as-of", "2026-03-01")):
            os.environ.update(dict.fromkeys(TEAMS.values(), f"json://127.0.0.1:{port}/before/ok"))
            done = forked(("night", *command), stage.before, seconds=ENDS_AT)
            assert done.status == 0, done.err + done.out
        known: dict[str, Whole] = {}
        for number, turn in enumerate(turns):
            mode = MODES[number % len(MODES)]
            if mode not in known:
                known[mode] = whole(stage, mode)
            share = (turn + draw.random()) / kills
            ended, wrong = once(stage, known[mode], f"case-{number}", mode, turn, share)
            struck += ended.stopped
            failed += bool(wrong)
            how = "killed" if ended.stopped else "done"
            say(f"{number + 1:3d} receiver {mode:4s} {how} at {share:4.0%} by {('time', 'change')[turn % 2]}, after "
                f"{ended.seconds:4.1f} s and {ended.changes} changes, {ended.out}: {wrong or 'equal'}")  # fmt: skip
    say(f"seed {seed}: {kills} runs, {struck} killed at work, {failed} not as if never killed")
    return failed


if __name__ == "__main__":
    sys.exit(
        bool(run(int(sys.argv[1] if len(sys.argv) > 1 else 60), seed=int(sys.argv[2] if len(sys.argv) > 2 else 0)))
    )
