"""From the tables of a project to the snapshot table."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd
import pytest
import yaml

from powerml.config.metrics import MetricSpec
from powerml.config.project import load_project
from powerml.errors import ConfigError, DataError, UsageError
from powerml.snapshots.needs import columns_asked
from powerml.workflows.project import open_project, project_metrics, until_when
from powerml.workflows.snapshot import build, write_snapshots
from tests.builders import NOW, opened, write_project

EVENTS = """
user_id, event, time,                 device
ada,     click, 2026-01-05T12:00:00Z, web
ada,     save,  2026-02-20T12:00:00Z, phone
ben,     click, 2026-06-20T12:00:00Z, web
"""
WORDS = {"click": {"tier": "core"}, "save": {"tier": "advanced"}, "never": {"tier": "core"}}
OWN = "- {name: web_ever, table: events, where: {device: web}, measure: count, unit: events}"


@pytest.fixture
def path(tmp_path):
    return write_project(tmp_path, EVENTS, vocabulary=WORDS, metrics=OWN)


def test_cutoffs_by_default_go_from_the_first_event_to_the_last(path):
    assert [str(d) for d in opened(path).cutoffs()] == [f"2026-0{month}-01" for month in range(2, 7)]


@pytest.mark.parametrize(
    ("setting", "dates"),
    [
        ({"every": "quarter"}, ["2026-04-01"]),
        ({"from": "2026-05-15"}, ["2026-06-01"]),
        ({"to": "2026-03-01"}, ["2026-02-01", "2026-03-01"]),
        ({"every": "week", "from": "2026-02-02", "to": "2026-02-09"}, ["2026-02-02", "2026-02-09"]),
    ],
)
def test_cutoffs_that_the_project_asks_for(tmp_path, setting, dates):
    path = write_project(tmp_path, EVENTS, snapshots=setting)
    assert [str(d) for d in opened(path).cutoffs()] == dates


def test_mature_cutoffs_are_those_whose_window_was_seen(path):
    data = opened(path)
    assert (data.first_day, data.last_day) == (date(2026, 1, 5), date(2026, 6, 20))
    assert data.mature(data.cutoffs()) == [date(2026, 2, 1), date(2026, 3, 1)]
    assert data.mature([date(2026, 3, 23), date(2026, 3, 24)]) == [date(2026, 3, 23)]


def test_the_vocabulary_is_counted_as_declared(path):
    counts = opened(path, ["events_30d"]).build([date(2026, 4, 1)]).vocabulary_counts
    assert dict(counts) == {"features": 3, "advanced": 1, "core": 2}


def test_no_cutoff_is_an_error(path):
    with pytest.raises(UsageError, match="no cutoff to take a snapshot at; give --as-of or --monthly"):
        opened(path).build([])


def test_ones_own_metrics_and_the_columns_they_ask_for(path, monkeypatch, tmp_path):
    project = load_project(path)
    metrics = project_metrics(project)
    assert list(metrics)[-1] == "web_ever"
    assert columns_asked([metrics["web_ever"]]) == {"events": {"device"}}
    assert columns_asked([metrics["events_30d"], metrics["distinct_features_30d"]]) == {}
    extra = MetricSpec(name="extra", table="events", measure="count", unit="events")
    assert "extra" in open_project(project, now=NOW, metrics=[extra]).metrics
    monkeypatch.setenv("HOUSE", str(tmp_path))
    moved = project.model_copy(update={"metrics": ("${HOUSE}/house.yaml",)})
    assert "web_ever" in project_metrics(moved)


def test_a_metric_of_ones_own_that_takes_a_name_of_the_catalogue(tmp_path):
    path = write_project(tmp_path, EVENTS, metrics="- {name: mrr, table: events, measure: count, unit: events}")
    with pytest.raises(ConfigError, match="there is a metric 'mrr' already; rename this one"):
        open_project(load_project(path), now=NOW)


def test_build_and_write_give_the_same(path, tmp_path):
    project = load_project(path)
    frame = build(project, [date(2026, 4, 1)], labels=True).frame
    written = write_snapshots(project, tmp_path / "out.parquet", as_of=[date(2026, 4, 1)], labels=True)
    pd.testing.assert_frame_equal(written.frame, frame)
    stored = pd.read_parquet(tmp_path / "out.parquet")
    assert stored["as_of"].tolist() == [date(2026, 4, 1)]
    pd.testing.assert_frame_equal(stored.drop(columns="as_of"), frame.drop(columns="as_of"), check_dtype=False)


def test_rows_in_the_future_of_the_run_ripen_no_labels(tmp_path):
    path = write_project(tmp_path, EVENTS.replace("2026-06-20", "2027-06-20"))
    with pytest.raises(DataError, match=r"(?s)events\.csv: row 3: .* is in the future.*quarantine"):
        open_project(load_project(path), now=NOW)


def test_where_the_rows_of_a_range_are_too_bad_all_rows_decide(tmp_path):
    """What lies behind the date is not read, unless something is wrong with what lies before."""
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(
            "CREATE TABLE log AS SELECT CASE WHEN i <> 1 THEN 'ada' END AS user_id, 'seen' AS event,"
            " TIMESTAMPTZ '2026-03-01 09:00:00Z' + i * INTERVAL 1 DAY AS time FROM range(200) t(i)"
        )
    declared = {"database": {"file": "w.duckdb"}, "table": "log"}
    (tmp_path / "powerml.yaml").write_text(yaml.safe_dump({"tables": {"events": declared}, "vocabulary": {}}))
    project = load_project(tmp_path / "powerml.yaml")
    for day, rows in ((date(2026, 3, 4), 200), (date(2026, 8, 1), 153)):
        data = open_project(project, until=until_when(project, [day], labels=False))
        assert data.loaded.report["rows"].to_list() == [rows]
        data.loaded.con.close()
