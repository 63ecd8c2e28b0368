"""Widths of a table's columns: words stay whole, then blanks give way, then the longest words, at their marks."""

from __future__ import annotations

import pandas as pd
import pytest
from rich.console import Console

from powerml.cli.columns import column_widths, parted
from powerml.cli.common import Output

NIGHTS = pd.DataFrame(
    {
        "as_of": ["2026-01-01", "2026-01-02"],
        "model": "engagement@1",
        "by": "backfill",
        "n": 825,
        "mean": 39.3,
        **{f"{band} %": 1.5 for band in ("Champions", "Healthy", "Stable", "At Risk", "High Risk")},
    }
)


@pytest.fixture
def at_80(monkeypatch):
    monkeypatch.setattr(Output, "console", property(lambda _self: Console(width=80, highlight=False, soft_wrap=True)))
    return Output(as_json=False, quiet=False)


def test_a_night_is_one_line_of_80_columns(at_80, capsys):
    at_80.table(NIGHTS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:3] for line in lines if "2026" in line] == [
        ["2026-01-01", "engagement@1", "backfill"],
        ["2026-01-02", "engagement@1", "backfill"],
    ]


def test_names_part_at_their_marks_and_reasons_between_words(at_80, capsys):
    metric = "workflow_abandon_rate_30d"
    at_80.table(pd.DataFrame({"metric": [metric] * 2, "with": [metric, "none"], "because": "wide " * 3, "of": metric}))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert {word for word in said.split() if "_" in word} <= {"workflow_abandon_rate_"}


def test_text_of_data_is_no_markup(at_80, capsys):
    at_80.table(pd.DataFrame({"[b]who": ["[b]ada[/b] :smile:\x1b[2J"]}))
    said = capsys.readouterr().out
    assert "[b]who" in said
    assert r"[b]ada[/b] :smile:\x1b[2J" in said


def test_what_has_room_stays_as_it_is():
    assert column_widths([10, 12], [10, 4], 80) == ([10, 12], 3)


def test_nothing_is_too_long():
    assert sum(column_widths([10_000, 4], [10_000, 4], 78)[0]) == 77
    assert parted("x" * 25, 10).split() == ["x" * 10, "x" * 10, "x" * 5]
    assert parted("  two words", 10) == "  two words"
