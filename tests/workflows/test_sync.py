"""A dry run says what a sync does; a second one writes nothing; the next night writes what changed; leavers leave."""

from datetime import UTC, date, datetime

import pytest

from powerml.errors import UsageError
from powerml.history.ledger import open_ledger
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.conftest import _at_once  # noqa: F401  (a fixture)
from tests.sinks.fakes import FakeAttio, FakePosthog, running
from tests.sinks.world import PEOPLE, project_in, say, settings

APPLY = SyncOptions(apply=True)


@pytest.fixture
def posthog(tmp_path):
    fake = FakePosthog()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        yield project, fake


@pytest.fixture
def attio(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "attio"))
        say(project, "2026-03-01", PEOPLE)
        yield project, fake


def test_a_dry_run_says_what_posthog_gets_and_a_sync_does_it(posthog):
    project, fake = posthog
    (said,) = sync(project)
    assert said.plan.counts() == {
        "cohort": {"create": 4}, "dashboard": {"create": 1}, "insight": {"create": 5}, "event": {"create": 5}
    }  # fmt: skip
    assert fake.writes == 0
    (done,) = sync(project, options=APPLY)
    assert (done.done.written, done.findings) == (15, False)
    assert {id_: p["power_user_score"] for id_, p in fake.persons.items()} == {
        "ada": 91, "bob": 78, "cyd": 60, "dan": 45, "eve": 12
    }  # fmt: skip
    assert [fake.cohort(name) for name in ("Champions", "Power Users", "Rising Stars", "Standard Users")] == [
        {"ada"}, {"bob", "cyd"}, {"dan"}, {"eve"}
    ]  # fmt: skip
    event = next(e for e in fake.events.values() if e["distinct_id"] == "bob")
    assert event["event"] == "power_user_score_computed"
    assert event["timestamp"] == "2026-03-01T00:00:00Z"
    told = event["properties"]
    assert {k: v for k, v in told.items() if k.endswith(("_score", "percentile")) and k[0] in "cdtsp"} == {
        "composite_score": 78, "depth_score": 78, "tenure_score": 71, "collaboration_score": 63,
        "sentiment_score": None, "percentile": 80,
    }  # fmt: skip
    assert told["$set"] == {
        "power_user_score": 78,
        "power_user_tier": "Power User",
        "power_user_percentile": 80,
        "power_user_scored_at": "2026-03-01T02:00:00Z",
        "power_user_model": "power_user@1",
    }
    assert told["$groups"] == {"company": "bob-inc"}
    (board,) = fake.things["dashboards"]
    assert all(i["dashboards"] == [board] for i in fake.things["insights"].values())
    before = fake.writes
    (again,) = sync(project, options=APPLY)
    assert (again.done.written, fake.writes) == (0, before)


def test_the_next_night_at_posthog_has_events_and_takes_the_tier_of_those_who_left(posthog):
    project, fake = posthog
    sync(project, options=APPLY)
    say(project, "2026-03-02", {"ada": 95, "bob": 50, "cyd": 61, "dan": 40}, inactive=("dan",))
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"event": {"create": 3}, "person": {"remove": 2}}
    assert fake.persons["eve"] == fake.persons["dan"] == {}
    assert fake.cohort("Rising Stars") == {"bob"}
    assert len(fake.received) == len(set(fake.received)) == 10
    before = fake.writes
    sync(project, options=APPLY)
    assert fake.writes == before


def test_a_night_that_was_not_sent_is_sent_with_the_next(posthog):
    project, fake = posthog
    sync(project, options=APPLY)
    fake.faults = lambda *_: "500"
    say(project, "2026-03-02", {"ada": 90})
    (down,) = sync(project, options=APPLY)
    assert down.findings
    assert "PostHog: answers 500 (it is broken)" in down.done.failed
    fake.faults = lambda *_: None
    say(project, "2026-03-03", {"ada": 89})
    sync(project, options=APPLY)
    days = {
        e["timestamp"][:10]: e["properties"]["composite_score"]
        for e in fake.events.values()
        if e["distinct_id"] == "ada" and "composite_score" in e["properties"]
    }
    assert days == {"2026-03-01": 91, "2026-03-02": 90, "2026-03-03": 89}
    assert fake.persons["ada"]["power_user_score"] == 89


def test_earlier_nights_go_as_a_migration_that_touches_nobody(posthog):
    project, fake = posthog
    say(project, "2026-02-01", {"ada": 50}, made_by="backfill")
    sync(project, options=APPLY)
    sync(project, options=SyncOptions(apply=True, since=date(2026, 1, 1)))
    batches = [body for _, path, body in fake.calls if path == "/batch/"]
    assert [b["historical_migration"] for b in batches] == [False, True]
    assert "$set" not in batches[1]["batch"][0]["properties"]
    assert fake.persons["ada"]["power_user_score"] == 91


