"""Document B's segments among those who are scored at a date."""

import pandas as pd

from powerml.monitoring.segments_now import power_users, segments_now
from powerml.scoring.load import load_weights

METRICS = list(load_weights("power_user_rule").metrics_)


def test_only_those_who_are_scored_have_a_segment():
    ids = [f"u{i}" for i in range(10)]
    snapshot = pd.DataFrame(0.0, index=range(10), columns=METRICS).assign(user_id=ids)
    snapshot.loc[0, METRICS] = 1000.0
    scores = pd.DataFrame({"user_id": ids, "score": range(10), "status": ["scored"] * 9 + ["left"]})
    found = segments_now(snapshot, scores, "user_id").set_index("user_id")["segment"]
    assert "u9" not in found
    assert found["u0"] == "Power Users"
    assert found["u8"] == "Emerging Power"
    assert found["u1"] == "Casual Users"


def test_without_the_rule_s_metrics_nobody_has_one():
    snapshot = pd.DataFrame({"user_id": ["a"]})
    assert power_users(snapshot) is None
    scores = pd.DataFrame({"user_id": ["a"], "score": [1.0], "status": ["scored"]})
    assert segments_now(snapshot, scores, "user_id") is None
