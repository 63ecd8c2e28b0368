import numpy as np
import pandas as pd
import pytest

from powerml.statistics.outcomes import Predictions
from powerml.validation.early_warning import early_sentence, early_warning, rows_earlier


def monthly(ids=("a", "b"), months=4):
    days = pd.to_datetime([f"2026-{m:02d}-01" for m in range(1, months + 1)])
    return pd.DataFrame([(day, i) for day in days for i in ids], columns=["as_of", "user_id"])


def test_the_earlier_row_is_the_same_entity_s_nearest():
    frame = monthly()
    april = frame[frame["as_of"] == "2026-04-01"]
    assert rows_earlier(frame, april, id_column="user_id", days=30).tolist() == [4, 5]  # 1 March
    assert rows_earlier(frame, april, id_column="user_id", days=90).tolist() == [0, 1]  # 1 January
    assert rows_earlier(frame, frame, id_column="user_id", days=90).tolist() == [-1] * 6 + [0, 1]


def test_quarterly_snapshots_give_ninety_days_only():
    frame = pd.DataFrame({"as_of": pd.to_datetime(["2026-01-01", "2026-04-01"]), "user_id": "a"})
    found = {days: rows_earlier(frame, frame, id_column="user_id", days=days).tolist() for days in (30, 60, 90)}
    assert found == {30: [-1, -1], 60: [-1, -1], 90: [-1, 0]}


def predictions(p, came):
    said = pd.DataFrame({"p_churn": p, "p_stay": 1 - np.asarray(p)})
    return Predictions.of(np.where(came, "churn", "stay"), said)


def test_a_score_that_knew_early_and_one_that_did_not():
    rng = np.random.default_rng(7)
    came = rng.random(400) < 0.4
    p = np.where(came, 0.6, 0.4) + 0.05 * rng.normal(size=400)
    early = {30: pd.DataFrame({"p_churn": p}), 90: pd.DataFrame({"p_churn": rng.random(400)})}
    early[30].iloc[:100] = np.nan
    table = early_warning(predictions(p, came), early, groups=np.arange(400), repeats=200)
    month, quarter = table.to_dict("records")
    assert (month["days"], month["rows"], month["events"]) == (30, 300, int(came[100:].sum()))
    assert month["auroc"] == month["auroc_at_cutoff"] > 0.95
    assert quarter["low"] < quarter["auroc"] < 0.65
    assert quarter["auroc_at_cutoff"] > 0.95
    assert early_sentence(table).startswith("Early warning of churn: AUROC 0.99")
    assert "90 days earlier (n = 300 rows)." in early_sentence(table)


def test_a_handful_of_events_says_nothing():
    came = np.arange(100) < 9
    table = early_warning(
        predictions(np.full(100, 0.1), came), {30: pd.DataFrame({"p_churn": np.full(100, 0.1)})}, groups=np.arange(100)
    )
    assert table["auroc"].isna().all()
    assert table["events"].tolist() == [9]
    assert early_sentence(table) == ""


def test_without_earlier_snapshots_there_is_no_table():
    table = early_warning(predictions([0.2, 0.8], [0, 1]), {}, groups=["a", "b"])
    assert table.empty
    assert early_sentence(table) == ""
    with pytest.raises(KeyError):
        early_warning(predictions([0.2, 0.8], [0, 1]), {30: pd.DataFrame({"score": [1, 2]})}, groups=["a", "b"])
