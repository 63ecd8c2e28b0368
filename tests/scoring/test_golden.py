"""All five documented scores against golden vectors of an independent, slow implementation of the specification."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.load import load_weights

GOLDEN = Path(__file__).parents[1] / "golden"
METRICS = pd.read_csv(GOLDEN / "metrics.csv")


@pytest.mark.parametrize(
    ("weights", "params", "expected"),
    [
        ("power_user", {"max_features": 20, "max_advanced": 5}, "power_user"),
        ("power_user_rule", {}, "definition"),
        ("power_user_signals", {}, "signals"),
        ("engagement", {}, "engagement"),
        ("activity", {"full_scale": 50}, "activity"),
    ],
)
def test_every_column_of_the_golden_vectors(weights, params, expected):
    golden = pd.read_csv(GOLDEN / f"{expected}.csv")
    ours = load_weights(weights, params=params).score_table(METRICS)
    assert list(golden["user_id"]) == list(METRICS["user_id"])
    for column in golden.columns.drop("user_id"):
        if pd.api.types.is_numeric_dtype(golden[column]):
            np.testing.assert_allclose(
                ours[column].astype(float), golden[column].astype(float), rtol=0, atol=1e-9, err_msg=column
            )
        else:
            assert list(ours[column]) == list(golden[column]), column


def test_the_published_composite():
    """000_8aeca6b8c7c88714, step 2: 85, 72, 65, 80, 90; the document prints 78."""
    printed = {"depth": 85, "tenure": 72, "collaboration": 65, "expansion": 80, "sentiment": 90}
    assert load_weights("power_user").combine(printed) == pytest.approx(78.4)  # 25.5 + 14.4 + 13 + 12 + 13.5


def test_the_published_activity_score():
    """004_e4651a8bc7b9f660, worked example: 8 logins, 3 workflows, 1 invite; the document prints 31 and "around 62"."""
    user = pd.DataFrame({"logins_30d": [8], "workflows_completed_30d": [3], "invites_30d": [1]})
    scores = load_weights("activity", params={"full_scale": 50}).score_table(user)
    assert scores["raw_score"].tolist() == [31]  # 8 x 1 + 3 x 5 + 1 x 8
    assert scores["score"].tolist() == [62]  # 100 x 31 / 50
    assert scores["band"].tolist() == ["Engaged"]
