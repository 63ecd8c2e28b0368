"""The two export tables in a folder of their own: whole, equal to the night, and touched by nothing that stays."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from powerml.errors import DataError
from powerml.history.exports import CHANGED, CURRENT, changed_table, export_bytes
from powerml.history.store import NightHistory
from powerml.sinks import tables
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import FakeAttio, running
from tests.sinks.world import PEOPLE, project_in, say, settings

APPLY = SyncOptions(apply=True)
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")', "+1", "-2", "@SUM(A1)", "\ttab", "line\nbreak", 'quote"comma,', "nul\x00",
    "\x1b[31mred", "\u202etxt.exe", "</script><script>alert(1)</script>", "'; DROP TABLE scores; --", "é\u0301🙂",
    "x" * 5_000, "007", "1e5", "null", "NaN",
)  # fmt: skip


@pytest.fixture
def project(tmp_path):
    made = project_in(tmp_path / "shop", {"files": {"folder": "warehouse/in"}})
    say(made, "2026-03-01", PEOPLE)
    return made


def folder_of(project):
    return project.base / "warehouse" / "in"


def read(project, name):
    return pd.read_parquet(folder_of(project) / name)


def stamps(project):
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder_of(project).iterdir()}


def test_a_dry_run_makes_nothing_and_a_sync_makes_both_tables(project):
    (said,) = sync(project)
    assert said.plan.counts() == {"file": {"create": 2}}
    assert not (project.base / "warehouse").exists()
    (done,) = sync(project, options=APPLY)
    assert (done.findings, done.done.written) == (False, 2)
    history = NightHistory.of(project)
    for name, frame in (
        (CURRENT, history.scores(history.newest())),
        (CHANGED, changed_table(history, history.newest())),
    ):
        assert (folder_of(project) / name).read_bytes() == export_bytes(frame)
    current = read(project, CURRENT)
    assert dict(zip(current["user_id"], current["score"], strict=True)) == PEOPLE
    assert {str(day) for day in current["as_of"]} == {"2026-03-01"}
    assert read(project, CHANGED).empty


def test_a_second_sync_touches_neither_file(project):
    sync(project, options=APPLY)
    before = stamps(project)
    assert set(before) == {CURRENT, CHANGED}
    (again,) = sync(project, options=APPLY)
    assert (again.plan.counts(), again.plan.stays, again.done.written) == ({}, 2, 0)
    assert stamps(project) == before


def test_who_left_is_in_neither_table_and_who_moved_is_in_both(project):
    sync(project, options=APPLY)
    say(project, "2026-03-02", {"ada": 91.2, "bob": 20.0, "fay": 70.0})
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"file": {"update": 2}}
    assert sorted(read(project, CURRENT)["user_id"]) == ["ada", "bob", "fay"]
    moved = read(project, CHANGED)
    assert moved[["user_id", "score_before", "score"]].to_numpy().tolist() == [["bob", 78.4, 20.0]]
    assert [str(day) for day in moved["before"]] == ["2026-03-01"]
    assert set(stamps(project)) == {CURRENT, CHANGED}


def test_hostile_cells_come_back_as_they_are_and_are_named_safely(project):
    scores = dict(zip(HOSTILE, np.linspace(0, 100, len(HOSTILE)), strict=True))
    say(project, "2026-03-02", scores, emails={HOSTILE[0]: "=cmd|' /C calc'!A0@shop.example"})
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    current = read(project, CURRENT)
    assert dict(zip(current["user_id"], current["score"], strict=True)) == scores
    history = NightHistory.of(project)
    expected = history.scores(history.newest())
    assert_frame_equal(current.drop(columns="as_of"), expected.drop(columns="as_of"))


def test_a_file_that_somebody_changed_or_removed_is_made_anew(project):
    sync(project, options=APPLY)
    whole = (folder_of(project) / CURRENT).read_bytes()
    (folder_of(project) / CURRENT).write_bytes(whole[:100])
    (folder_of(project) / CHANGED).unlink()
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"file": {"update": 1, "create": 1}}
    assert (folder_of(project) / CURRENT).read_bytes() == whole


def test_an_end_between_the_files_leaves_whole_ones_and_is_made_good(project, monkeypatch):
    sync(project, options=APPLY)
    before = (folder_of(project) / CHANGED).read_bytes()
    say(project, "2026-03-02", {"ada": 50.0, "bob": 20.0})
    write = tables.write_whole

    def ended(path, content):
        if path.name == CHANGED:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(tables, "write_whole", ended)
    with pytest.raises(KeyboardInterrupt):
        sync(project, options=APPLY)
    assert len(read(project, CURRENT)) == 2
    assert (folder_of(project) / CHANGED).read_bytes() == before
    monkeypatch.undo()
    (done,) = sync(project, options=APPLY)
    assert (done.plan.counts(), done.plan.stays) == ({"file": {"update": 1}}, 1)
    assert sorted(read(project, CHANGED)["user_id"]) == ["ada", "bob"]


def test_max_writes_leaves_the_second_file_for_the_next_time(project):
    (done,) = sync(project, options=SyncOptions(apply=True, max_writes=1))
    assert (done.done.written, done.plan.waiting, set(stamps(project))) == (1, 1, {CURRENT})
    (done,) = sync(project, options=APPLY)
    assert (done.done.written, set(stamps(project))) == (1, {CURRENT, CHANGED})


def test_a_folder_that_cannot_be_is_one_sentence_and_keeps_no_other_sink_from_its_work(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", {**settings(address, "attio"), "files": {"folder": "events.csv/in"}})
        say(project, "2026-03-01", PEOPLE)
        attio, files = sync(project, options=APPLY)
    assert not attio.findings
    assert len(fake.scores()) == len(PEOPLE)
    assert files.findings
    assert "events.csv" in files.trouble
    assert "check space and rights" in files.trouble


def test_a_full_disk_is_told_and_the_next_time_writes_what_is_lacking(project, monkeypatch):
    def full(path, _content):
        raise DataError.in_file(path, "cannot be written (No space left on device)", "check space and rights")

    monkeypatch.setattr(tables, "write_whole", full)
    (done,) = sync(project, options=APPLY)
    assert (done.findings, done.done.written) == (True, 0)
    assert "No space left on device" in done.done.failed
    monkeypatch.undo()
    (done,) = sync(project, options=APPLY)
    assert (done.findings, done.done.written) == (False, 2)
