"""What PostHog drops behind a clean 200 is noticed by a read an hour later, and goes again under the same id."""

from datetime import timedelta

import pytest

from powerml.sinks import posthog_read
from powerml.sinks.plans import utc_now
from powerml.sinks.posthog import PosthogSink
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import Answer, FakePosthog, running
from tests.sinks.world import PEOPLE, project_in, say, settings

pytestmark = pytest.mark.usefixtures("patient")
APPLY = SyncOptions(apply=True)


class Dropping(FakePosthog):
    """Says 200 and loses the first event of some people."""

    loses = ("bob", "eve")

    def _take(self, batch):
        kept = [e for e in batch if e["distinct_id"] not in self.loses or e["uuid"] in self.received]
        self.received += [e["uuid"] for e in batch if e not in kept]
        super()._take(kept)


@pytest.fixture
def world(tmp_path, monkeypatch):
    fake, later = Dropping(), [timedelta(0)]
    made = PosthogSink.connected.__func__

    def connected(cls, *args, **more):
        sink = made(cls, *args, **more)
        sink.now = lambda: utc_now() + later[0]
        return sink

    monkeypatch.setattr(PosthogSink, "connected", classmethod(connected))
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        sync(project, options=APPLY)
        yield project, fake, later


def asked(fake):
    return [path for _, path, _ in fake.calls if path.endswith("/query/")]


def test_what_got_lost_goes_again_once_with_the_next_night(world):
    project, fake, later = world
    assert set(fake.persons) == set(PEOPLE) - {"bob", "eve"}
    (same,) = sync(project, options=APPLY)  # within the hour nobody can tell
    assert (same.done.written, asked(fake)) == (0, [])
    later[0] = timedelta(hours=24)
    say(project, "2026-03-02", {who: score - 1 for who, score in PEOPLE.items()})
    fake.loses = ()
    (said,) = sync(project)
    assert "2 of 5 events that PostHog took are not there, and go again" in said.plan.remarks
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert done.plan.counts() == {"event": {"create": 7}}
    days = {(e["distinct_id"], e["timestamp"][:10]) for e in fake.events.values()}
    assert days == {(who, day) for who in PEOPLE for day in ("2026-03-01", "2026-03-02")}
    assert {who: told["power_user_score"] for who, told in fake.persons.items()}["bob"] == round(PEOPLE["bob"] - 1)
    assert len(fake.received) == 10 + 2  # the two came a second time, under their ids
    assert len(set(fake.received)) == 10
    (again,) = sync(project, options=APPLY)
    assert (again.done.written, again.plan.remarks) == (0, ())


def test_pages_of_a_read_are_followed(world, monkeypatch):
    project, fake, later = world
    monkeypatch.setattr(posthog_read, "READ_PAGE", 2)
    later[0] = timedelta(hours=2)
    (said,) = sync(project)
    assert said.plan.counts() == {"event": {"create": 2}}
    assert len(asked(fake)) == 2  # three that are there: a full page, and one more


def test_a_key_that_may_not_read_is_a_remark_and_holds_nothing(world):
    project, fake, later = world
    later[0] = timedelta(hours=2)
    entry = fake.entry

    def refused(headers, body):
        entry(headers, body)
        if body and "query" in body:
            raise Answer(403, {"detail": "lacks query:read"})

    fake.entry = refused
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert done.plan.remarks[0].startswith("what arrived cannot be read back: PostHog: does not take the secret in")
