"""A documented score joined to outcomes: calibrated, its sign bound by the document, its reasons those of S."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.scoring.outcome.linked import LinkedScorer, link_scorer
from powerml.scoring.stored import scorer_from_dict
from powerml.statistics.logistic import sigmoid
from powerml.statistics.scores import outcomes_log_loss_rows
from tests.scoring.sets import GOLDEN, SETS, scorer

OUTCOMES = ("churn", "stay", "expand")
VALUES = {"churn": 0.0, "stay": 60.0, "expand": 100.0}


def people(n, *, seed=0):
    """Rows of golden metrics, drawn with replacement and shaken a little."""
    rng = np.random.default_rng(seed)
    frame = GOLDEN.sample(n, replace=True, random_state=seed).reset_index(drop=True)
    metrics = frame.select_dtypes("number").columns
    return frame.assign(**{m: frame[m] * rng.integers(0, 3, n) for m in metrics if m != "events_30d"})


def outcomes(score, *, seed=0, turned=False):
    """Outcomes that follow a score: the higher, the fewer leave and the more expand; `turned` round."""
    rng = np.random.default_rng(seed)
    z = (score - score.mean()) / score.std() * (-1 if turned else 1)
    left = rng.random(len(z)) < sigmoid(-1.2 - 1.0 * z)
    grew = rng.random(len(z)) < sigmoid(-1.0 + 0.8 * z)
    return np.where(left, "churn", np.where(grew, "expand", "stay")).astype(object)


@pytest.fixture(scope="module")
def linked():
    document = scorer("engagement", fitted=True)
    frame = people(6000)
    return link_scorer(document, frame, outcomes(document.predict_score(frame)), outcomes=OUTCOMES)


def test_among_those_who_score_s_the_outcome_averages_s(linked):
    frame = people(40_000, seed=5)
    number = linked.document.predict_score(frame)
    reference = linked.document.predict_score(people(6000))
    z = (number - reference.mean()) / reference.std()
    rng = np.random.default_rng(9)
    left = rng.random(len(z)) < sigmoid(-1.2 - 1.0 * z)
    grew = rng.random(len(z)) < sigmoid(-1.0 + 0.8 * z)
    y = np.where(left, 0.0, np.where(grew, 100.0, 60.0))
    s = linked.predict_score(frame)
    fifth = pd.qcut(s, 5, labels=False, duplicates="drop")
    for k in range(fifth.max() + 1):
        assert y[fifth == k].mean() == pytest.approx(s[fifth == k].mean(), abs=2.0)


def test_the_table_holds_the_documents_number_and_parts_beside_s(linked):
    frame = people(50, seed=1)
    table = linked.score_table(frame)
    its = linked.document.score_table(frame)
    assert (table["document_score"] == its["score"]).all()
    assert (table[list(linked.document.parts)] == its[list(linked.document.parts)]).all().all()
    p = table[["p_churn", "p_stay", "p_expand"]]
    assert np.allclose(p.sum(axis=1), 1)
    assert np.allclose(table["score"], 60 * p["p_stay"] + 100 * p["p_expand"])
    assert np.allclose(linked.predict_score(frame), table["score"])
    assert set(table["band"]) <= {"Champions", "Healthy", "Stable", "At Risk", "High Risk"}


def test_document_a_keeps_the_tier_of_its_own_number():
    document = scorer("power_user", fitted=True)
    frame = people(2000, seed=2)
    linked = link_scorer(document, frame, outcomes(document.predict_score(frame)), outcomes=OUTCOMES)
    table = linked.score_table(frame)
    assert (table["tier"] == document.score_table(frame)["tier"]).all()
    assert "band" in table


@pytest.mark.parametrize("name", SETS)
def test_reasons_explain_s_and_add_up(name):
    document = scorer(name, fitted=True)
    frame = people(3000, seed=3)
    linked = link_scorer(document, frame, outcomes(document.predict_score(frame), seed=4), outcomes=OUTCOMES)
    given_ = linked.contributions(frame)
    assert given_.scores.to_numpy() == pytest.approx(linked.predict_score(frame), abs=1e-6)
    assert given_.baseline == pytest.approx(
        float(linked.of_document(document.contributions(frame).scores.mean())), abs=1e-9
    )


@given(seed=st.integers(0, 1000), rows=st.lists(st.integers(0, 199), min_size=1, max_size=5, unique=True))
@settings(max_examples=25, deadline=None)
def test_a_row_alone_is_as_in_a_batch_and_s_never_falls_with_the_number(linked, seed, rows):
    frame = people(200, seed=seed)
    together = linked.score_table(frame)
    for row in rows:
        pd.testing.assert_frame_equal(linked.score_table(frame.iloc[[row]]), together.iloc[[row]])
    ordered = together.sort_values("document_score", kind="stable")["score"].to_numpy()
    assert (np.diff(ordered) >= -1e-9).all()


def test_a_link_that_contradicts_its_document_is_flat_and_said():
    document = scorer("engagement", fitted=True)
    frame = people(4000, seed=6)
    turned = outcomes(document.predict_score(frame), seed=7, turned=True)
    linked = link_scorer(document, frame, turned, outcomes=OUTCOMES)
    assert np.ptp(linked.predict_score(frame)) == pytest.approx(0, abs=1e-9)
    assert linked.predict_score(frame)[0] == pytest.approx(np.mean([VALUES[o] for o in turned]), abs=0.2)
    churn, expand = linked.remarks()
    assert churn.startswith("churn does not fall with the documented score in these rows")
    assert expand.startswith("expand does not rise with the documented score in these rows")
    assert np.abs(linked.contributions(frame).values.to_numpy()).max() < 1e-9


def test_few_events_leave_a_cautious_link():
    document = scorer("engagement", fitted=True)
    frame = people(300, seed=8)
    y = np.full(300, "stay", dtype=object)
    y[np.argsort(document.predict_score(frame))[[10, 60, 120]]] = "churn"
    linked = link_scorer(document, frame, y, outcomes=OUTCOMES)
    table = linked.score_table(frame)
    assert table["p_churn"].mean() == pytest.approx(3 / 300, abs=0.01)
    assert table["p_expand"].max() < 0.05
    assert not linked.remarks()
    assert table["score"].corr(table["document_score"], method="spearman") > 0.99


def test_everybody_left_is_no_crash():
    document = scorer("engagement", fitted=True)
    frame = people(80, seed=9)
    linked = link_scorer(document, frame, np.full(80, "churn", dtype=object), outcomes=OUTCOMES)
    assert linked.predict_score(frame).max() < 5


def test_json_keeps_it(linked):
    again = scorer_from_dict(json.loads(json.dumps(linked.to_dict(), allow_nan=False)))
    frame = people(40, seed=11)
    assert isinstance(again, LinkedScorer)
    pd.testing.assert_frame_equal(again.score_table(frame), linked.score_table(frame))
    assert again.contributions(frame).baseline == linked.contributions(frame).baseline


def test_newer_rows_move_the_intercepts_alone(linked):
    again = LinkedScorer.from_dict(linked.to_dict())
    frame = people(5000, seed=12)
    y = outcomes(linked.document.predict_score(frame), seed=13)
    y[:2000] = "churn"
    moves = again.recalibrate(frame, y)
    assert moves["churn"].by > 0.3
    assert moves["churn"].alarm
    assert again.score_table(frame)["p_churn"].mean() == pytest.approx((y == "churn").mean(), abs=1e-3)


def test_the_loss_to_expect_is_that_of_other_people():
    document = scorer("engagement", fitted=True)
    frame = people(1500, seed=3)
    y = outcomes(document.predict_score(frame), seed=3)
    accounts = np.arange(1500) // 2
    linked = link_scorer(document, frame, y, outcomes=OUTCOMES, groups=accounts)
    codes = np.array([OUTCOMES.index(one) for one in y])
    said = linked.score_table(frame)[[f"p_{name}" for name in OUTCOMES]]
    learned = float(outcomes_log_loss_rows(codes, said).mean())
    assert learned < linked.expected_loss() < learned + 0.01
    assert np.isnan(scorer_from_dict(json.loads(json.dumps(linked.to_dict()))).expected_loss())


def test_a_flat_link_expects_the_loss_of_a_constant():
    document = scorer("engagement", fitted=True)
    frame = people(1500, seed=4)
    y = outcomes(document.predict_score(frame), seed=4, turned=True)
    linked = link_scorer(document, frame, y, outcomes=OUTCOMES)
    rates = np.array([(y == name).mean() for name in OUTCOMES])
    assert linked.expected_loss() == pytest.approx(float(-(rates * np.log(rates)).sum()), abs=0.005)
