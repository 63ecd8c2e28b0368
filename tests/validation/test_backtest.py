import numpy as np
import pandas as pd
import pytest

from powerml.errors import DataError, MissingColumns
from powerml.validation.backtest import backtest

SCORES = pd.DataFrame(
    {
        "user_id": ["ada", "bob", "cyd", "dan", "eve", "fay", "gus"],
        "score": [10.0, 20.0, 20.0, 55.0, 80.0, np.nan, 5.0],
        "band": ["High Risk"] * 3 + ["Stable", "Healthy", None, "High Risk"],
        "reasons": ["[]"] * 7,
    }
)
LABELS = pd.DataFrame(
    {
        "user_id": ["ada", "bob", "cyd", "dan", "eve", "fay", "gus"],
        "label": ["churn", "stay", "churn", "churn", "expand", "churn", "immature"],
    }
)


def test_the_list_for_customer_success():
    found = backtest(SCORES, LABELS, id_column="user_id", top=2)
    # gus has no outcome yet, fay no score; bob comes before cyd by name
    assert found.rows[["rank", "user_id", "result"]].to_numpy().tolist() == [
        [1, "ada", "hit"],
        [2, "bob", "false alarm"],
        [3, "cyd", "missed"],
        [4, "dan", "missed"],
    ]
    assert list(found.rows.columns) == ["rank", "user_id", "score", "band", "reasons", "label", "result"]
    assert (found.listed, found.hits, found.events, found.judged, found.unjudged) == (2, 1, 3, 5, 1)
    assert (
        "Of 2 listed 1 churned (50 %, n = 2, 9 to 91 %), 0.8 times the base rate of 60.0 %; 2 of the 3"
        in found.sentence
    )


def test_the_list_for_sales_is_the_other_end():
    found = backtest(SCORES, LABELS, id_column="user_id", team="sales", top=1)
    assert found.rows["user_id"].tolist() == ["eve"]
    assert found.rows["result"].tolist() == ["hit"]
    assert found.auroc == 1.0


def test_probabilities_go_before_the_score():
    p = SCORES.assign(p_churn=[0.1, 0.2, 0.3, 0.9, 0.0, 0.0, 0.0])
    assert backtest(p, LABELS, id_column="user_id", top=1).rows["user_id"].iloc[0] == "dan"


def test_errors():
    with pytest.raises(DataError, match="no scored account has an outcome"):
        backtest(SCORES, LABELS.assign(label="immature"), id_column="user_id")
    with pytest.raises(MissingColumns, match="'score'"):
        backtest(SCORES.drop(columns="score"), LABELS, id_column="user_id")


def test_ties_at_the_cut_are_said():
    """Bob and Cyd have 20 points each, and one place is left."""
    found = backtest(SCORES, LABELS, id_column="user_id", top=2)
    assert found.tied == 2
    assert found.sentence.endswith("2 tie at the cut, and which of them are listed is by id alone.")
    assert backtest(SCORES, LABELS, id_column="user_id", top=3).tied == 0
    assert "tie" not in backtest(SCORES, LABELS, id_column="user_id", top=99).sentence
