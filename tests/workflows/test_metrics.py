"""The list of metrics, row by row."""

from __future__ import annotations

import pytest

from powerml.config.metrics import catalogue
from powerml.errors import UsageError
from powerml.workflows.metrics import list_metrics
from tests.builders import write_project

EVENTS = "user_id, event, time\nada, click, 2026-01-05T12:00:00Z"


def test_one_row_per_metric_in_the_order_of_the_catalogue(tmp_path):
    frame = list_metrics(tmp_path / "none.yaml").set_index("metric")
    assert list(frame.index) == list(catalogue())
    assert (frame["definition"] != "").all()
    assert frame["source"].str.match(r"^00[0-4]_").all()
    assert frame.loc["events_30d", "window"] == "30 d"
    assert frame.loc["usage_change_90d", "window"] == "90 to 45 d back"
    assert frame.loc["team_size", "window"] == ""
    assert frame.loc["seats", ["unit", "direction", "group"]].tolist() == ["seats", "none", "plan"]


def test_only_those_named_in_the_order_asked_and_ones_own(tmp_path):
    house = """
    - {name: saves, table: events, where: {event: "save:*"}, measure: days, window_days: [60, 30], unit: days}
    - {name: share_of_saves, ratio: {of: saves, over: active_days_30d}, unit: ratio}
    """
    path = write_project(tmp_path, EVENTS, metrics=house)
    frame = list_metrics(path, ["share_of_saves", "saves", "mrr"])
    assert frame["metric"].tolist() == ["share_of_saves", "saves", "mrr"]
    assert frame["definition"][:2].tolist() == [
        "saves over active_days_30d", "distinct days with events with event save:* from 60 to 30 days back",
    ]  # fmt: skip
    assert frame["window"].tolist() == ["", "60 to 30 d back", ""]


def test_an_unknown_name(tmp_path):
    with pytest.raises(UsageError, match=r"no metric named 'saves'"):
        list_metrics(tmp_path / "none.yaml", ["saves"])
