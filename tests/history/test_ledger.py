"""The ledger says what was done; one night runs at a time, and the lock of a dead process is nobody's."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from powerml.errors import DataError, UsageError
from powerml.history.ledger import one_night_at_a_time, open_ledger, read_ledger

DAY, NOW = date(2026, 3, 1), datetime(2026, 3, 1, 2, tzinfo=UTC)


def test_it_holds_steps_and_how_a_night_ended(tmp_path):
    with open_ledger(tmp_path) as ledger:
        assert ledger.run(DAY) is None
        ledger.begin(DAY, forced=False, now=NOW)
        ledger.mark(DAY, "score", "started", now=NOW)
        ledger.mark(DAY, "score", "done", now=NOW, sentence="2 scored", counts={"rows": 2}, seconds=0.5)
        ledger.finish(DAY, "held", now=NOW)
        ledger.begin(DAY, forced=True, now=NOW)
        ledger.finish(DAY, "done", now=NOW)
        ledger.begin(DAY, forced=False, now=NOW)
    with open_ledger(tmp_path) as ledger:
        run, step = ledger.run(DAY), ledger.steps(DAY)["score"]
        assert (run.state, run.forced, run.runs) == ("started", True, 3)  # a lifted brake stays written down
        assert (step.state, step.sentence, step.counts, step.seconds) == ("done", "2 scored", {"rows": 2}, 0.5)
    assert (tmp_path / "night.db").stat().st_mode & 0o077 == 0


def test_a_broken_ledger_is_said(tmp_path):
    (tmp_path / "night.db").write_text("no database at all, but long enough to be looked at")
    with pytest.raises(DataError, match=r"night\.db: cannot be used .*put a copy back"), open_ledger(tmp_path):
        pass


def test_the_lock_names_its_holder_and_a_dead_ones_is_taken_over(tmp_path):
    hold = (
        "import sys, pathlib, time, datetime; from powerml.history.ledger import one_night_at_a_time\n"
        "with one_night_at_a_time(pathlib.Path(sys.argv[1]), now=datetime.datetime(2026, 3, 1, 2)):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(UsageError, match=rf"process {other.pid} on .*, since 2026-03-01 02:00 UTC is at it; wait"),
            one_night_at_a_time(tmp_path, now=NOW),
        ):
            pass
    finally:
        other.kill()
        other.communicate()
    with one_night_at_a_time(tmp_path, now=NOW):
        assert (tmp_path / "night.lock").read_text().startswith("process ")
    assert (tmp_path / "night.lock").read_text() == ""  # the same bytes after any run


def test_whoever_may_only_read_the_project_reads_the_ledger_and_makes_nothing_beside_it(tmp_path, monkeypatch):
    with open_ledger(tmp_path) as ledger:
        ledger.con.execute("PRAGMA journal_mode = WAL")  # as sinks have it
        ledger.begin(DAY, forced=False, now=NOW)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    opened, connect = [], sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda address, **more: opened.append(address) or connect(address, **more))
    with read_ledger(tmp_path) as ledger:
        assert ledger.run(DAY).state == "started"
        ledger.lift(DAY, ["stale"], by="test", now=NOW)  # in a copy
    assert [address for address in opened if "immutable=1" in address]  # or SQLite asks for files beside it
    with contextlib.closing(connect(tmp_path / "night.db")) as con:
        assert con.execute("SELECT count(*) FROM lifted").fetchone() == (0,)


def test_a_project_without_a_ledger_that_may_only_be_read_has_an_empty_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with read_ledger(tmp_path) as ledger:
        assert ledger.run(DAY) is None
    assert not list(tmp_path.iterdir())
