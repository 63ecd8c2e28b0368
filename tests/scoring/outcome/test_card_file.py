"""A fitted card saved, edited by hand and scored again."""

import numpy as np
import pytest
import yaml

from powerml.config.card_model import CardModelSpec
from powerml.config.reading import load
from powerml.errors import ConfigError, UsageError
from powerml.scoring.documented.table import card_table
from powerml.scoring.outcome.card_file import card_file, card_model
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.stored import scorer_from_dict
from tests.scoring.outcome.test_model import fitted, snapshots


@pytest.fixture(scope="module")
def model():
    frame, y, _ = snapshots(1500)
    return fitted(frame, y, head="card")


def saved(path, data):
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def read_back(path):
    return card_model(load(CardModelSpec, path))


def test_a_saved_card_scores_the_same(model, tmp_path):
    frame, _, _ = snapshots(200, seed=5)
    again = read_back(saved(tmp_path / "card.yaml", card_file(model)))
    table, before = again.score_table(frame), model.score_table(frame)
    assert table["score"].to_numpy() == pytest.approx(before["score"].to_numpy(), abs=1e-9)
    assert table["churn_lift"].to_numpy() == pytest.approx(before["churn_lift"].to_numpy(), abs=1e-9)
    assert (table["band"] == before["band"]).all()
    reasons = again.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(table["score"].to_numpy(), abs=1e-6)
    assert reasons.baseline == pytest.approx(model.contributions(frame).baseline, abs=1e-6)
    assert scorer_from_dict(again.to_dict()).predict_score(frame) == pytest.approx(table["score"].to_numpy())
    assert sum(again.weight_shares().values()) == pytest.approx(100)


def test_each_head_is_a_card_of_a_hundred_whole_points(model):
    data = card_file(model, name="mine")
    assert list(data["heads"]) == ["churn", "expand"]
    for head in data["heads"].values():
        most = [max(part["missing"], *(step["points"] for step in part["steps"])) for part in head["parts"].values()]
        assert sum(most) == 100
        assert all(isinstance(points, int) for points in most)
    assert CardModelSpec.model_validate(data).label == "mine@1"


def test_an_edit_by_hand_changes_what_it_says(model, tmp_path):
    frame, _, _ = snapshots(300, seed=6)
    data = card_file(model)
    part = data["heads"]["churn"]["parts"]["active_days_30d"]
    part["steps"][0]["points"] = 0
    edited = read_back(saved(tmp_path / "card.yaml", data))
    high = (frame["active_days_30d"] >= part["steps"][0]["from"]).to_numpy()
    change = edited.predict_score(frame) - model.predict_score(frame)
    assert (change[high] < -1).all()
    assert np.abs(change[~high]).max() < 1e-9


@pytest.fixture(scope="module")
def curved():
    frame, y, _ = snapshots(1500)
    return fitted(frame, y, head="card", calibration="isotonic")


def test_a_saved_curve_scores_the_same_and_can_be_edited(curved, tmp_path):
    frame, _, _ = snapshots(300, seed=5)
    data = card_file(curved)
    assert len(data["heads"]["churn"]["curve"]) > 1
    again = read_back(saved(tmp_path / "card.yaml", data))
    assert again.predict_score(frame) == pytest.approx(curved.predict_score(frame), abs=1e-9)
    reasons, before = again.contributions(frame), curved.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(again.predict_score(frame), abs=1e-6)
    assert reasons.baseline == pytest.approx(before.baseline, abs=1e-6)
    for point in data["heads"]["churn"]["curve"]:
        point["probability"] /= 2
    edited = read_back(saved(tmp_path / "edited.yaml", data))
    said, was = (model.predict_proba_outcomes(frame)["p_churn"].to_numpy() for model in (edited, again))
    assert (said < was).all()
    data["heads"]["churn"]["intercept"] += 1.0
    moved = read_back(saved(tmp_path / "moved.yaml", data))
    assert moved.predict_proba_outcomes(frame)["p_churn"].mean() > said.mean()


def test_a_curve_is_told_on_the_card(curved, tmp_path):
    lines = card_table(CardModelSpec.model_validate(card_file(curved)))
    churn = lines[lines["part"] == "churn"]
    assert churn["when"].iloc[0] == "logit"
    assert churn["when"].iloc[1:].str.fullmatch(r"logit \S+ \(\S+ points\)").all()
    assert churn["gives"].iloc[1:].str.endswith(" %").all()
    assert len(churn) == 1 + len(card_file(curved)["heads"]["churn"]["curve"])


def test_a_curve_that_falls_says_where(curved, tmp_path):
    data = card_file(curved)
    data["heads"]["churn"]["curve"] = [{"logit": -1, "probability": 0.3}, {"logit": 0, "probability": 0.2}]
    with pytest.raises(ConfigError, match=r"'curve' must not fall, got probability 0\.2 after 0\.3"):
        read_back(saved(tmp_path / "card.yaml", data))
    data["heads"]["churn"]["curve"][1] = {"logit": -1, "probability": 0.4}
    with pytest.raises(ConfigError, match="'curve' must have rising logits, got -1 after -1"):
        read_back(saved(tmp_path / "card.yaml", data))


def test_two_outcomes_have_one_card():
    frame, y, _ = snapshots(900)
    two = fitted(frame, np.where(y == "churn", "churn", "stay"), head="card")
    again = card_model(CardModelSpec.model_validate(card_file(two)))
    assert again.predict_score(frame) == pytest.approx(two.predict_score(frame), abs=1e-9)


def test_words(model, tmp_path):
    data = card_file(model)
    data["heads"]["chrun"] = data["heads"].pop("churn")
    with pytest.raises(ConfigError, match="'heads' must be churn, expand, got expand, chrun"):
        read_back(saved(tmp_path / "card.yaml", data))
    frame, y, _ = snapshots(900)
    with pytest.raises(UsageError, match="churn: head logistic has no points, so no card file can hold it"):
        card_file(fitted(frame, y, head="logistic"))
    text = frame[["active_days_30d"]].assign(contract=np.where(y == "churn", "monthly", "yearly"))
    noisy = np.where(np.random.default_rng(0).random(900) < 0.2, "stay", y)
    with pytest.raises(UsageError, match="churn: column 'contract' holds text; a card file reads numbers only"):
        card_file(NestedOutcomeModel("card").fit(text, noisy))
