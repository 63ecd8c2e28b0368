"""15,000 people of whom one in twenty changed: as fast as the limits allow, and no faster; bodies under their limit."""

import time

import pytest

from powerml.history.ledger import open_ledger
from powerml.history.sent import SinkLedger
from powerml.history.standing import Standing
from powerml.history.store import NightHistory
from powerml.sinks.attio import AttioSink
from powerml.sinks.http import Pace
from powerml.sinks.posthog import LARGEST_BATCH, LARGEST_BATCH_BYTES, PosthogSink
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import FakeAttio, FakePosthog, running
from tests.sinks.test_http import STEP, Clock
from tests.sinks.world import project_in, say, settings

MANY = 15_000
CHANGED = MANY // 20
ALLOWED = 25  # writes a second


def scores(changed=0):
    return {f"u{n:05d}": float(n % 90) + (7.0 if n < changed else 0.0) for n in range(MANY)}


def entry(id_):
    return {"id": {"entry_id": f"entry-{id_}"}, "parent_record_id": f"person-{id_}"}


def record(id_):
    return {"id": {"record_id": f"person-{id_}"}, "values": {"email_addresses": [f"{id_}@shop.example"]}}


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_attio_gets_one_in_twenty_of_15000_at_its_own_pace(tmp_path, monkeypatch):
    clock, fake, at = Clock(), FakeAttio(), []
    pace = Pace(24.0, clock.monotonic, clock.sleep)

    def step(_self):
        STEP(pace)
        at.append(clock.now)
        clock.now += 0.004  # what an answer takes

    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "attio"))
        say(project, "2026-03-01", scores())
        history = NightHistory.of(project)
        standing = Standing(history, history.newest(), project.project, project.timezone)
        with open_ledger(project.state) as opened:  # as if the first night had been sent
            ledger = SinkLedger.on(opened.con, "attio")
            monkeypatch.delenv("ATTIO_KEY")
            sink = AttioSink.connected(project.sync.attio)
            first = sink.plan(standing, ledger)
            monkeypatch.setenv("ATTIO_KEY", FakeAttio.token)
            structure = [w for w in first.writes if w.kind not in ("person", "entry")]
            rows = [w for w in first.writes if w.kind in ("person", "entry")]
        sync(project, options=SyncOptions(apply=True, max_writes=7))  # attributes, options and the list
        with open_ledger(project.state) as opened:
            ledger = SinkLedger.on(opened.con, "attio")
            ledger.write([w.row("sent", remote=f"{w.kind}-{w.id}") for w in rows], now=sink.now())
        fake.entries["power_user_candidates"] = {w.id: entry(w.id) for w in rows if w.kind == "entry"}
        fake.records["people"] = {f"person-{w.id}": record(w.id) for w in rows if w.kind == "person"}
        writes = fake.writes
        sync(project, options=SyncOptions(apply=True))
        assert fake.writes == writes == 7
        assert [w.kind for w in structure] == ["attribute", "attribute", "list"]
        say(project, "2026-03-02", scores(CHANGED))
        at.clear()
        monkeypatch.setattr(Pace, "step", step)
        writes = fake.writes
        (done,) = sync(project, options=SyncOptions(apply=True))
    assert not done.findings
    told = done.plan.counts()
    assert told["person"] == {"update": CHANGED}
    assert fake.writes - writes == done.done.written <= len(at)  # what is asked by POST waits its turn, too
    most = max(sum(first <= other < first + 1 for other in at[place : place + 40]) for place, first in enumerate(at))
    assert most <= ALLOWED
    took = at[-1] - at[0]
    assert took <= 1.1 * len(at) / ALLOWED
    assert len(at) / ALLOWED <= took + 1


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_posthog_gets_15000_in_batches_under_its_limit_and_a_second_look_is_cheap(tmp_path):
    fake = FakePosthog()
    sizes = []
    serve = fake.serve
    fake.serve = lambda method, target, headers, raw: sizes.append(len(raw)) or serve(method, target, headers, raw)
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", scores())
        (done,) = sync(project, options=SyncOptions(apply=True))
        assert not done.findings
        assert len(fake.persons) == MANY
        batches = [body["batch"] for _, path, body in fake.calls if path == "/batch/"]
        assert [len(batch) for batch in batches] == [LARGEST_BATCH] * (MANY // LARGEST_BATCH)
        assert max(sizes) < LARGEST_BATCH_BYTES + 1_000 < fake.limit
        history = NightHistory.of(project)
        standing = Standing(history, history.newest(), project.project, project.timezone)
        with open_ledger(project.state) as opened:
            ledger, sink = SinkLedger.on(opened.con, "posthog"), PosthogSink.connected(project.sync.posthog)
            assert standing.tiers is not None  # read once, for all sinks
            began = time.process_time()
            plan = sink.plan(standing, ledger)
            seconds = time.process_time() - began
    assert (plan.writes, plan.stays) == ((), MANY + 10)
    assert seconds < 2.0
