"""Which version of a row counts: the one known last before an instant, and for outcomes the one known last."""

from __future__ import annotations

import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.snapshots.versions import known_at, known_at_all, versions
from powerml.workflows.project import open_project
from tests.builders import NOW, write_project

EVENTS = "user_id,event,time\n" + "".join(f"u{n},seen,2026-01-0{n}T09:00:00Z\n" for n in range(1, 4))
USERS = """
    user_id, account_id, known_at
    u1, first,
    u1, second, 2026-02-01
    u1, third, 2026-02-01
    u1, last, 2026-03-01
    u2, only, 2026-02-15
"""


@pytest.fixture
def opened(tmp_path):
    return open_project(load_project(write_project(tmp_path, EVENTS, tables={"users": USERS})), now=NOW)


@pytest.mark.parametrize(
    ("instant", "known"),
    [
        ("2026-01-01", {"u1": "first"}),
        ("2026-02-01", {"u1": "first"}),  # what is written at a cutoff is not known at it
        ("2026-02-01 00:00:01", {"u1": "third"}),  # of two at once the later row
        ("2026-02-20", {"u1": "third", "u2": "only"}),
        ("2026-09-01", {"u1": "last", "u2": "only"}),
    ],
)
def test_the_version_known_last_before_an_instant(opened, instant, known):
    table = versions(opened.inputs, "users")
    at = pd.Timestamp(instant).value // 1000
    rows = opened.inputs.engine.rows(table.filter(known_at(table, at)).select("user_id", "account_id"))
    assert {row["user_id"]: row["account_id"] for row in rows} == known
    assert len(rows) == len(known)


def test_the_version_known_last_of_all(opened):
    table = versions(opened.inputs, "users")
    rows = opened.inputs.engine.rows(table.filter(known_at_all(table)).select("user_id", "account_id"))
    assert sorted((row["user_id"], row["account_id"]) for row in rows) == [("u1", "last"), ("u2", "only")]


def test_without_known_at_every_row_counts_always(opened):
    table = versions(opened.inputs, "events")
    assert opened.inputs.engine.rows(table.filter(known_at(table, 0) & known_at_all(table)).count().as_table())[0] == {
        table.count().get_name(): 3
    }
