"""What the world does to a command: closed pipes, Ctrl-C, no memory, no rights, outputs over inputs; one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from powerml import cli
from tests.builders import csv

EVENTS = csv("user_id, event, time\n" + "ada, click, 2026-03-10T12:00:00Z\n" * 20)
PROJECT = "tables: {events: {files: events.csv}}\nvocabulary: {click: {roles: [login]}}\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "powerml.yaml").write_text(PROJECT)
    (tmp_path / "link.csv").symlink_to("events.csv")
    os.link(tmp_path / "events.csv", tmp_path / "same.csv")
    return tmp_path


@pytest.mark.parametrize("name", ["events.csv", "link.csv", "same.csv", "./events.csv"])
@pytest.mark.parametrize("source", ["{files: events.csv}", "{files: '*ts.csv'}", "{query: \"FROM 'events.csv'\"}"])
def test_no_output_is_written_over_an_input(powerml, project, name, source):
    (project / "powerml.yaml").write_text(PROJECT.replace("{files: events.csv}", source))
    ran = powerml("snapshot", "--as-of", "2026-04-01", "-o", name)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"powerml: {name.removeprefix('./')}: is read by this command, so it is not written over; "
        "name another file with -o\n"
    )
    assert (project / "events.csv").read_text() == EVENTS


def test_an_output_that_is_no_input_is_replaced(powerml, project):
    (project / "out.csv").write_text("old")
    ran = powerml("snapshot", "--as-of", "2026-04-01", "-o", "out.csv")
    assert ran.status == 0
    assert "ada" in (project / "out.csv").read_text()


def test_texts_are_guarded_for_spreadsheets_unless_they_are_raw(powerml, project):
    (project / "events.csv").write_text(EVENTS.replace("ada", "=1+1"))
    for arguments, told in (((), ",'=1+1,"), (("--raw",), ",=1+1,")):
        ran = powerml("snapshot", "--as-of", "2026-04-01", "-o", "out.csv", *arguments)
        assert ran.status == 0
        assert told in (project / "out.csv").read_text()


def test_what_is_kept_of_bad_rows_is_the_owner_s_alone(powerml, project):
    (project / "events.csv").write_text(EVENTS.replace("2026-03-10", "=2026-13-10", 1))
    assert powerml("snapshot", "--as-of", "2026-04-01", "-o", "out.csv").status == 2
    kept = project / ".powerml" / "quarantine" / "events.csv"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((project / ".powerml").stat().st_mode) == 0o700
    assert "'=2026-13-10" in kept.read_text()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted; files that were not finished are as they were before"),
        (RuntimeError("Query interrupted"), 130, "interrupted"),
        (MemoryError(), 2, "does not fit into memory; set 'memory_limit'"),
        (PermissionError(13, "Permission denied", "a.csv"), 2, "a.csv: Permission denied; check the path, space and"),
        (OSError(28, "No space left on device"), 2, "No space left on device; check the path, space and rights"),
    ],
)
def test_it_is_said_in_one_sentence(powerml, monkeypatch, error, status, words):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli.root, "main", fail)
    ran = powerml("check")
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"powerml: {words}")
    assert ran.err.count("\n") == 1


def test_a_mistake_of_ours_is_not_hidden(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["powerml", "check"])
    monkeypatch.setattr(cli.root, "main", lambda **_: {}["no such key"])
    with pytest.raises(KeyError):
        cli.main()
    assert capsys.readouterr().err == ""


def test_a_closed_output_is_one_sentence(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "powerml", "--help"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 2
    assert done.stderr.startswith("powerml: standard output was closed before everything was said")
    assert done.stderr.count("\n") == 1
