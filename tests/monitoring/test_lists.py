"""Lists: by account, money once, nobody who left, and nothing on an outcome of which the model tells nothing."""

import pandas as pd
import pytest

from powerml.config.lists import ListSpec, project_lists
from powerml.config.project import bare_project
from powerml.errors import UsageError
from powerml.history.store import NightHistory
from powerml.history.view import NightView
from powerml.monitoring.lists import make_list, worth
from tests.history.kept import keep, night

AT_RISK = {
    "name": "at_risk", "team": "cs", "who": ["status = scored", "band below Healthy"],
    "order": ["-mrr_at_risk", "-p_churn"], "came": "churn",
}  # fmt: skip
PEOPLE = {
    "ada": {"account_id": "acme", "score": 20.0, "p_churn": 0.6, "mrr": 1000.0},
    "bob": {"account_id": "acme", "score": 80.0, "p_churn": 0.2, "mrr": 1000.0},
    "cyd": {"account_id": "blue", "score": 10.0, "p_churn": 0.9, "mrr": 100.0},
    "dan": {"account_id": "cove", "score": 75.0, "p_churn": 0.5, "mrr": 9000.0},
    "eve": {"account_id": "dune", "score": 5.0, "p_churn": 0.9, "mrr": 900.0, "status": "left", "left": True},
}


@pytest.fixture
def history(tmp_path):
    return NightHistory(tmp_path / ".powerml" / "history")


def listed(history, people, spec=AT_RISK, **more):
    view = NightView.at(history, keep(history, night("2026-03-01"), people))
    return make_list(ListSpec.model_validate(spec), view, **more)


def test_an_account_stands_once_with_the_mean_of_its_probabilities_and_its_lowest_score(history):
    rows = listed(history, PEOPLE).rows
    assert rows["account_id"].tolist() == ["acme", "blue"]  # 0.4 x 1000 before 0.9 x 100; eve has left, dan is Healthy
    assert rows["p_churn"].tolist() == pytest.approx([0.4, 0.9])
    assert rows[["user_id", "score", "mrr"]].to_numpy().tolist()[0] == ["ada", 20.0, 1000.0]


def test_without_money_the_probability_sorts_and_the_list_says_so(history):
    made = listed(history, {who: told | {"mrr": None} for who, told in PEOPLE.items()})
    assert made.rows["account_id"].tolist() == ["blue", "acme"]
    assert made.remarks == ("mrr_at_risk: not known here, so the list is sorted by p_churn",)


def test_without_probabilities_the_list_says_what_it_lacks(history):
    people = {who: {k: v for k, v in told.items() if k != "p_churn"} for who, told in PEOPLE.items()}
    made = listed(history, people)
    assert made.empty
    lacks = "mrr_at_risk and p_churn: not known here, and the list is sorted by nothing else"
    assert made.remarks == (f"{lacks}; nights of a champion know them",)


def test_no_list_is_built_on_an_outcome_of_which_the_model_tells_nothing(history):
    made = listed(history, PEOPLE, untold=("churn",))
    assert made.empty
    assert made.remarks == ("churn: the model tells nothing of it on held-out rows, so no list is built on it",)


def test_a_users_list_needs_users_and_a_band_its_ladder(history):
    with pytest.raises(UsageError, match="no band of that name; did you mean 'Healthy'"):
        listed(history, PEOPLE, AT_RISK | {"who": ["band below Helthy"]})


def test_conditions_first_then_columns_sort(history):
    spec = {"name": "one", "team": "product", "entity": "user", "who": ["mrr >= 100"]}
    made = listed(history, PEOPLE, spec | {"order": ["band is High Risk", "-score"]})
    assert made.rows["user_id"].tolist() == ["ada", "cyd", "bob", "dan"]


def test_slipping_looks_a_week_back_at_the_same_scorer(history):
    keep(history, night("2026-02-22"), {"ada": {"score": 75.0}, "bob": {"score": 40.0}})
    spec = {"name": "slipping", "team": "cs", "who": [{"band": "down", "days": 7}], "order": ["change_7d"]}
    rows = listed(history, PEOPLE, spec).rows
    assert rows["user_id"].tolist() == ["ada"]
    assert rows["change_7d"].tolist() == [-55.0]


def test_worth_sets_a_list_beside_a_random_one(history):
    made = listed(history, PEOPLE)
    told = worth(made, pd.Series({"acme": "churn", "blue": "stay", "cove": "stay", "dune": "stay"}))
    assert (told.came, told.listed, told.at_random) == (1, 2, 0.5)
    assert told.low < 0.5 < told.high
    assert "1 of 2 churned (50 %" in told.sentence(made.spec, "2026-03-01")
    assert worth(made, pd.Series(dtype=object)) is None


def test_the_shipped_lists_are_read_and_say_where_they_come_from(tmp_path):
    shipped = project_lists(bare_project(tmp_path, name="crm"))
    assert set(shipped) == {
        *("at_risk", "expansion", "added_teammates", "no_invite_yet", "candidates", "rising_stars", "slipping"),
        *("interviews", "free_with_power_signs", "pql", "peers", "top_revenue", "score_against_money"),
    }
    assert all(one.source is not None and one.source.document for one in shipped.values())
