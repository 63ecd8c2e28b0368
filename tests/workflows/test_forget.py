"""Somebody forgotten stands nowhere any more, place by place, and no later night brings them back."""

import json
import shutil
from datetime import UTC, date, datetime

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.history.ledger import open_ledger
from powerml.history.sent import SinkLedger
from powerml.history.store import NightHistory
from powerml.history.treatments import TREATMENT_COLUMNS, add_drawn, read_drawn
from powerml.sources.forgotten import FORGOTTEN_FILE
from powerml.workflows.forget import forget
from powerml.workflows.night import run, steps
from powerml.workflows.night.run import run_night
from powerml.workflows.project import open_project
from powerml.workflows.sync import SyncOptions, sync
from tests.builders import write_project
from tests.sinks.conftest import _at_once  # noqa: F401  (a fixture)
from tests.sinks.fakes import FakeAttio, running

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAYS = [date(2026, 3, 1), date(2026, 3, 2)]
SHORT = ("snapshot", "score", "history")
PEOPLE = ("ada-1", "bob-7", "cyd-9", "dan-3")
WORDS = ("bob-7", "bob@shop.example", "Bob Builder")
OUTSIDE = {"mine.csv", "out/scores_current.parquet", "out/scores_changed.parquet"}
USERS = "\n".join(
    ["user_id,account_id,name,email"]
    + [f"{who},{who[:1]}-inc,{who[:3].title()} Builder,{who[:3]}@shop.example" for who in PEOPLE]
    + ["bob-7,b-inc,Bob Builder,bob@shop.example,one too many"]
)


def events():
    rows = [
        (who, name, f"2026-02-{day:02d}T{hour:02d}:00:00Z")
        for hour, who in enumerate(PEOPLE, start=8)
        for day in range(1, 29)
        for name in ("open", "report")
        if who != "cyd-9" or day % 3 == 0
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "event", "time"])
    return frame.assign(time=pd.to_datetime(frame["time"]), event_id=[f"e{n}" for n in range(len(frame))])


def make(folder, **more):
    path = write_project(
        folder, "user_id,event,time\n", tables={"users": USERS}, project="shop",
        night={"stale_days": 3, "moved": 1.0, "fewer": 0.9}, **more,
    )  # fmt: skip
    text = path.read_text().replace("files: events.csv", "files: days/*.parquet")
    path.write_text(text.replace("files: users.csv", "files: users.csv\n    max_bad_rows: 1"))
    (folder / "events.csv").unlink()
    (folder / "days").mkdir()
    every = events()
    for number, some in enumerate((every[every["time"] < "2026-02-15"], every[every["time"] >= "2026-02-15"])):
        some.to_parquet(folder / "days" / f"{number}.parquet", index=False)
    return load_project(path)