def test_attio_gets_attributes_scores_and_a_list(attio):
    project, fake = attio
    (said,) = sync(project)
    assert said.plan.counts() == {
        "attribute": {"create": 2}, "option": {"create": 4}, "list": {"create": 1},
        "person": {"create": 5}, "entry": {"create": 3},
    }  # fmt: skip
    (done,) = sync(project, options=APPLY)
    assert (done.done.written, done.findings) == (15, False)
    assert fake.scores() == {
        "ada@shop.example": (91, "Champion"),
        "bob@shop.example": (78, "Power User"),
        "cyd@shop.example": (60, "Power User"),
        "dan@shop.example": (45, "Rising Star"),
        "eve@shop.example": (12, "Standard"),
    }
    assert fake.listed() == ["ada@shop.example", "bob@shop.example", "cyd@shop.example"]
    before = fake.writes
    (again,) = sync(project, options=APPLY)
    assert (again.plan.counts(), fake.writes) == ({}, before)
    assert again.plan.stays == 15


def test_the_next_night_at_attio_writes_what_changed_and_removes_who_left(attio):
    project, fake = attio
    sync(project, options=APPLY)
    say(project, "2026-03-02", {"ada": 91.4, "bob": 55, "cyd": 66, "dan": 61})
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"person": {"update": 3, "remove": 1}, "entry": {"remove": 1, "create": 1}}
    assert fake.listed() == ["ada@shop.example", "cyd@shop.example", "dan@shop.example"]
    assert fake.scores() == {
        "ada@shop.example": (91, "Champion"),
        "bob@shop.example": (55, "Rising Star"),
        "cyd@shop.example": (66, "Power User"),
        "dan@shop.example": (61, "Power User"),
    }


def test_a_new_address_is_another_record_and_the_old_one_is_emptied(attio):
    project, fake = attio
    sync(project, options=APPLY)
    say(project, "2026-03-02", PEOPLE, emails={"ada": "ada@new.example"})
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"person": {"remove": 1, "create": 1}, "entry": {"remove": 1, "create": 1}}
    assert "ada@shop.example" not in fake.scores()
    assert fake.listed() == ["ada@new.example", "bob@shop.example", "cyd@shop.example"]


def test_who_has_no_address_of_their_own_is_named(attio):
    project, fake = attio
    scores = {**PEOPLE, "fay": 70, "x" * 201: 80}
    emails = {"ada": None, "bob": "both@shop.example", "cyd": "BOTH@shop.example", "dan": "no address"}
    say(project, "2026-03-02", scores, emails=emails)
    (done,) = sync(project, options=APPLY)
    assert done.findings
    assert {a.id: a.why for a in done.plan.aside} == {
        "ada": "no e-mail address is known",
        "bob": "the e-mail address is also that of cyd",
        "cyd": "the e-mail address is also that of bob",
        "dan": "what stands as e-mail address is none",
        "x" * 201: "the id has 201 characters, more than 200",
    }
    assert set(fake.scores()) == {"eve@shop.example", "fay@shop.example"}


@pytest.mark.parametrize("what", ["attribute", "list"])
def test_what_somebody_else_made_is_left_alone_unless_adopted(attio, what):
    project, fake = attio
    if what == "attribute":
        fake.attributes["people"]["power_user_score"] = {"api_slug": "power_user_score", "type": "number", "id": {}}
    else:
        fake.lists["power_user_candidates"] = {"api_slug": "power_user_candidates", "parent_object": ["people"]}
    (done,) = sync(project, options=APPLY)
    assert (fake.writes, done.findings) == (0, True)
    assert "that powerml did not make" in done.plan.refusal
    assert "--adopt" in done.plan.refusal
    (done,) = sync(project, options=SyncOptions(apply=True, adopt=True))
    assert not done.findings
    assert len(fake.scores()) == 5
    (again,) = sync(project, options=APPLY)
    assert (again.findings, again.done.written) == (False, 0)


def test_without_a_secret_a_dry_run_plans_from_the_ledger(attio, monkeypatch):
    project, fake = attio
    sync(project, options=APPLY)
    say(project, "2026-03-02", {**PEOPLE, "ada": 50})
    monkeypatch.delenv("ATTIO_KEY")
    before = len(fake.calls)
    (said,) = sync(project)
    assert said.plan.counts() == {"person": {"update": 1}, "entry": {"remove": 1}}
    assert said.plan.remarks == (
        "the environment variable ATTIO_KEY is not set, so this is planned from the ledger alone",
    )
    assert len(fake.calls) == before
    (done,) = sync(project, options=APPLY)
    assert done.done.failed == "the environment variable ATTIO_KEY is not set"


def test_max_writes_leaves_the_rest_for_the_next_time(attio):
    project, fake = attio
    (done,) = sync(project, options=SyncOptions(apply=True, max_writes=9))
    assert (done.done.written, done.plan.waiting) == (9, 6)
    assert len(fake.scores()) == 2
    sync(project, options=APPLY)
    assert len(fake.scores()) == 5


@pytest.fixture
def braked(tmp_path):
    """Attio has a night, and the next one is held: of five people two are left."""
    fake = FakeAttio()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "attio"), night={})
        say(project, "2026-03-01", PEOPLE)
        sync(project, options=APPLY)
        say(project, "2026-03-02", {"ada": 20, "bob": 10})
        yield project, fake


