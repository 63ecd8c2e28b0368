"""Counts of a table add up."""

from __future__ import annotations

from powerml.sources.loaded_table import LoadedTable
from powerml.sources.rules import RowRule


def test_loaded_is_what_is_neither_set_aside_nor_a_repeat():
    broken = ((RowRule("missing", "user_id", "false"), 3), (RowRule("not a time", "time", "false"), 4))
    outcome = LoadedTable("events", rows=100, broken=broken, ignored=10, repeated_ids=5, bad_rows="")
    assert (outcome.quarantined, outcome.loaded) == (7, 83)
