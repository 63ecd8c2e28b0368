import pandas as pd
import pytest

from powerml.validation.churn_path import DOCUMENTED_PATH, churn_instants, churn_path, path_before_churn, path_sentence

MONTHS = pd.date_range("2026-01-01", periods=9, freq="MS")


def history(labels, who="ada", scores=None):
    """A label (and a score) for each of the first months."""
    frame = pd.DataFrame({"as_of": MONTHS[: len(labels)], "user_id": who, "label": labels})
    return frame.assign(score=scores if scores is not None else 50.0)


def test_the_documents_path_is_found_again():
    """Six months, the last three of which see the churn coming; gone at the seventh."""
    rows = history(["stay"] * 3 + ["churn"] * 3 + ["ineligible"], scores=[*DOCUMENTED_PATH, 0.0])
    path = churn_path(rows, rows, id_column="user_id")
    assert path["months_before"].tolist() == [6, 5, 4, 3, 2, 1]
    assert path["mean_score"].tolist() == list(DOCUMENTED_PATH)
    assert (path["n"] == 1).all()
    assert path["document"].tolist() == list(DOCUMENTED_PATH)
    assert path_sentence(path).startswith("Mean score of churners by months before they left: 6: 62 (n = 1), 5: 58")


def test_two_churns_of_one_account_are_two():
    rows = history(["churn", "ineligible", "stay", "churn", "churn", "ineligible"])
    assert churn_instants(rows, id_column="user_id")["churned_at"].dt.month.tolist() == [1, 5]


def test_a_run_that_may_go_on_is_left_out():
    rows = pd.concat([history(["stay", "churn"]), history(["churn", "stay"], who="bob")])
    assert churn_instants(rows, id_column="user_id")["user_id"].tolist() == ["bob"]


def test_quarters_are_taken_half_a_horizon_on():
    rows = pd.DataFrame({"as_of": pd.to_datetime(["2026-01-01", "2026-07-01"]), "user_id": "ada", "label": "stay"})
    rows.loc[0, "label"] = "churn"
    (at,) = churn_instants(rows, id_column="user_id")["churned_at"]
    assert at == pd.Timestamp("2026-02-15")


@pytest.mark.parametrize("labels", [["stay"] * 5, ["churn", "ineligible"]])
def test_no_path_without_churners_or_without_earlier_scores(labels):
    rows = history(labels)
    assert churn_path(rows, rows, id_column="user_id") is None


def test_the_path_of_churners():
    """Scores 62 to 19 on cutoffs 30 days apart, the last 10 days before the churn: D's own path."""
    left = pd.Timestamp("2026-06-30")
    cutoffs = [left - pd.Timedelta(days=10 + 30 * k) for k in range(5, -1, -1)]
    history = pd.DataFrame(
        {
            "as_of": [*cutoffs, *cutoffs, cutoffs[-1]],
            "user_id": ["ada"] * 6 + ["bob"] * 6 + ["eve"],
            "score": [62, 58, 51, 42, 31, 19, 64, 60, 53, 44, 33, 21, 99],
        }
    )
    churned = pd.DataFrame({"user_id": ["ada", "bob"], "churned_at": [left, left]})
    path = path_before_churn(history, churned, id_column="user_id")
    assert list(path["months_before"]) == [6, 5, 4, 3, 2, 1]
    assert list(path["mean_score"]) == [63, 59, 52, 43, 32, 20]
    assert list(path["n"]) == [2] * 6
    # spread of 19 and 21 is sqrt(2), its error 1: 20 +- 1.96
    assert path["low"].iloc[-1] == pytest.approx(18.04, abs=0.01)
    assert path_before_churn(history, churned.iloc[:0], id_column="user_id")["n"].sum() == 0


def test_users_of_one_account_count_together_in_the_interval():
    left = pd.Timestamp("2026-06-30")
    users = ["ada", "bob", "eve", "kit"]
    churned = pd.DataFrame({"user_id": users, "churned_at": left})
    history = pd.DataFrame({"as_of": left - pd.Timedelta(days=10), "user_id": users, "score": [19, 21, 39, 41]})
    alone = path_before_churn(history, churned, id_column="user_id").iloc[-1]
    paired = history.assign(account_id=["a", "a", "b", "b"])
    together = path_before_churn(paired, churned, id_column="user_id").iloc[-1]
    assert (alone["n"], together["n"], together["mean_score"]) == (4, 4, 30)
    # two accounts of 20 and 40, so an error of 10; four users would have one of 5.8
    assert together["high"] == pytest.approx(30 + 19.6, abs=0.01)
    assert alone["high"] == pytest.approx(30 + 1.96 * history["score"].std() / 2, abs=0.01)
    one = path_before_churn(history.assign(account_id="a"), churned, id_column="user_id").iloc[-1]
    assert one[["low", "high"]].isna().all()
