"""Whom the project forgot is left out of every table, of the counts and of the quarantine, by a keyed hash alone."""

import re
from datetime import UTC, date, datetime

import pytest

from powerml.config.project import load_project
from powerml.errors import DataError
from powerml.sources.forgotten import FORGOTTEN_FILE, NOBODY_FORGOTTEN, Forgotten, leave_out, naming
from powerml.sources.loading import open_sources
from tests.builders import write_project

NOW = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS = """
    user_id, account_id, event, time
    ada, north, open, 2026-02-01T08:00:00Z
    bob, south, open, 2026-02-01T09:00:00Z
    bob, south, open, 2026-02-02T09:00:00Z
    cyd, south, open, 2026-02-02T09:00:00Z
    cyd, north, open, 2026-02-03T09:00:00Z
    bob, south, open, never
    bob, south, open, 2026-02-03T09:00:00Z, one too many
    """
TABLES = {
    "users": "user_id,account_id,email\nada,north,a@x.example\nbob,south,b@x.example\ncyd,south,c@x.example\n",
    "accounts": "account_id,name\nnorth,North\nsouth,South\n",
    "treatments": "entity_id,time,playbook\nbob,2026-02-01,call\nsouth,2026-02-01,call\nada,2026-02-01,call\n",
}


@pytest.fixture
def project(tmp_path):
    path = write_project(tmp_path / "shop", EVENTS, tables=TABLES)
    text = path.read_text().replace("files: events.csv", "files: events.csv\n    max_bad_rows: 1")
    path.write_text(text)
    return load_project(path)


def ids(loaded, table, column):
    return {row[0] for row in loaded.con.execute(f"SELECT {column} FROM {table}").fetchall()}


def counts(loaded):
    return loaded.report.set_index("table")[["rows", "loaded", "quarantined"]].to_dict("index")


def test_a_user_is_in_no_table_and_not_counted(project):
    before = counts(open_sources(project, now=NOW))
    Forgotten.of(project.state).keep(project.state, "user_id", ["bob"], on=date(2026, 3, 1))
    loaded = open_sources(project, now=NOW)
    assert ids(loaded, "events", "user_id") == ids(loaded, "users", "user_id") == {"ada", "cyd"}
    assert ids(loaded, "treatments", "entity_id") == {"ada", "south"}
    assert "bob" not in loaded.ids("user_id")
    for table, gone in (("events", 2), ("users", 1), ("accounts", 0), ("treatments", 1)):
        now = counts(loaded)[table]
        assert (before[table]["rows"] - now["rows"], before[table]["loaded"] - now["loaded"]) == (gone, gone)
        assert now["quarantined"] == before[table]["quarantined"]


def test_the_quarantine_names_them_no_more(project):
    assert any("bob" in value for value in open_sources(project, now=NOW).quarantine["value"])
    Forgotten.of(project.state).keep(project.state, "user_id", ["bob"], on=date(2026, 3, 1))
    loaded = open_sources(project, now=NOW)
    assert loaded.quarantine["value"].tolist() == ["never"]
    assert loaded.con.execute(f"SELECT value FROM ({loaded.bad_rows['events']})").fetchall() == [("never",)]


def test_of_an_account_the_users_of_no_other_go_too(project):
    Forgotten.of(project.state).keep(project.state, "account_id", ["south"], on=date(2026, 3, 1))
    loaded = open_sources(project, now=NOW)
    assert ids(loaded, "events", "user_id") == {"ada", "cyd"}  # cyd belongs to north as well
    assert ids(loaded, "events", "account_id") == {"north"}
    assert ids(loaded, "users", "user_id") == {"ada"}
    assert ids(loaded, "accounts", "account_id") == {"north"}


def test_the_file_holds_no_id_and_its_key_is_its_own(project, tmp_path):
    made = Forgotten.of(project.state).keep(project.state, "user_id", ["bob"], on=date(2026, 3, 1))
    again = made.keep(project.state, "user_id", ["bob", "ada"], on=date(2026, 3, 9))
    read = Forgotten.of(project.state)
    assert read == again
    assert (read.since("user_id", "bob"), read.since("user_id", "ada")) == ("2026-03-01", "2026-03-09")
    assert read.since("user_id", "cyd") is read.since("account_id", "bob") is None
    told = (project.state / FORGOTTEN_FILE).read_text()
    assert not re.findall(r"\b(bob|ada)\b", told)  # within a hash three letters may stand by chance
    assert made.digest != again.digest
    other = NOBODY_FORGOTTEN.keep(tmp_path / "other", "user_id", ["bob"], on=date(2026, 3, 1))
    assert set(other.days["user_id"]).isdisjoint(made.days["user_id"])
    assert made.key not in repr(made)


def test_a_damaged_file_brings_nobody_back_in_silence(project):
    NOBODY_FORGOTTEN.keep(project.state, "user_id", ["bob"], on=date(2026, 3, 1))
    (project.state / FORGOTTEN_FILE).write_text("{}")
    with pytest.raises(DataError, match=r"is no list of who was forgotten; put a copy of it back"):
        open_sources(project, now=NOW)


def test_nobody_is_left_out_where_nobody_was_forgotten(project):
    loaded = open_sources(project, now=NOW)
    assert leave_out(loaded, NOBODY_FORGOTTEN) is loaded
    assert naming(["time"], {"user_id": ["bob"]}) == ""
    assert naming(["user_id"], {"user_id": []}) == ""
