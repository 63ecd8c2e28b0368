"""`powerml export --canonical`: what was written is read back as the same tables."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest
import yaml

from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.workflows.export import export_canonical
from powerml.workflows.project import open_project
from tests.builders import AS_OF, NOW, write_project

EVENTS = """
    event_id, who, event,  time,                      amount
    e1,       ada, order,  2026-03-01T12:00:00+02:00, 12.5
    e1,       ada, order,  2026-03-01T12:00:00+02:00, 12.5
    e2,       bob, order,  2026-03-02T12:00:00+02:00, 7
    e3,       bob, order,  never,                     1
"""
OWN = (
    "- {name: spent, table: events, measure: sum, of: amount, window_days: 60, unit: GBP, direction: up, group: usage}"
)
USERS = "user_id, account_id, created_at\nada, a, 2026-01-01T00:00:00\nbob, b, 2026-01-02T00:00:00"


@pytest.fixture
def config(tmp_path):
    path = write_project(
        tmp_path / "own", EVENTS, metrics=OWN, tables={"users": USERS}, timezone="Europe/Berlin", vocabulary={}
    )
    declared = yaml.safe_load(path.read_text())
    declared["tables"]["events"] |= {"columns": {"user_id": "who"}, "max_bad_rows": 1}
    path.write_text(yaml.safe_dump(declared))
    return path


def test_bad_rows_and_repeats_stay_behind_and_times_are_instants(config, tmp_path):
    report = export_canonical(load_project(config), tmp_path / "out", now=NOW).set_index("table")
    assert report.loc["events", ["rows", "loaded", "quarantined", "ignored"]].tolist() == [4, 2, 1, 1]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        events = con.execute(
            f"SELECT event_id, user_id, time::VARCHAR FROM '{tmp_path}/out/events/*.parquet'"
        ).fetchall()
        (kind,) = con.execute(f"SELECT typeof(created_at) FROM '{tmp_path}/out/users/*.parquet'").fetchone()
    assert events == [("e1", "ada", "2026-03-01 10:00:00+00"), ("e2", "bob", "2026-03-02 10:00:00+00")]
    assert kind == "TIMESTAMP WITH TIME ZONE"


def test_a_project_on_what_was_written_says_the_same(config, tmp_path):
    first = load_project(config)
    export_canonical(first, tmp_path / "out", now=NOW)
    declared = yaml.safe_load(config.read_text())
    declared["tables"] = {table: {"files": str(tmp_path / "out" / table)} for table in ("events", "users")}
    other = config.parent / "other.yaml"
    other.write_text(yaml.safe_dump(declared))
    frames = [open_project(load_project(path), now=NOW).build([AS_OF]).frame for path in (config, other)]
    pd.testing.assert_frame_equal(*frames)
    assert frames[0].set_index("user_id")["spent"].to_dict() == {"ada": 12.5, "bob": 7.0}


def test_nothing_is_overwritten(config, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="is there already and is not overwritten"):
        export_canonical(load_project(config), tmp_path / "out", now=NOW)
