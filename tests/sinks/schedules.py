"""One random schedule of faults and kills: a child process syncs while the services misbehave and somebody shoots it.

The child is forked, so that a schedule costs a second and not a minute; it dies by SIGKILL, at a request (before or
after that took place) or at any moment. What must hold: in the end every service is as the export tables say; nothing
that was taken and written down comes again; what comes again comes under the same id and with the same content.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import stamina

from powerml.sinks import http, posthog, webhook
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks import fakes as misbehaving
from tests.sinks.fakes import FAULTS, Answer, FakeAttio, FakePosthog, Receiver, running
from tests.sinks.world import ENVIRONMENT, project_in, say, settings

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.config.project import ProjectSpec

NAMES = ("ada", "bob", "cyd", "dan", "eve", "fay", "gil", "hal", "ivy", "jon", "kim", "leo")
BEFORE, AFTER = "kill before it", "kill after it"
RUNS_WITH_FAULTS = 4  # of each night
PATIENCE = 0.6  # seconds that a child waits: on a busy machine an answer takes its time
TIERS = ((80, "Champion"), (60, "Power User"), (40, "Rising Star"), (0, "Standard"))


@dataclasses.dataclass
class Seen:
    """What happened: kills that struck a child at work, faults, repeats of what was in flight; `wrong` sentences."""

    kills: int = 0
    faults: int = 0
    repeats: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


class Watched:
    """Mixed into a fake: knows what each request carries, which of it was taken for good, and whom to shoot."""

    def watch(self, dice: random.Random, seen: Seen) -> None:
        self.dice, self.seen, self.child, self.trouble = dice, seen, 0, False
        self.settled: dict[str, str] = {}
        self.told: dict[str, str] = {}
        self.open: dict[str, str] = {}  # answered, and perhaps not written down yet
        self.faults = lambda *_: self._fault()

    def _fault(self) -> str | None:
        if not self.trouble or self.dice.random() > 0.35:
            return None
        chosen = self.dice.choice((*FAULTS, "redirect", BEFORE, AFTER, AFTER))
        self.seen.faults += 1
        return chosen

    def carried(self, method: str, path: str, body: Any) -> dict[str, str]:
        """Id -> content of the things in a request that must not come twice."""
        raise NotImplementedError

    def serve(self, method, target, headers, raw):
        path = target.partition("?")[0]
        reading = method == "GET" or path.endswith("/query")
        self.dying = None
        here = {} if reading else self.carried(method, path, json.loads(raw) if raw else None)
        if not reading:
            self.settled |= self.open  # the child asks for more, so it wrote down what was answered
            self.open = {}
        for id_, content in here.items():
            if id_ in self.settled:
                self.seen.wrong.append(f"{type(self).__name__}: {id_} was taken and written down, and comes again")
            if id_ in self.told:
                self.seen.repeats += 1
                if self.told[id_] != content:
                    self.seen.wrong.append(f"{type(self).__name__}: {id_} comes again with another content")
            self.told[id_] = content
        child = self.child
        answer = super().serve(method, target, headers, raw)
        with self.lock:
            self.open |= here if child == self.child else {}  # whoever asked may be dead by now
        return answer

    def handle(self, method, path, query, body):
        told = super().handle(method, path, query, body)
        if self.dying == AFTER:
            self._shoot()
        return told

    @property
    def faults(self):
        return self._faults

    @faults.setter
    def faults(self, choose):
        def chosen(*of):
            self.dying = choose(*of)
            if self.dying == BEFORE:
                self._shoot()
            return self.dying

        self.dying, self._faults = None, chosen

    def _shoot(self) -> None:
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            raise Answer("reset")

    def over(self, *, killed: bool) -> None:
        """A child has ended: what was answered to one that was not killed is written down."""
        if not killed:
            self.settled |= self.open
        self.seen.kills += killed
        self.open, self.child = {}, 0

    def compare(self, scores: dict[str, float]) -> None:
        """Holds what the service has against what the last night says."""
        for what, (got, meant) in self.held(scores).items():
            if got != meant:
                self.seen.wrong.append(f"{type(self).__name__}: {what}: {got}, not {meant}")

    def held(self, scores: dict[str, float]) -> dict[str, tuple[Any, Any]]:
        """What is there, and what is to be."""
        raise NotImplementedError


def tier(score: float) -> str:
    """The word of a score's tier."""
    return next(word for low, word in TIERS if score >= low)


