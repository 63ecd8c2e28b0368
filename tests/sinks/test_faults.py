"""Whatever a service does, nothing is lost, and what comes twice comes under the same id."""

import random

import pytest

from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import FAULTS, FakeAttio, FakePosthog, Receiver, running
from tests.sinks.world import ENVIRONMENT, PEOPLE, project_in, say, settings

APPLY = SyncOptions(apply=True)
FAKES = {"posthog": FakePosthog, "attio": FakeAttio, "webhook": Receiver}


def whole(name, fake, people):
    """Whether a service holds everybody, and only once."""
    if name == "posthog":
        made = [kind["name"] for kind in fake.things["cohorts"].values()]
        told = {e["distinct_id"] for e in fake.events.values()}
        return told == set(people) and sorted(made) == sorted(set(made)) and len(fake.things["insights"]) == 5
    if name == "attio":
        listed = [f"{who}@shop.example" for who in sorted(people) if people[who] >= 60]
        return len(fake.scores()) == len(people) and fake.listed() == listed
    return set(fake.rows) == set(people)


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_faults_lose_nothing(tmp_path, monkeypatch, name, seed):
    fake, dice = FAKES[name](), random.Random(seed)
    fake.faults = lambda *_: dice.choice(FAULTS) if dice.random() < 0.4 else None
    with running(fake) as address:
        monkeypatch.setenv("HOOK_URL", f"{address}/hook")
        project = project_in(tmp_path / "shop", settings(address, name))
        say(project, "2026-03-01", PEOPLE)
        for _ in range(8):
            (done,) = sync(project, options=APPLY)
            if not done.findings:
                break
        fake.faults = lambda *_: None
        (done,) = sync(project, options=APPLY)
        assert not done.findings
        assert whole(name, fake, PEOPLE)
        before = fake.writes
        sync(project, options=APPLY)
        assert fake.writes == before


def test_one_malformed_row_is_found_and_named(tmp_path):
    fake = FakePosthog(bad={"cyd"})
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=APPLY)
        assert [(a.id, a.why) for a in done.done.aside] == [("cyd", "PostHog answers 400 (an event is malformed)")]
        assert set(fake.persons) == set(PEOPLE) - {"cyd"}
        before = fake.writes
        (again,) = sync(project, options=APPLY)
        assert (fake.writes, [a.id for a in again.plan.aside]) == (before, ["cyd"])


@pytest.mark.parametrize("name", FAKES)
def test_a_redirect_to_another_host_is_refused_and_secrets_show_nowhere(tmp_path, monkeypatch, name, caplog):
    fake = FAKES[name]()
    fake.faults = lambda *_: "redirect"
    with running(fake) as address:
        monkeypatch.setenv("HOOK_URL", f"{address}/hook-that-is-secret")
        project = project_in(tmp_path / "shop", settings(address, name))
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=APPLY)
    assert "sends requests on to another address, which is refused" in done.done.failed
    ledger = (project.state / "night.db").read_bytes().decode("latin-1")
    for secret in (*ENVIRONMENT.values(), "hook-that-is-secret"):
        assert secret not in f"{done!r} {caplog.text} {ledger}"


@pytest.mark.parametrize(("name", "variable"), [("posthog", "PH_KEY"), ("attio", "ATTIO_KEY")])
def test_a_wrong_secret_is_one_sentence_and_one_request(tmp_path, monkeypatch, name, variable, caplog):
    fake = FAKES[name]()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, name))
        say(project, "2026-03-01", PEOPLE)
        monkeypatch.setenv(variable, "a-secret-that-is-wrong")
        (done,) = sync(project, options=APPLY)
    said = (done.plan if done.done is None else done.done).failed
    assert f"does not take the secret in {variable} (status 401); check it, and its scopes" in said
    assert said.count("401") == 1
    assert "a-secret-that-is-wrong" not in f"{said} {done!r} {caplog.text}"
    refused = [call for call in fake.calls if call[1] == "/batch/" or call[1].startswith("/v2")]
    assert len(refused) == 1


def test_a_batch_over_the_limit_is_halved_until_it_is_taken(tmp_path):
    fake = FakePosthog()
    fake.limit = 2_500
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=APPLY)
        assert not done.done.aside
        assert set(fake.persons) == set(PEOPLE)
        assert len(fake.received) == len(set(fake.received)) == len(PEOPLE)
