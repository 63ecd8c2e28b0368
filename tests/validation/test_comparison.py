import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from powerml.errors import UsageError
from powerml.statistics.logistic import sigmoid
from powerml.statistics.scores import auroc, outcomes_brier_rows, outcomes_log_loss_rows
from powerml.validation.comparison import agreement, compare


def world(seed, *, accounts=600, rows=2, noise=1.0):
    """A true model and one that sees x through noise; every account has several rows."""
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.normal(size=accounts), rows)
    y = np.where(np.repeat(rng.random(accounts), rows) < sigmoid(-1.5 - 1.2 * x), "churn", "stay")
    blurred = x + np.repeat(noise * rng.normal(size=accounts), rows)

    def said(c):
        return pd.DataFrame({"p_churn": c, "p_stay": 1 - c})

    return y, said(sigmoid(-1.5 - 1.2 * x)), said(sigmoid(-1.3 - 0.6 * blurred)), np.repeat(np.arange(accounts), rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_gain_is_found_and_a_loss_too(seed):
    y, true, blurred, groups = world(seed)
    found = compare(y, {"blurred": blurred, "true": true}, groups=groups, repeats=400)
    assert found.answer("blurred", "true") == "better"
    assert "true is better than blurred" in found.sentences[0]
    assert (
        compare(y, {"true": true, "blurred": blurred}, groups=groups, repeats=400).answer("true", "blurred") == "worse"
    )


def test_a_scorer_is_never_better_than_itself():
    for seed in (1, 2, 3):
        y, true, _, groups = world(seed)
        found = compare(y, {"one": true, "again": true.copy()}, groups=groups, repeats=200)
        assert set(found.pairs["answer"]) == {"cannot tell"}
        assert (found.pairs["p_value"] == 1).all()
        assert "cannot tell them apart" in found.sentences[0]


def test_the_values_are_those_of_the_scores():
    y, true, blurred, groups = world(4)
    k = (y == "stay").astype(int)
    found = compare(y, {"true": true, "blurred": blurred}, groups=groups, repeats=100)
    values = found.measures.set_index(["scorer", "measure"])["value"]
    assert values["true", "log_loss"] == pytest.approx(outcomes_log_loss_rows(k, true.to_numpy()).mean())
    assert values["blurred", "brier"] == pytest.approx(outcomes_brier_rows(k, blurred.to_numpy()).mean())
    assert values["true", "auroc_churn"] == pytest.approx(auroc(y == "churn", true["p_churn"]))
    pair = found.pairs.set_index("measure").loc["log_loss"]
    assert pair["gain"] == pytest.approx(values["true", "log_loss"] - values["blurred", "log_loss"])
    assert pair["low"] < pair["gain"] < pair["high"]
    assert (found.measures["low"] < found.measures["value"]).all()


def test_holm_counts_every_pair():
    y, true, blurred, groups = world(5)
    three = compare(y, {"a": blurred, "b": true, "c": true.copy()}, groups=groups, repeats=200)
    pairs = three.pairs[three.pairs["measure"] == "log_loss"]
    assert len(pairs) == 3
    assert (pairs["p_holm"] >= pairs["p_value"]).all()
    best = pairs["p_value"].min()
    assert pairs["p_holm"].min() == pytest.approx(min(1, 3 * best))


def test_rows_of_one_account_are_no_proof():
    """The gain of 15 accounts, each copied forty times: by rows beyond doubt, by accounts not."""
    y, true, blurred, groups = world(2, accounts=15, rows=40, noise=0.7)
    by_row = compare(y, {"a": blurred, "b": true}, groups=np.arange(len(y)), repeats=400).pairs.iloc[0]
    by_account = compare(y, {"a": blurred, "b": true}, groups=groups, repeats=400).pairs.iloc[0]
    assert by_account["high"] - by_account["low"] > 4 * (by_row["high"] - by_row["low"])


def test_scorers_of_a_custom_outcome_are_compared():
    """Its labels are NAME and not_NAME: the events are the accounts with NAME."""
    y, true, blurred, groups = world(1)
    names = {"p_churn": "p_bought", "p_stay": "p_not_bought"}
    bought = np.where(y == "churn", "bought", "not_bought")
    sets = {"blurred": blurred.rename(columns=names), "true": true.rename(columns=names)}
    found = compare(bought, sets, groups=groups, repeats=200)
    assert found.answer("blurred", "true") == "better"
    assert found.events == len(set(groups[bought == "bought"]))


def test_one_scorer_is_no_comparison():
    y, true, _, groups = world(1)
    with pytest.raises(UsageError, match="two scorers"):
        compare(y, {"one": true}, groups=groups)


def test_agreement_names_who_moves():
    ids = [f"u{i:02d}" for i in range(50)]
    first = pd.DataFrame({"score": np.arange(50.0) * 2, "band": np.where(np.arange(50) >= 35, "Healthy", "Stable")})
    second = first.copy()
    second.loc[0, ["score", "band"]] = [99.5, "Healthy"]
    second.loc[49, "score"] = np.nan
    found = agreement(ids, first, second, top=3)
    assert found.n == 49  # u49 has no second score
    assert found.changed_band == 1
    assert found.moves.set_index(["from", "to"])["n"].to_dict() == {
        ("Healthy", "Healthy"): 14, ("Stable", "Healthy"): 1, ("Stable", "Stable"): 34,
    }  # fmt: skip
    listed = found.top.set_index(["end", "change"])["id"].to_dict()
    assert listed == {
        ("highest", "enters"): "u00", ("highest", "leaves"): "u46",
        ("lowest", "enters"): "u03", ("lowest", "leaves"): "u00",
    }  # fmt: skip
    assert found.kendall_tau == pytest.approx(kendalltau(first["score"][:49], second["score"][:49]).statistic)
    assert "Of 49 entities 2 enter the highest or lowest 3; 1 change band (2.0 %); Kendall" in found.sentence


def test_different_ladders_have_no_moves_to_count():
    first = pd.DataFrame({"score": [3.0, 1.0], "tier": ["A", "B"]})
    found = agreement(["x", "y"], first, pd.DataFrame({"score": [3.0, 1.0], "band": ["High", "Low"]}))
    assert found.changed_band is None
    assert "their bands have different names" in found.sentence


def test_the_same_scores_agree():
    first = pd.DataFrame({"score": [3.0, 1.0, 2.0], "tier": ["A", "B", "B"]})
    found = agreement(["x", "y", "z"], first, first.copy())
    assert (found.kendall_tau, found.changed_band, len(found.top)) == (1.0, 0, 0)
