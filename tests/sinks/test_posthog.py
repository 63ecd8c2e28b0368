"""PostHog as somebody else would build it: what an event is, which nights are sent, and what a first failure leaves."""

import uuid
from dataclasses import replace
from datetime import date

import pytest

from powerml.history.store import NightHistory
from powerml.sinks.posthog import application_host, event_id
from powerml.workflows.sync import SyncOptions, sync
from tests.history.kept import keep, night
from tests.sinks.fakes import Answer, FakePosthog, running
from tests.sinks.world import PEOPLE, project_in, say, settings

pytestmark = pytest.mark.usefixtures("patient")
APPLY = SyncOptions(apply=True)


@pytest.fixture
def world(tmp_path):
    fake = FakePosthog()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        yield project, fake


def batches(fake):
    return [body for _, path, body in fake.calls if path == "/batch/"]


def days(fake, who="ada"):
    events = [e for e in fake.events.values() if e["distinct_id"] == who and e["event"] == "power_user_score_computed"]
    return {e["timestamp"][:10]: e["properties"]["composite_score"] for e in events}


def test_an_event_is_as_the_documentation_asks(world):
    project, fake = world
    sync(project, options=APPLY)
    (body,) = batches(fake)
    assert set(body) == {"api_key", "historical_migration", "batch"}
    for event in body["batch"]:
        assert {"event", "distinct_id", "properties", "timestamp", "uuid"} <= set(event)
        assert event["distinct_id"] == event["properties"]["distinct_id"]
        who = event["distinct_id"]
        assert event["uuid"] == str(uuid.uuid5(uuid.NAMESPACE_URL, f"powerml:shop:{who}:2026-03-01:1"))
        assert event["uuid"] == event_id("shop", who, "2026-03-01", "1")
        numbers = {k: v for k, v in event["properties"].items() if k.endswith(("_score", "percentile"))}
        assert all(value is None or type(value) is int for value in numbers.values())
        assert len(numbers) == 7
    headers = {name.lower(): value for name, value in fake.headers[-1].items()}
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers  # the personal key does not go where events go


def test_a_first_night_that_was_not_taken_goes_with_the_second(world):
    project, fake = world
    fake.faults = lambda number, method, path: "500" if path == "/batch/" else None
    (down,) = sync(project, options=APPLY)
    assert down.findings
    fake.faults = lambda *_: None
    say(project, "2026-03-02", {"ada": 90, "bob": 50})
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert days(fake) == {"2026-03-01": 91, "2026-03-02": 90}
    assert days(fake, "cyd") == {"2026-03-01": 60}
    assert {who for who, told in fake.persons.items() if told} == {"ada", "bob"}  # cyd left meanwhile
    before = fake.writes
    (again,) = sync(project, options=APPLY)
    assert (again.plan.counts(), fake.writes) == ({}, before)


def test_earlier_nights_at_the_very_first_sync_are_a_migration_that_tells_no_person_anything(world):
    project, fake = world
    say(project, "2026-02-01", {"ada": 50, "zoe": 99}, made_by="backfill")
    say(project, "2026-02-20", {"ada": 55, "zoe": 99})
    sync(project, options=SyncOptions(apply=True, since=date(2026, 1, 1)))
    assert [(b["historical_migration"], len(b["batch"])) for b in batches(fake)] == [(True, 4), (False, 5)]
    assert not any("$set" in e["properties"] for e in batches(fake)[0]["batch"])
    assert days(fake) == {"2026-02-01": 50, "2026-02-20": 55, "2026-03-01": 91}
    assert {who for who, told in fake.persons.items() if told} == set(PEOPLE)
    before = fake.writes
    sync(project, options=SyncOptions(apply=True, since=date(2026, 1, 1)))
    assert fake.writes == before


def test_persons_are_known_by_the_id_that_was_sent_whatever_becomes_of_their_address(world):
    project, fake = world
    sync(project, options=APPLY)
    people = {who: score for who, score in PEOPLE.items() if who != "dan"}
    say(project, "2026-03-02", people, inactive=("eve",), emails={"ada": None, "bob": "cyd@shop.example"})
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert done.plan.counts()["person"] == {"remove": 2}
    assert {who for who, told in fake.persons.items() if told} == {"ada", "bob", "cyd"}
    assert (fake.persons["dan"], fake.persons["eve"]) == ({}, {})


