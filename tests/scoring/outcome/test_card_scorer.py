"""A card file of two heads scores like any weight set: by path, alone as in a batch, written and read again."""

import json

import numpy as np
import pytest
import yaml

from powerml.errors import ConfigError, MissingColumns
from powerml.scoring.load import load_weights
from powerml.scoring.model import ScoringModel
from powerml.scoring.outcome.card_file import card_file, weight_files
from powerml.scoring.stored import scorer_from_dict
from tests.scoring.outcome.test_model import fitted, snapshots


@pytest.fixture(scope="module")
def model():
    frame, y, _ = snapshots(1500)
    return fitted(frame, y, head="card", name="our_card")


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    (name, text), *others = weight_files(model).items()
    assert not others
    path = tmp_path_factory.mktemp("cards") / f"{name}.yaml"
    path.write_text(text)
    return path


def test_the_file_scores_as_the_model_did(model, file):
    frame, _, _ = snapshots(300, seed=5)
    scorer = load_weights(file).fit(frame)
    assert (scorer.name, scorer.version, scorer.kind) == ("our_card", 1, "edited")
    table, before = scorer.score_table(frame), model.score_table(frame)
    for column in ("score", "p_churn", "p_stay", "p_expand", "churn_lift"):
        assert table[column].to_numpy() == pytest.approx(before[column].to_numpy(), abs=1e-9), column
    assert (table["band"] == before["band"]).all()
    assert table["churn_points"].between(0, 100).all()
    reasons = scorer.contributions(frame)
    assert reasons.scores.to_numpy() == pytest.approx(table["score"].to_numpy(), abs=1e-6)
    assert sum(scorer.weight_shares().values()) == pytest.approx(100)


def test_one_row_scores_as_in_a_batch_and_after_a_journey(file):
    frame, _, _ = snapshots(60, seed=6)
    scored = ScoringModel(load_weights(file)).with_reference(frame)
    again = ScoringModel.from_dict(json.loads(json.dumps(scored.to_dict())))
    batch = scored.score(frame)
    for i in (0, 17, 59):
        alone = again.score(frame.iloc[[i]])
        assert alone["score"].item() == pytest.approx(batch["score"].iloc[i])
        assert alone["percentile"].item() == batch["percentile"].iloc[i]
    assert list(batch)[:3] == ["score", "band", "percentile"]
    assert scorer_from_dict(scored.scorer.to_dict()).card == scored.scorer.card


def test_the_card_is_told_line_by_line(file):
    lines = load_weights(file).table()
    links = lines[lines["part"].isin(["churn", "expand"])]
    assert links["when"].tolist() == ["logit of its probability", "logit of its probability given not churn"]
    assert "x points" in links["gives"].iloc[0]
    assert set(lines["part"].str.extract(r"^(churn|expand)\.", expand=False).dropna()) == {"churn", "expand"}
    assert "60 x P(stay) + 100 x P(expand)" in lines["gives"].tolist()


def test_a_number_is_set_from_outside(file):
    frame, _, _ = snapshots(100, seed=7)
    path = "heads.churn.intercept"
    plain = load_weights(file)
    moved = load_weights(file, params={path: plain.card.heads["churn"].intercept + 1})
    assert str(moved.version).startswith("1+heads.churn.intercept=")
    assert (moved.predict_proba_outcomes(frame)["p_churn"] > plain.predict_proba_outcomes(frame)["p_churn"]).all()


def test_words(model, file, tmp_path):
    with pytest.raises(MissingColumns, match="active_days_30d"):
        load_weights(file).predict_score(snapshots(5)[0].drop(columns=["active_days_30d"]))
    data = card_file(model)
    first = next(iter(data["heads"]["churn"]["parts"]))
    data["heads"]["churn"]["deductions"] = {first: {"metric": "seats", "per_unit": -1}}
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError, match=f"{first!r} is both a part and a deduction"):
        load_weights(wrong)


def test_fitted_weights_of_a_document_are_files_of_their_own(tmp_path):
    """Document E's action weights for each outcome: nothing to write for a model of trees or of a logistic head."""
    rng = np.random.default_rng(0)
    frame, y, _ = snapshots(1500)
    frame = frame.assign(
        logins_30d=frame["active_days_30d"] * 2,
        workflows_completed_30d=rng.poisson(2, 1500).astype(float),
        invites_30d=frame["team_members_added_90d"],
        events_30d=frame["active_days_30d"] * 3,
    )
    model = fitted(frame, y, head="weights", prior=load_weights("activity"))
    files = weight_files(model)
    assert list(files) == ["activity_for_churn", "activity_for_expand"]
    path = tmp_path / "activity_for_churn.yaml"
    path.write_text(files["activity_for_churn"])
    again = load_weights(path)
    assert again.card.actions["logins_30d"].weight == pytest.approx(1)
    assert again.card == model.sides_.churn.scorer.card
    assert weight_files(fitted(frame, y, head="logistic")) == {}
