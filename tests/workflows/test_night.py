"""A night does each step once, continues where it was killed, touches nothing a second time, and is held by a brake."""

import hashlib
import shutil
from datetime import UTC, date, datetime

import duckdb
import pytest
import yaml

from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.history.ledger import open_ledger
from powerml.history.store import NightHistory
from powerml.workflows.night import run, steps
from powerml.workflows.night.run import ORDER, default_as_of, fill, run_night
from powerml.workflows.night.work import Work
from tests.builders import killed_in_a_write, write_project

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAYS = [date(2026, 3, 1), date(2026, 3, 2)]


def events(last_day=28):
    lines = [
        f"{who},{event},2026-02-{day:02d}T{hour:02d}:00:00Z"
        for who, hour in (("ada", 8), ("bob", 9), ("cyd", 10))
        for day in range(1, last_day + 1)
        for event in ("open", "report")
        if who != "bob" or day % 3 == 0
    ]
    return "user_id,event,time\n" + "\n".join(lines) + "\n"


def make(folder, *, last_day=28):
    answers = {"surveys": "user_id,time,nps\nada,2026-02-20T00:00:00Z,9\n"}
    night = {"stale_days": 3, "moved": 1.0}
    return load_project(write_project(folder, events(last_day), tables=answers, project="shop", night=night))


