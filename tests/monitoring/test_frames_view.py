"""Rules on two snapshots, where no history is kept: what has become true since the earlier one."""

import pandas as pd

from powerml.config.alerts import AlertSpec
from powerml.monitoring.frames_view import FramesView, became_true


def frame(**columns):
    ids = ["ada", "bob", "cyd"]
    rows = {"user_id": ids, "account_id": ["a", "b", "b"], "status": "scored", "events_30d": 9.0, **columns}
    return pd.DataFrame(rows, index=pd.Index(ids))


def rule(*when, **more):
    return AlertSpec.model_validate({"name": "it", "when": list(when), "action": "call", "team": "cs", **more})


def views(before, now, days=7, bands=("Healthy", "At Risk")):
    return FramesView(frame(**now), bands, FramesView(frame(**before), bands), days)


def test_what_is_true_now_and_was_not_then_is_told_with_its_value():
    now = views({"seats": [1.0, 5.0, 1.0]}, {"seats": [4.0, 5.0, 1.0]})
    told = became_true([rule("seats >= 3")], now)
    assert told[["alert", "account_id", "team", "because", "action"]].to_numpy().tolist() == [
        ["it", "a", "cs", "seats >= 3 (4)", "call"]
    ]


def test_a_condition_looks_back_as_far_as_the_earlier_snapshot_lies():
    now = views({"score": [60.0, 60.0, 60.0]}, {"score": [40.0, 60.0, 60.0]}, days=30)
    assert became_true([rule({"score": "fell", "by": 15, "days": 30})], now)["account_id"].tolist() == ["a"]
    assert became_true([rule({"score": "fell", "by": 15, "days": 7})], now).empty


def test_a_rule_on_what_is_not_there_says_nothing():
    now = views({}, {})
    assert became_true([rule("seats >= 3"), rule({"branch": "any", "pulls_mean_down": 2}, entity="branch")], now).empty
    assert became_true([rule("events_30d >= 1")], FramesView(frame())).empty
