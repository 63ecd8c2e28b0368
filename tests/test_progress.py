"""Signs of life: what they say, and how fast."""

from __future__ import annotations

import time

from powerml.config.project import load_project
from powerml.progress import per_second
from powerml.sources import loading
from powerml.sources.loading import open_sources
from tests.builders import NOW, write_project


def test_a_rate_counts_from_when_work_began():
    assert per_second(0, time.monotonic()) == "0 per second"
    slow = per_second(5_000, time.monotonic() - 10)
    assert 400 < int(slow.removesuffix(" per second").replace(",", "")) <= 500


def test_reading_many_rows_says_how_fast(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MANY_ROWS", 2)
    config = write_project(tmp_path, "user_id,event,time\nada,go,2026-03-01\nbo,go,2026-03-02\n")
    notes = []
    open_sources(load_project(config), now=NOW, note=notes.append)
    assert notes[0] == "reading events"
    assert notes[1].startswith("read events: 2 rows, ")
    assert notes[1].endswith(" per second")