def test_the_events_of_accounts_belong_to_their_group(tmp_path):
    fake = FakePosthog()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"), entity="account")
        entry = replace(night("2026-03-01", model="power_user"), id_column="account_id")
        keep(NightHistory.of(project), entry, {"ada": {"score": 71.0, "account_id": "acme-inc"}})
        (done,) = sync(project, options=APPLY)
        assert not done.findings
        before = fake.writes
        (again,) = sync(project, options=APPLY)
        assert (again.plan.counts(), fake.writes) == ({}, before)
    scored, group = batches(fake)[0]["batch"]
    assert scored["properties"]["$groups"] == {"company": "acme-inc"}
    assert "$process_person_profile" not in scored["properties"]  # PostHog would not attach it to the group
    assert group["event"] == "$groupidentify"
    assert (group["properties"]["$group_type"], group["properties"]["$group_key"]) == ("company", "acme-inc")
    assert group["properties"]["$group_set"] == {
        "power_user_score": 71,
        "power_user_tier": "Power User",
        "power_user_percentile": None,
        "power_user_scored_at": group["properties"]["$group_set"]["power_user_scored_at"],
        "power_user_model": "power_user@1",
    }
    assert not any(fake.persons.values())  # nothing is said of a person
    assert fake.things["cohorts"] == {}


def test_without_any_secret_all_is_planned_from_the_ledger(world, monkeypatch):
    project, fake = world
    for name in ("PH_KEY", "PH_PERSONAL"):
        monkeypatch.delenv(name)
    (said,) = sync(project)
    assert not said.findings
    assert said.plan.counts() == {
        "cohort": {"create": 4}, "dashboard": {"create": 1}, "insight": {"create": 5}, "event": {"create": 5}
    }  # fmt: skip
    assert [remark for remark in said.plan.remarks if remark.endswith("planned from the ledger alone")] == [
        "the environment variable PH_KEY is not set, so this is planned from the ledger alone",
        "the environment variable PH_PERSONAL is not set, so this is planned from the ledger alone",
    ]
    (done,) = sync(project, options=APPLY)
    assert done.done.failed == (
        "cohorts and dashboard: the environment variable PH_PERSONAL is not set; "
        "the environment variable PH_KEY is not set"
    )
    assert fake.calls == []


def test_with_the_project_key_alone_events_go_and_the_rest_is_told(world, monkeypatch):
    project, fake = world
    monkeypatch.delenv("PH_PERSONAL")
    (done,) = sync(project, options=APPLY)
    assert done.done.failed == "cohorts and dashboard: the environment variable PH_PERSONAL is not set"
    assert set(fake.persons) == set(PEOPLE)
    assert fake.things["cohorts"] == {}


def test_an_id_of_another_night_is_never_reused_and_a_bad_one_is_named(world):
    project, fake = world
    scores = {**PEOPLE, "x" * 201: 80.0, "null": 70.0, "a\u202eb": 65.0}
    say(project, "2026-03-02", scores)
    (done,) = sync(project, options=APPLY)
    assert {a.id for a in done.plan.aside} == {"x" * 201, "null", "a\u202eb"}
    assert set(fake.persons) == set(PEOPLE)


def test_a_missing_trailing_slash_at_the_service_is_followed_on_the_same_host_only(world):
    project, fake = world
    handle = fake.handle

    def moved(method, path, query, body):
        if path == "/batch/":
            raise Answer(308, None, {"Location": "/capture-batch"})
        return handle(method, "/batch/" if path == "/capture-batch" else path, query, body)

    fake.handle = moved
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert set(fake.persons) == set(PEOPLE)


@pytest.mark.parametrize(
    ("host", "app"),
    [
        ("https://us.i.posthog.com", "https://us.posthog.com"),
        ("https://posthog.example.org", "https://posthog.example.org"),
        ("https://eu.i.posthog.com.evil.example", "https://eu.i.posthog.com.evil.example"),
    ],
)
def test_cohorts_are_made_where_the_application_is(host, app):
    assert application_host(host) == app
