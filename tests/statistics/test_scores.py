import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from powerml.statistics import scores
from powerml.statistics.logistic import sigmoid

pairs = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=80).filter(
    lambda rows: 0 < sum(y for y, _ in rows) < len(rows)
)


@settings(deadline=None)
@given(pairs)
def test_scikit_learn_agrees_ties_included(rows):
    y, s = np.array(rows, dtype=int).T
    p = (s + 1) / 10
    assert scores.auroc(y, s) == pytest.approx(roc_auc_score(y, s))
    assert scores.average_precision(y, s) == pytest.approx(average_precision_score(y, s))
    assert scores.log_loss_rows(y, p).mean() == pytest.approx(log_loss(y, p))
    assert scores.brier_rows(y, p).mean() == pytest.approx(brier_score_loss(y, p))
    assert scores.midranks(s) == pytest.approx(rankdata(s))


def test_scores_of_three_outcomes_by_hand():
    p = [[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]]
    # churn came: ln(1/0.2) = 1.6094; Brier 0.64 + 0.25 + 0.09 = 0.98; ranked (0.2-1)^2 + (0.7-1)^2 = 0.73
    # expand came: ln(1/0.3) = 1.2040; Brier 0.04 + 0.25 + 0.49 = 0.78; ranked 0.2^2 + 0.7^2 = 0.53
    assert scores.outcomes_log_loss_rows([0, 2], p) == pytest.approx([1.6094, 1.2040], abs=1e-4)
    assert scores.outcomes_brier_rows([0, 2], p) == pytest.approx([0.98, 0.78])
    assert scores.ranked_probability_rows([0, 2], p) == pytest.approx([0.73, 0.53])
    assert scores.skill(0.2, 0.8) == pytest.approx(0.75)


def test_a_certain_mistake_costs_much_but_not_everything():
    assert scores.log_loss_rows([1], [0.0])[0] == pytest.approx(27.63, abs=0.01)


def test_concordance_by_hand():
    # of three pairs: churn-stay 1 < 2 right, churn-expand 1 < 1.5 right, stay-expand 2 > 1.5 wrong
    assert scores.concordance([0, 1, 2], [1, 2, 1.5]) == pytest.approx(2 / 3)
    assert scores.concordance([0, 1, 1, 0], [1, 2, 3, 2]) == pytest.approx(scores.auroc([0, 1, 1, 0], [1, 2, 3, 2]))


def test_lift_and_recall():
    y = np.r_[np.ones(5), np.zeros(5), np.ones(5), np.zeros(85)]
    s = np.arange(100)[::-1]
    assert scores.recall_at(y, s) == pytest.approx(0.5)  # 5 of the 10 events in the top 10 of 100
    assert scores.lift_at(y, s) == pytest.approx(5)
    assert scores.lift_at(y, np.zeros(100)) == pytest.approx(1)  # all tied: as good as drawing


def test_one_class_only_has_no_ranking():
    undefined = [scores.auroc([0, 0], [1, 2]), scores.average_precision([0, 0], [1, 2]), scores.lift_at([0], [1])]
    assert np.isnan(undefined).all()
    assert np.isnan(scores.calibration_line([1, 1], [0.2, 0.3])).all()


def test_the_calibration_line_is_scikit_learns():
    rng = np.random.default_rng(0)
    x = rng.normal(-2, 1.5, 3000)
    y = rng.random(3000) < sigmoid(0.6 * x + 0.4)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], y)
    slope, intercept = scores.calibration_line(y, sigmoid(x))
    assert slope == pytest.approx(theirs.coef_[0, 0], abs=1e-4)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)
    ridged = LogisticRegression(C=0.1, tol=1e-10, max_iter=1000).fit(x[:, None], y)  # its C is 1 / ridge
    assert scores.logistic_line(y, x, ridge=10)[0] == pytest.approx(ridged.coef_[0, 0], abs=1e-4)


def test_no_line_where_the_classes_are_separated():
    assert np.isnan(scores.logistic_line([0, 0, 1, 1], [1, 2, 3, 4])).all()


def test_observed_over_expected():
    assert scores.observed_expected([1, 0, 1, 0], [0.2, 0.1, 0.6, 0.1]) == pytest.approx(2.0)