def content(project):
    """The bytes of everything that a night leaves but its lock and its ledger."""
    places = [project.state / "history", project.base / "exports"]
    files = sorted(path for place in places for path in place.rglob("*") if path.is_file())
    return {str(path.relative_to(project.base)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def taken(digest, name):
    """A destination that takes everything."""
    return ""


@pytest.fixture(scope="module", autouse=True)
def _others_have_tests_of_their_own():
    """The check and the page are tried elsewhere; here they cost more than all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        for step in ("check", "page"):
            patch.setitem(run.STEPS, step, lambda work, night: steps.Done("nothing"))
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A day filled in and a first night: the folder, and what the night said."""
    project = make(tmp_path_factory.mktemp("night") / "shop")
    fill(project, date(2026, 2, 22), date(2026, 2, 22), now=NOW)
    return project.base, run_night(project, as_of=DAYS[0], now=NOW, sender=taken)


def copied(first, folder):
    """A project of its own after the first night."""
    shutil.copytree(first[0], folder)
    return load_project(folder / "powerml.yaml")


@pytest.fixture(scope="module")
def undisturbed(first, tmp_path_factory):
    """A second night that nobody disturbed: the project, its content, what both nights said."""
    project = copied(first, tmp_path_factory.mktemp("undisturbed") / "shop")
    done = run_night(project, as_of=DAYS[1], now=NOW, sender=taken)
    return project, content(project), (first[1], done)


def test_every_step_is_done_once_and_said(undisturbed):
    project, _, (first, second) = undisturbed
    assert [row.step for row in second.steps] == list(ORDER)
    assert {row.state for row in second.steps} == {"done"}
    assert not second.findings
    assert "the first night: what is true already is written down" in first.steps[5].sentence
    assert "engagement speaks: its document's numbers, no probabilities" in second.steps[2].sentence
    assert second.summary[0].startswith("2026-03-02 by engagement@1: 3 of 3 scored")
    made_by = [(str(n.as_of), n.made_by) for n in NightHistory.of(project).nights()]
    assert made_by == [
        ("2026-02-22", "backfill"), ("2026-03-01", "night"), ("2026-03-02", "night")
    ]  # fmt: skip


def test_a_third_run_touches_nothing(undisturbed):
    project, before, _ = undisturbed
    every_byte = everything(project)
    again = run_night(project, as_of=DAYS[1], now=NOW.replace(hour=9))
    assert everything(project) == every_byte
    assert again.before
    assert not again.findings
    assert "This night was finished at 2026-03-02T02:00:00+00:00; nothing was touched." in again.summary
    assert fill(project, date(2026, 2, 22), date(2026, 2, 22), now=NOW.replace(hour=9)).made == ()
    assert content(project) == before


def test_a_finished_night_whose_history_is_gone_says_how_it_comes_back(undisturbed, tmp_path):
    project = copied((undisturbed[0].base,), tmp_path / "shop")
    shutil.rmtree(NightHistory.of(project).folder)
    again = run_night(project, as_of=DAYS[1], now=NOW.replace(hour=9))
    how = "powerml night --from 2026-03-02 --to 2026-03-02 fills it in"
    assert again.summary[0] == f"The history holds no 2026-03-02 any more; {how}."
    assert [str(night.as_of) for night in fill(project, DAYS[1], DAYS[1], now=NOW).made] == ["2026-03-02"]


def everything(project):
    """All files of the project with their content."""
    return {path: path.read_bytes() for path in sorted(project.base.rglob("*")) if path.is_file()}


def test_a_rehearsal_says_what_would_be_done_and_leaves_no_trace(first, undisturbed, tmp_path):
    project = copied(first, tmp_path / "shop")
    before = everything(project)
    done = run_night(project, as_of=DAYS[1], now=NOW, dry=True)
    assert everything(project) == before
    assert [(row.step, row.sentence) for row in done.steps] == [
        (row.step, row.sentence) for row in undisturbed[2][1].steps
    ]
    assert done.dry
    assert done.summary[2].endswith("This was a rehearsal: nothing was written, nothing sent.")
    said = run_night(project, as_of=DAYS[0], now=NOW, dry=True)  # that night is finished
    assert said.before
    assert everything(project) == before


def test_a_rehearsal_after_a_night_that_was_killed_in_a_write(first, tmp_path):
    project = copied(first, tmp_path / "shop")
    killed_in_a_write(project.state / "night.db")
    assert run_night(project, as_of=DAYS[1], now=NOW, dry=True).dry


class Killed(BaseException):
    """What a kill is to the program: nothing of ours catches it."""


@pytest.mark.slow
@pytest.mark.parametrize("step", ["history", "alerts", "score", "lists"])
def test_a_night_killed_at_a_step_boundary_continues(first, undisturbed, tmp_path, monkeypatch, step):
    _, wanted, _ = undisturbed
    project = copied(first, tmp_path / "shop")
    done = steps.STEPS[step]

    def killed(work, night):
        done(work, night)  # all of it was done, and nobody wrote that down
        raise Killed

    monkeypatch.setitem(run.STEPS, step, killed)
    with pytest.raises(Killed):
        run_night(project, as_of=DAYS[1], now=NOW, sender=taken)
    monkeypatch.setitem(run.STEPS, step, done)
    again = run_night(project, as_of=DAYS[1], now=NOW, sender=taken)
    assert {row.state for row in again.steps} == {"done"}
    assert content(project) == wanted


def test_a_brake_holds_what_is_acted_on_and_nothing_else(tmp_path):
    project = make(tmp_path / "shop", last_day=20)
    held = run_night(project, as_of=DAYS[0], now=NOW)
    assert held.findings
    states = {row.step: row.state for row in held.steps}
    assert states == {step: "held" if step in ("lists", "alerts", "sync") else "done" for step in ORDER}
    assert "The newest event is 8.6 days old at 2026-03-01 (stale_days: 3)" in held.summary[2]
    assert run_night(project, as_of=DAYS[0], now=NOW).findings  # as before
    lifted = run_night(project, as_of=DAYS[0], force=True, now=NOW)
    assert not lifted.findings
    assert (
        "(brake lifted: The newest event is 8.6 days old" in next(s for s in lifted.steps if s.step == "lists").sentence
    )
    with open_ledger(project.state) as ledger:
        assert ledger.run(DAYS[0]).forced


def acted_on(done):
    """The states of a night's steps, and the sentence of what holds it."""
    return {row.step: row.state for row in done.steps}, done.summary[2]


def without(*gone, since=1):
    """The events of all but some people, from a day of February on."""
    lines = events().splitlines()
    kept = [line for line in lines if not (line.startswith(gone) and int(line.split(",")[2][8:10]) >= since)]
    return "\n".join(kept) + "\n"


@pytest.mark.parametrize(
    ("file", "fault", "moved", "said"),
    [
        ("events", without("cyd"), 1.0, "2 entities, 33 % fewer than the 3 of 2026-03-01 (fewer: 20 %)"),
        ("events", without("ada", "bob", since=8), 0.2, "33 % of 3 changed band since 2026-03-01 (moved: 20 %)"),
        (
            "surveys", "user_id,time,nps\nada,2023-02-20T00:00:00Z,9\n", 1.0,
            "nps_latest had values on 2026-03-01 and has none now: look at the source",
        ),
    ],
    ids=["fewer", "moved", "emptied"],
)  # fmt: skip
def test_a_fault_of_the_data_holds_what_is_acted_on(first, tmp_path, file, fault, moved, said):
    project = copied(first, tmp_path / "shop")
    (project.base / f"{file}.csv").write_text(fault)
    project = project.model_copy(update={"night": project.night.model_copy(update={"moved": moved})})
    done = run_night(project, as_of=DAYS[1], now=NOW, sender=taken)
    states, sentence = acted_on(done)
    assert states == {step: "held" if step in ("lists", "alerts", "sync") else "done" for step in ORDER}
    assert said in sentence
    assert done.findings


def test_a_champion_long_overdue_holds_it_too(first, tmp_path, monkeypatch):
    project = copied(first, tmp_path / "shop")
    held_by = steps.held_by
    monkeypatch.setattr(steps, "held_by", lambda *told, **days: held_by(*told, **days | {"due": date(2025, 8, 31)}))
    states, sentence = acted_on(
        run_night(project, as_of=DAYS[1], only=("snapshot", "score", "history", "alerts"), now=NOW)
    )
    assert states == {"snapshot": "done", "score": "done", "history": "done", "alerts": "held"}
    assert "The champion was to be recalibrated by 2025-08-31, 183 days ago" in sentence


def test_a_change_of_model_between_two_nights_rings_nobody_and_moves_nobody(first, tmp_path):
    project = copied(first, tmp_path / "shop")
    night = project.night.model_copy(update={"model": "activity"})
    done = run_night(project.model_copy(update={"night": night}), as_of=DAYS[1], now=NOW, sender=taken)
    told = {row.step: row for row in done.steps}
    assert told["alerts"].counts["fired"] == {}
    assert "activity@1 speaks since 2026-03-02, until then engagement@1 did" in told["alerts"].sentence
    history = NightHistory.of(project)
    lists = history.table(history.at(DAYS[1]), "lists")
    assert len(lists)
    assert set(map(str, lists["on_list_since"])) <= {"2026-03-01"}


def test_late_data_is_a_revision_beside_what_was_said(first, tmp_path):
    project = copied(first, tmp_path / "shop")
    late = events() + "bob,open,2026-02-28T12:00:00Z\n"
    (project.base / "events.csv").write_text(late)
    only = ("snapshot", "score", "history")
    run_night(project, as_of=DAYS[0], only=only, force=True, now=NOW.replace(hour=5))
    history = NightHistory.of(project)
    said = [n for n in history.every() if n.role == "main" and n.as_of == DAYS[0]]
    assert [n.revision for n in said] == [1, 2]
    old, new = (history.snapshot(n).set_index("user_id")["events_30d"] for n in said)
    assert (new["bob"] - old["bob"], new["ada"] - old["ada"]) == (1, 0)


def test_the_default_date_is_what_was_observed_else_today(tmp_path):
    project = make(tmp_path / "shop")
    assert default_as_of(project, NOW) == date(2026, 3, 2)
    declared = project.model_copy(update={"observed_until": datetime(2026, 2, 25, tzinfo=UTC)})
    assert default_as_of(declared, NOW) == date(2026, 2, 25)
    with pytest.raises(UsageError, match="the second date lies before the first; swap them"):
        fill(project, DAYS[1], DAYS[0], now=NOW)


@pytest.mark.slow
def test_a_night_asks_a_database_only_for_weeks_that_changed(tmp_path):
    """Both of its steps that read the sources; those that only look leave nothing behind."""
    project = make(tmp_path)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE TABLE events AS FROM read_csv('{tmp_path / 'events.csv'}')")
    declared = yaml.safe_load((tmp_path / "powerml.yaml").read_text())
    declared["tables"]["events"] = {"database": {"file": "w.duckdb"}, "table": "events"}
    (tmp_path / "powerml.yaml").write_text(yaml.safe_dump(declared))
    project = load_project(tmp_path / "powerml.yaml")

    def weeks_read(**more) -> list[str]:
        said: list[str] = []
        work = Work(project, NightHistory(project.state / "history"), NOW, note=said.append, **more)
        steps._check(work, steps.Sofar(DAYS[-1], {}))
        work.opened.loaded.con.close()
        return [one.split(" have")[0] for one in said if "weeks" in one]

    assert weeks_read(keep_caches=False) == []
    assert not (project.state / "cache").exists()
    assert weeks_read() == ["5 of 5 weeks of events"]
    assert weeks_read() == []
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("DELETE FROM events WHERE user_id = 'ada' AND time > TIMESTAMP '2026-02-27'")
    assert weeks_read() == ["1 of 5 weeks of events"]
