"""The tree adds up at every level, for a mean and for its change, with and without who came and went."""

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.moved_tree import moved_tree
from powerml.scoring.explain.tree import branches_of
from powerml.scoring.model import ScoringModel
from tests.scoring.outcome.test_model import fitted, snapshots
from tests.scoring.sets import CATALOGUE, GOLDEN, SETS, scorer

COLUMNS = ["contribution", "before", "change", "from_movers"]
BRANCHES = {"a": "usage", "b": "usage", "c": "team"}


def given(ids, seed, baseline):
    values = np.random.default_rng(seed).normal(size=(len(ids), 3))
    return Contributions(pd.DataFrame(values, index=list(ids), columns=list("abc")), baseline)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_level_adds_up(column):
    after, before = given("uvwx", 21, 50.0), given("vwxyz", 22, 48.0)
    rows = moved_tree(after, before, BRANCHES, {"usage": "Kim"})
    own = rows[rows["metric"] == ""].set_index("branch")[column]
    assert own["score"] == pytest.approx(own.drop("score").sum(), abs=1e-9)
    for branch in ("usage", "team"):
        leaves = rows.loc[(rows["branch"] == branch) & (rows["metric"] != ""), column]
        assert own[branch] == pytest.approx(leaves.sum(), abs=1e-9)
    if column == "contribution":
        assert own["score"] == pytest.approx(after.scores.mean(), abs=1e-9)
    if column == "change":
        assert own["score"] == pytest.approx(after.scores.mean() - before.scores.mean(), abs=1e-9)
    assert rows.loc[rows["branch"].eq("usage") & rows["metric"].eq(""), "owner"].tolist() == ["Kim"]


def adds_up(model, before, after):
    """The tree of the mean and of its change, between rows of which some came and some went; both means are exact."""
    then, now = (model.contributions(rows) for rows in (before, after))
    rows = moved_tree(now, then, branches_of(model, CATALOGUE), {})
    own = rows[rows["metric"] == ""].set_index("branch")[COLUMNS]
    leaves = rows[rows["metric"] != ""].groupby("branch")[COLUMNS].sum()
    assert own.loc["score"].to_numpy() == pytest.approx(own.drop("score").sum().to_numpy(), abs=1e-9)
    assert leaves.to_numpy() == pytest.approx(own.loc[leaves.index].to_numpy(), abs=1e-9)
    means = [model.scorer.predict_score(rows).mean() for rows in (before, after)]
    assert own.loc["score", "contribution"] == pytest.approx(means[1], abs=1e-9)
    assert own.loc["score", "change"] == pytest.approx(means[1] - means[0], abs=1e-9)


@pytest.mark.parametrize("name", SETS)
def test_every_level_of_a_documented_set_adds_up(name):
    adds_up(ScoringModel(scorer(name)), GOLDEN.iloc[:25], GOLDEN.iloc[8:])


def test_every_level_of_a_fitted_model_adds_up():
    frame, y, _ = snapshots(900, 21)
    model = ScoringModel(fitted(frame, y))
    adds_up(model, frame.iloc[:500], frame.iloc[200:])


def test_who_came_is_told_apart_from_what_those_who_stayed_did():
    stay = pd.DataFrame({"a": [1.0, 1.0]}, index=["u", "v"])
    after = Contributions(pd.concat([stay, pd.DataFrame({"a": [10.0]}, index=["new"])]), 0.0)
    rows = moved_tree(after, Contributions(stay, 0.0), {"a": "usage"}, {})
    assert rows.loc[0, ["change", "from_movers"]].tolist() == [3.0, 3.0]


def test_without_a_night_before_there_is_no_change():
    rows = moved_tree(given("uv", 23, 0.0), None, BRANCHES, {})
    assert rows[["before", "change", "from_movers"]].isna().all().all()
    assert "baseline" not in set(rows["branch"])