DAY, NOW = date(2026, 3, 2), datetime(2026, 3, 2, 2, tzinfo=UTC)


def begun(project, day=DAY, *, forced=False):
    with open_ledger(project.state) as ledger:
        ledger.begin(day, forced=forced, now=NOW)


def test_what_held_the_night_holds_a_sync_by_hand(braked):
    project, fake = braked
    begun(project)
    (said,) = sync(project)
    assert said.plan.writes
    before = fake.writes
    (held,) = sync(project, options=APPLY)
    assert (fake.writes, held.findings, held.done) == (before, True, None)
    assert held.plan.refusal.startswith("held back, for: 2 entities, 60 % fewer than the 5 of 2026-03-01")
    assert held.plan.refusal.endswith("When that is right, lift the brake with --force")
    with open_ledger(project.state) as ledger:
        ledger.mark(DAY, "sync", "held", now=NOW)
    (held,) = sync(project, options=APPLY)
    assert held.plan.refusal
    (done,) = sync(project, options=SyncOptions(apply=True, force=True))
    assert not done.findings
    assert set(fake.scores()) == {"ada@shop.example", "bob@shop.example"}
    say(project, "2026-03-03", {"ada": 99, "bob": 98})
    begun(project, date(2026, 3, 3), forced=True)
    (done,) = sync(project, options=APPLY)  # the night's brake was lifted
    assert done.done.written


def test_where_no_night_was_run_its_brakes_hold_all_the_same(braked):
    project, fake = braked
    before = fake.writes
    (said,) = sync(project)
    assert said.plan.writes
    (told,) = said.plan.remarks
    assert told.startswith("a brake of the night holds, so --apply writes nothing without --force: 2 entities, 60 %")
    assert not said.findings
    (held,) = sync(project, options=APPLY)
    assert (fake.writes, held.findings, held.done) == (before, True, None)
    assert held.plan.refusal.startswith("held back, for: 2 entities, 60 % fewer than the 5 of 2026-03-01")


def test_a_brake_that_was_lifted_is_written_down_with_what_it_said_and_stays_lifted(braked):
    project, fake = braked
    (done,) = sync(project, options=SyncOptions(apply=True, force=True, max_writes=1))
    assert done.plan.remarks[0].startswith("brake lifted by hand, which is written down: 2 entities, 60 % fewer")
    with open_ledger(project.state) as ledger:
        (lifted,) = ledger.con.execute("SELECT as_of, by, at FROM lifted WHERE brake LIKE '2 entities%'").fetchall()
        brakes = ledger.lifted(DAY)
    assert (lifted[0], lifted[1], lifted[2][:4].isdigit()) == ("2026-03-02", "sync --force", True)
    (more,) = sync(project, options=APPLY)  # the rest of the same night
    assert not more.findings
    assert set(fake.scores()) == {"ada@shop.example", "bob@shop.example"}
    say(project, "2026-03-03", {"ada": 20})
    (held,) = sync(project, options=APPLY)  # another night has brakes of its own
    assert held.plan.refusal
    with open_ledger(project.state) as ledger:
        assert ledger.lifted(DAY) == brakes
        assert ledger.lifted(date(2026, 3, 3)) == frozenset()


def test_what_a_night_was_held_for_holds_though_the_brakes_were_loosened_since(braked):
    project, fake = braked
    begun(project)
    with open_ledger(project.state) as ledger:
        ledger.mark(DAY, "sync", "held", now=NOW, counts={"brakes": ["No event is known: look at the source."]})
    loose = project.model_copy(update={"night": project.night.model_copy(update={"fewer": 1.0, "moved": 1.0})})
    before = fake.writes
    (held,) = sync(loose, options=APPLY)
    assert (fake.writes, held.findings) == (before, True)
    assert held.plan.refusal.startswith("held back, for: No event is known: look at the source. When")


def test_a_dry_run_that_is_forced_writes_nothing_down(braked):
    project, _ = braked
    sync(project, options=SyncOptions(force=True))
    with open_ledger(project.state) as ledger:
        assert ledger.lifted(DAY) == frozenset()
    (held,) = sync(project, options=APPLY)
    assert held.plan.refusal


def test_a_first_night_has_nothing_to_be_compared_with_and_is_sent(attio):
    project, fake = attio
    (done,) = sync(project.model_copy(update={"night": project.night.model_copy(update={"fewer": 0.2})}), options=APPLY)
    assert not done.findings
    assert len(fake.scores()) == 5


def test_what_cannot_be_done_is_said(tmp_path):
    project = project_in(tmp_path / "none", {})
    with pytest.raises(UsageError, match="names no sink; say under 'sync:' where scores go"):
        sync(project)
    project = project_in(tmp_path / "one", settings("http://127.0.0.1:9", "attio"))
    with pytest.raises(UsageError, match="there is no night yet"):
        sync(project)
    with pytest.raises(UsageError, match="atio: the project names no such sink; did you mean 'attio'"):
        sync(project, ["atio"])
