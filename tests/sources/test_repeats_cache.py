"""What is remembered of event ids: the same answer as without, and only new files read."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest

from powerml.errors import DataError
from powerml.sources import open_sources, repeats_cache
from tests.sources.conftest import NOW
from tests.sources.reading import counts, rows


@pytest.fixture
def day(parquet):
    """Writes a day's file with the given event ids."""

    def write(number: int, *ids: str | None):
        values = ", ".join("(NULL)" if i is None else f"('{i}')" for i in ids)
        time = f"TIMESTAMP '2026-03-0{number}' AS time"
        made = f"SELECT id::VARCHAR AS event_id, 'ada' AS user_id, 'day {number}' AS event, {time}"
        return parquet(f"days/{number}.parquet", f"{made} FROM (VALUES {values}) t(id)")

    return write


@pytest.fixture
def both(project, tmp_path):
    """Opens the project with and without the memory; they must agree."""

    def open_():
        spec = project(events="days")
        plain, kept = open_sources(spec, now=NOW), open_sources(spec, now=NOW, cache=tmp_path / "cache")
        assert sorted(rows(kept, "events"), key=str) == sorted(rows(plain, "events"), key=str)
        assert kept.report.equals(plain.report)
        return counts(kept, "events")

    return open_


def test_day_after_day(both, day):
    day(1, "a", "b", None, None)
    assert both() == (4, 4, 0, 0)
    assert both() == (4, 4, 0, 0)
    day(2, "b", "c", "c")
    assert both() == (7, 5, 0, 2)
    day(3, "a", "b", "d")
    assert both() == (10, 6, 0, 4)
    day(4, "e")
    assert both() == (11, 7, 0, 4)


def test_a_changed_a_removed_and_an_earlier_file_start_afresh(both, day, tmp_path):
    day(2, "a", "b")
    day(3, "b")
    assert both() == (3, 2, 0, 1)
    day(3, "c")
    assert both() == (3, 3, 0, 0)
    day(1, "a", "c")
    assert both() == (5, 3, 0, 2)
    (tmp_path / "days/1.parquet").unlink()
    assert both() == (3, 3, 0, 0)


def test_only_the_new_file_is_read(both, day, monkeypatch):
    day(1, "a", "b")
    both()
    day(2, "c", "d")
    read = []
    real = repeats_cache.id_hashes
    monkeypatch.setattr(
        repeats_cache, "id_hashes", lambda con, good, **cut: read.append(good) or real(con, good, **cut)
    )
    both()
    both()
    assert len(read) == 1
    assert "2.parquet" in read[0]
    assert "1.parquet" not in read[0]


def test_new_files_without_ids_add_none(both, day, parquet):
    day(1, "a", "a")
    both()
    parquet("days/2.parquet", "SELECT 'ada' AS user_id, 'x' AS event, TIMESTAMP '2026-03-02' AS time")
    assert both() == (3, 2, 0, 1)


def test_old_files_are_tidied_and_a_damaged_manifest_starts_afresh(both, day, tmp_path):
    day(1, "a", "a")
    both()
    day(2, "a")
    both()
    assert sorted(path.suffix for path in (tmp_path / "cache").glob("event_ids*")) == [
        ".json",
        ".npy",
        ".npy",
        ".parquet",
    ]
    day(3, "b")
    both()
    kept = (tmp_path / "cache").glob("event_ids*")
    assert sorted(path.suffix for path in kept) == [".json", ".npy", ".parquet"]
    assert np.load(next((tmp_path / "cache").glob("*.npy"))).shape == (4,)
    (tmp_path / "cache/event_ids.json").write_text("{")
    assert both() == (4, 2, 0, 2)


def test_parts_stay_few_and_hold_every_id():
    parts, nights = [], 200
    for night in range(nights):
        parts = repeats_cache.folded_hashes(parts, np.arange(3, dtype=np.uint64) + 3 * night)
        sizes = [len(hashes) for _path, hashes in parts]
        assert all(one >= 2 * following for one, following in itertools.pairwise(sizes))
    assert sorted(np.concatenate([hashes for _path, hashes in parts])) == list(range(3 * nights))
    assert len(parts) <= 9


def test_a_folder_that_cannot_be_written_is_named(project, day, tmp_path):
    day(1, "a")
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(DataError, match=rf"{tmp_path}/cache: cannot be used \(.*\); check space and rights"):
        open_sources(project(events="days"), now=NOW, cache=tmp_path / "cache")


def test_a_file_touched_is_read_again(both, day):
    path = day(1, "a", "a")
    both()
    os.utime(path, ns=(1, 1))
    assert both() == (2, 1, 0, 1)