class WatchedPosthog(Watched, FakePosthog):
    def carried(self, method, path, body):
        if path != "/batch/":
            return {}
        return {e["uuid"]: json.dumps(e, sort_keys=True) for e in body["batch"]}

    def held(self, scores):
        persons = {who: told for who, told in self.persons.items() if "power_user_score" in told}
        names = sorted(kind["name"] for kind in self.things["cohorts"].values())
        wanted = {who: (score, tier(score)) for who, score in scores.items()}
        told = {who: (p["power_user_score"], p["power_user_tier"]) for who, p in persons.items()}
        return {
            "persons": (told, wanted),
            "cohorts": (names, sorted(("Champions", "Power Users", "Rising Stars", "Standard Users"))),
            "members": (self.cohort("Champions"), {who for who, score in scores.items() if score >= 80}),
            "insights": (len(self.things["insights"]), 5),
        }


class WatchedAttio(Watched, FakeAttio):
    def carried(self, method, path, body):
        if method != "PUT":
            return {}
        told = json.dumps(body, sort_keys=True)
        return {f"{path} {told}": told}

    def held(self, scores):
        wanted = {f"{who}@shop.example": (score, tier(score)) for who, score in scores.items()}
        return {
            "records": (self.scores(), wanted),
            "list": (self.listed(), sorted(who for who, (score, _) in wanted.items() if score >= 60)),
        }


class WatchedReceiver(Watched, Receiver):
    def carried(self, method, path, body):
        rows = {json.dumps(row, sort_keys=True) for row in body["rows"]}
        return {f"row {row}": row for row in rows}

    def held(self, scores):
        return {"rows": ({who: row["score"] for who, row in self.rows.items()}, scores)}


FAKES: dict[str, type[Watched]] = {"posthog": WatchedPosthog, "attio": WatchedAttio, "webhook": WatchedReceiver}


def run(seed: int, folder: Path) -> Seen:
    """Plays the schedule of a seed, against one of the services, in an empty folder."""
    before, misbehaving.PATIENCE = misbehaving.PATIENCE, PATIENCE
    try:
        return _run(seed, folder)
    finally:
        misbehaving.PATIENCE = before


def _run(seed: int, folder: Path) -> Seen:
    dice, seen = random.Random(seed), Seen()
    people = {who: float(n) for who, n in zip(NAMES, dice.sample(range(5, 100), len(NAMES)), strict=True)}
    later = {who: float(n) for who, n in zip(NAMES, dice.sample(range(5, 100), len(NAMES)), strict=True)}
    for gone in dice.sample(NAMES, 2):
        del later[gone]
    bad = dice.choice([*later, None])
    name, kind = list(FAKES.items())[seed % len(FAKES)]
    fake = kind(bad=(bad if name != "attio" else f"{bad}@shop.example",) if bad else ())
    fake.watch(dice, seen)
    if dice.random() < 0.5:
        fake.limit = 3_000  # three or four events, or rows
    with running(fake) as address:
        environment = {**ENVIRONMENT, "HOOK_URL": f"{address}/hook"}
        project = project_in(folder / "shop", settings(address, name))
        for night, scores in (("2026-03-01", people), ("2026-03-02", later)):
            say(project, night, scores)
            for _ in range(RUNS_WITH_FAULTS):
                wrong = dict.fromkeys(("ATTIO_KEY", "PH_KEY"), "wrong") if dice.random() < 0.1 else {}
                delay = dice.uniform(0.02, 0.4) if dice.random() < 0.5 else None
                _child(project, fake, {**environment, **wrong}, trouble=True, shot_after=delay)
        for _ in range(2):
            _child(project, fake, environment, trouble=False)
        writes = fake.writes
        _child(project, fake, environment, trouble=False)
        if fake.writes != writes:
            seen.wrong.append(f"a sync with nothing to do writes {fake.writes - writes} times")
    fake.compare({who: score for who, score in later.items() if who != bad})
    return seen


def _child(
    project: ProjectSpec, fake: Watched, environment: dict[str, str], *, trouble: bool, shot_after: float | None = None
) -> None:
    """Syncs in a forked process, which may be shot; waits for its end."""
    child = os.fork()
    if child == 0:
        try:
            os.environ.update(environment)
            _hurry()
            sync(project, options=SyncOptions(apply=True))
        finally:
            os._exit(0)
    fake.child, fake.trouble = child, trouble
    timer = threading.Timer(shot_after or 0.0, _shoot_if_there, [child])
    if shot_after is not None:
        timer.start()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    if shot_after is not None:
        timer.join()
    time.sleep(0.05)  # what is being answered still
    with fake.lock:
        fake.over(killed=os.WIFSIGNALED(status))


def _shoot_if_there(child: int) -> None:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _hurry() -> None:
    """In the child alone: no waits, small batches."""
    stamina.set_testing(True, attempts=http.ATTEMPTS)
    http.Pace.step = lambda self: None
    made, before = http.Service.__init__, http.TIMEOUT_SECONDS
    made.__defaults__ = tuple(PATIENCE if value == before else value for value in made.__defaults__ or ())
    posthog.LARGEST_BATCH = webhook.LARGEST_CALL = 4
