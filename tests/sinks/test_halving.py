"""A batch that is not taken is halved until the row is found; where nothing is taken, nobody is to blame."""

import pytest

from powerml.sinks.plans import REFUSED_BEFORE_ANY
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import Answer, FakePosthog, Receiver, running
from tests.sinks.world import PEOPLE, project_in, say, settings

pytestmark = pytest.mark.usefixtures("patient")
APPLY = SyncOptions(apply=True)
MANY = {f"u{n:02d}": 50.0 + n for n in range(REFUSED_BEFORE_ANY + 6)}


class Hook(Receiver):
    """Answers what a test says, for calls that hold somebody bad; keeps what it takes."""

    answer = staticmethod(lambda rows: None)

    def _check(self, rows):
        bad = [row["user_id"] for row in rows if row["user_id"] in self.bad]
        if bad:
            raise self.answer(bad)


@pytest.fixture
def hook(tmp_path, monkeypatch):
    fake = Hook()
    with running(fake) as address:
        monkeypatch.setenv("HOOK_URL", f"{address}/hook")
        yield project_in(tmp_path / "shop", settings(address, "webhook")), fake


def errors_inside(bad):
    return Answer(200, {"ok": True, "errors": [{"id": who, "message": "no such plan"} for who in bad]})


def several(bad):
    return Answer(207, {"results": [{"status": 200}, *({"status": 422, "message": "no such plan"} for _ in bad)]})


@pytest.mark.parametrize("answer", [errors_inside, several])
def test_an_error_inside_an_answer_that_says_yes_is_found_and_named(hook, answer):
    project, fake = hook
    fake.bad, fake.answer = {"cyd"}, answer
    say(project, "2026-03-01", PEOPLE)
    (done,) = sync(project, options=APPLY)
    assert [a.id for a in done.done.aside] == ["cyd"]
    assert "no such plan" in done.done.aside[0].why
    assert set(fake.rows) == set(PEOPLE) - {"cyd"}
    before = fake.writes
    (again,) = sync(project, options=APPLY)
    assert (fake.writes, [a.id for a in again.plan.aside]) == (before, ["cyd"])
    fake.bad = set()
    say(project, "2026-03-02", PEOPLE)
    (done,) = sync(project, options=APPLY)  # the next night it is tried again, alone
    assert (done.findings, done.plan.counts()) == (False, {"row": {"update": 1}})
    assert set(fake.rows) == set(PEOPLE)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_where_everything_is_refused_all_of_it_waits(hook, status):
    project, fake = hook
    fake.bad, fake.answer = set(MANY), lambda _: Answer(status, {"message": "wrong version"})
    say(project, "2026-03-01", MANY)
    (done,) = sync(project, options=APPLY)
    assert done.done.failed.endswith(f"answers {status} (wrong version), whatever is sent")
    assert (done.done.aside, done.done.written) == ([], 0)
    fake.bad = set()
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert set(fake.rows) == set(MANY)


def test_a_service_that_says_yes_and_no_to_everything_is_left_alone_soon(hook):
    project, fake = hook
    fake.bad, fake.answer = set(MANY), errors_inside
    say(project, "2026-03-01", MANY)
    (done,) = sync(project, options=APPLY)
    assert done.done.failed.endswith("one time after another")
    assert done.done.aside == []
    assert fake.writes < 60
    fake.bad = set()
    sync(project, options=APPLY)
    assert set(fake.rows) == set(MANY)


def test_ten_bad_rows_among_many_do_not_stop_the_rest(hook):
    project, fake = hook
    people = {f"u{n:03d}": 50.0 for n in range(300)}
    fake.bad, fake.answer = set(list(people)[:12]), lambda _: Answer(422, {"message": "malformed"})
    say(project, "2026-03-01", people)
    (done,) = sync(project, options=APPLY)
    assert {a.id for a in done.done.aside} == fake.bad
    assert set(fake.rows) == set(people) - fake.bad


def test_somebody_who_left_and_is_refused_is_named_once_a_night(hook):
    project, fake = hook
    say(project, "2026-03-01", PEOPLE)
    sync(project, options=APPLY)
    fake.bad, fake.answer = {"eve"}, lambda _: Answer(422, {"message": "no removals"})
    say(project, "2026-03-02", {who: score for who, score in PEOPLE.items() if who != "eve"})
    (done,) = sync(project, options=APPLY)
    assert [a.id for a in done.done.aside] == ["eve"]
    before = fake.writes
    (again,) = sync(project, options=APPLY)
    assert (fake.writes, [a.id for a in again.plan.aside]) == (before, ["eve"])


def test_a_full_quota_is_no_fault_of_a_row(tmp_path):
    fake = FakePosthog()
    taken = fake._take
    fake._take = lambda batch: (_ for _ in ()).throw(Answer(200, {"status": "Ok", "quota_limited": ["events"]}))
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=APPLY)
        assert "quota" not in str(done.done.aside)
        assert "['events']" in done.done.failed
        assert len([call for call in fake.calls if call[1] == "/batch/"]) == 5  # one batch, and its repeats
        fake._take = taken
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert set(fake.persons) == set(PEOPLE)