@pytest.fixture(scope="module", autouse=True)
def _others_have_tests_of_their_own():
    """The check is tried elsewhere, and so is the page; here it is a file that names everybody."""

    def page(work, night):
        work.exports.mkdir(exist_ok=True)
        (work.exports / "report.html").write_text(" ".join(f"<td>{who}</td>" for who in PEOPLE))
        return steps.Done("a page")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(run.STEPS, "check", lambda work, night: steps.Done("nothing"))
        patch.setitem(run.STEPS, "page", page)
        yield


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A project of two nights with a cache, a quarantine, drawn treatments, alarms, and Attio told of it."""
    folder = tmp_path_factory.mktemp("forget") / "shop"
    with pytest.MonkeyPatch.context() as patch, running(FakeAttio()) as address:
        patch.setenv("ATTIO_KEY", FakeAttio.token)
        sinks = {"attio": {"host": address, "token_env": "ATTIO_KEY"}, "files": {"folder": "out"}}
        project = make(folder, sync=sinks)
        open_project(project, now=NOW, cache=True).inputs.engine.wait()
        run_night(project, as_of=DAYS[0], only=SHORT, now=NOW)
        run_night(project, as_of=DAYS[1], now=NOW)
        sync(project, options=SyncOptions(apply=True))
    drawn = [(who, "2026-03-01", "call", "treat", "") for who in PEOPLE]
    add_drawn(project.state, pd.DataFrame(drawn, columns=list(TREATMENT_COLUMNS)))
    (folder / "mine.csv").write_text("user_id,score\nbob-7,40\n")
    (project.state / "quarantine" / ".users.csv.powerml-draft-killed.csv").write_text("bob-7")
    assert mentions(folder) >= {
        "exports/scores_current.parquet", "exports/report.html", ".powerml/treatments.parquet", ".powerml/night.db",
        ".powerml/quarantine/users.csv", ".powerml/cache/rollups.duckdb", "mine.csv", "out/scores_current.parquet",
    }  # fmt: skip
    return folder


def mentions(folder, *, but=("users.csv", "days/0.parquet", "days/1.parquet")):
    """The files below a folder that hold one of the words: by their bytes, tables and databases as they are read."""
    found = set()
    for path in folder.rglob("*"):
        place = str(path.relative_to(folder))
        if path.is_file() and place not in but:
            told = path.read_bytes().decode("utf-8", "replace") + table_text(path)
            found |= {place} if any(word in told for word in WORDS) else set()
    return found


def table_text(path):
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    if path.suffix != ".duckdb":
        return ""
    with duckdb.connect(path, read_only=True) as con:
        names = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return "".join(con.sql(f'FROM "{name}"').df().to_csv() for name in names)


@pytest.fixture
def project(lived, tmp_path):
    shutil.copytree(lived, tmp_path / "shop")
    return load_project(tmp_path / "shop" / "powerml.yaml")


def test_nothing_in_the_folder_names_them_but_what_is_said(project):
    done = forget(project, ["bob-7"], tried=False, now=NOW)
    assert {place for place, rows in done.rows.items() if rows} == {
        "history", "exports", "treatments", "ledger", "pages", "caches"
    }  # fmt: skip
    assert mentions(project.base) == set(done.files) == OUTSIDE
    assert done.sources == (
        ("events", "days/0.parquet", 28), ("events", "days/1.parquet", 28), ("users", "users.csv", 1),
        ("users", "users.csv (lines that cannot be read)", 1),
    )  # fmt: skip
    sinks = dict(done.sinks)
    assert sinks["attio"].startswith("bob-7: ")
    assert "person " in sinks["attio"]  # and its record there
    assert sinks["files"].startswith("1 rows of ")
    left = NightHistory.of(project)
    assert [set(left.scores(night)["user_id"]) for night in left.nights()] == [{"ada-1", "cyd-9", "dan-3"}] * 2
    assert set(read_drawn(project.state)["entity_id"]) == {"ada-1", "cyd-9", "dan-3"}


@pytest.mark.slow
def test_no_later_night_nor_sync_brings_them_back(project, monkeypatch):
    forget(project, ["bob-7"], tried=False, now=NOW)
    monkeypatch.delenv("ATTIO_KEY", raising=False)
    run_night(project, as_of=date(2026, 3, 3), only=SHORT, now=NOW.replace(day=3))
    assert (project.state / "cache").is_dir() is False  # as many events as these are read anew
    open_project(project, now=NOW, cache=True).inputs.engine.wait()
    assert mentions(project.base) == OUTSIDE
    sync(project, ["files"], options=SyncOptions(apply=True))
    assert mentions(project.base) == {"mine.csv"}
    with open_ledger(project.state) as ledger:
        sent = SinkLedger.on(ledger.con, "attio")
        assert "bob-7" not in {row.id for kind in ("person", "entry") for row in sent.rows(kind).values()}


def test_a_trial_removes_nothing(project):
    before = {path: path.read_bytes() for path in project.base.rglob("*") if path.is_file()}
    tried = forget(project, ["bob-7"], tried=True, now=NOW)
    assert {path: path.read_bytes() for path in before} == before
    assert not (project.state / FORGOTTEN_FILE).exists()
    assert tried.rows == forget(project, ["bob-7"], tried=False, now=NOW).rows


def test_a_kill_is_mended_by_doing_it_again(project, monkeypatch):
    monkeypatch.setattr("powerml.workflows.forget.forget_in_ledger", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        forget(project, ["bob-7"], tried=False, now=NOW)
    monkeypatch.undo()
    forget(project, ["bob-7"], tried=False, now=NOW)
    assert mentions(project.base) == OUTSIDE


def test_whom_nobody_knows_is_named_and_nothing_is_done(project):
    with pytest.raises(
        UsageError, match="bob-8: neither the history nor a source knows such a user; did you mean 'bob-7'"
    ):
        forget(project, ["ada-1", "bob-8"], tried=False, now=NOW)
    assert not (project.state / FORGOTTEN_FILE).exists()


def test_the_command_says_what_went_and_what_is_left(project):
    told = CliRunner().invoke(root, ["forget", "bob-7", "-c", str(project.base / "powerml.yaml")])
    assert told.exit_code == 0
    assert "rows of the history, 2 rows of the tables in exports/" in told.stdout
    assert "still held by attio: bob-7: " in told.stdout
    assert "still named by users.csv (users, 1 rows); loading leaves them out" in told.stdout
    assert "still named in mine.csv; remove it, or make it anew" in told.stdout
    again = CliRunner().invoke(root, ["forget", "bob-7", "--json", "-c", str(project.base / "powerml.yaml")])
    assert json.loads(again.stdout)["removed"] == dict.fromkeys(
        ("history", "exports", "treatments", "pages", "caches", "ledger"), 0
    )


@pytest.mark.slow
def test_an_account_goes_with_its_users(tmp_path):
    project = make(tmp_path / "shop", entity="account")
    run_night(project, as_of=DAYS[0], only=SHORT, now=NOW)
    done = forget(project, ["b-inc"], tried=False, now=NOW)
    assert ("users", "users.csv", 1) in done.sources
    assert mentions(project.base) == set()
    (night,) = NightHistory.of(project).nights()
    assert "b-inc" not in set(NightHistory.of(project).scores(night)["account_id"])
    run_night(project, as_of=DAYS[1], only=SHORT, now=NOW)
    assert mentions(project.base) == set()
