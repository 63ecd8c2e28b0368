"""Fingerprints change with the files and the declaration, and with nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from powerml.errors import DataError
from powerml.sources.fingerprint import file_fingerprints, fingerprint

if TYPE_CHECKING:
    from pathlib import Path


def touch(path: Path, seconds: int) -> None:
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))


def test_it_stays_while_nothing_changes_and_follows_size_time_and_declaration(project, tmp_path):
    first = fingerprint(project(), "events")
    file = tmp_path / "events.csv"
    stamp = file.stat().st_mtime_ns
    assert fingerprint(project(events="events.csv"), "events") != "", "the file is not written again"
    os.utime(file, ns=(stamp, stamp))
    assert fingerprint(project(events="events.csv"), "events") == first
    assert fingerprint(project(events="events.csv", timezone="Europe/Berlin"), "events") != first
    assert fingerprint(project(events={"files": "events.csv", "time_format": "%d"}), "events") != first
    touch(file, 1)
    touched = fingerprint(project(events="events.csv"), "events")
    assert touched != first
    file.write_text(file.read_text() + "bo,x,2026-03-01\n")
    touch(file, 1)
    assert fingerprint(project(events="events.csv"), "events") not in (first, touched)


def test_a_parquet_footer_tells_two_files_of_one_size_and_time_apart(project, tmp_path, parquet):
    found = set()
    for value in (1, 2):
        path = parquet("e.parquet", f"SELECT '{value}' AS user_id, 'x' AS event, DATE '2026-03-0{value}' AS time")
        touch(path, 1)
        found.add((path.stat().st_size, fingerprint(project(events="e.parquet"), "events")))
    (size, one), (same, other) = found
    assert size == same
    assert one != other


def test_each_file_has_its_own_so_that_a_new_day_leaves_the_others(project, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/1.csv").write_text("user_id,event,time\n")
    before = file_fingerprints(project(events="d"), "events")
    (tmp_path / "d/2.csv").write_text("user_id,event,time\n")
    after = file_fingerprints(project(events="d"), "events")
    assert list(after) == ["d/1.csv", "d/2.csv"]
    assert after["d/1.csv"] == before["d/1.csv"]


def test_a_query_depends_on_the_files_it_names(project, tmp_path, parquet):
    path = parquet("deep/e.parquet", "SELECT 1 AS user_id")
    entry = {"query": "SELECT *, 'x.csv' AS event FROM 'deep/*.parquet'"}
    assert list(file_fingerprints(project(events=entry), "events")) == ["deep/e.parquet"]
    before = fingerprint(project(events=entry), "events")
    touch(path, 1)
    assert fingerprint(project(events=entry), "events") != before


def test_a_missing_file_is_said(project):
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        fingerprint(project(users="absent.csv"), "users")
