from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from powerml.config.outcome import EventOutcome
from powerml.config.project import bare_project
from powerml.training.churners_path import churners_path
from powerml.training.rows import Rows
from powerml.training.snapshot_rows import snapshot_rows

MONTHS = pd.date_range("2025-01-01", periods=14, freq="MS")
LEAVES = 11  # the month, from 0, in which Ada's account churns; its three earlier windows hold that


class Falls:
    """A score that falls by 10 a month, and remembers which snapshots it was asked about."""

    document = None

    def __init__(self):
        self.asked = []

    def predict_score(self, frame):
        self.asked += list(frame["as_of"])
        return 10.0 * (LEAVES - frame["as_of"].map({m: i for i, m in enumerate(MONTHS)}))


def data():
    """Four accounts by month: Ada leaves, one leaves early and comes back, two stay; 90 days, no grace."""
    rows = []
    for number, month in enumerate(MONTHS):
        gone = number >= LEAVES
        labels = {"ada": "ineligible" if gone else "churn" if number >= LEAVES - 3 else "stay"}
        labels |= {"bob": "churn" if number == 1 else "stay", "cy": "stay", "di": "stay"}
        rows += [(month, who, label, True) for who, label in labels.items()]
    whole = pd.DataFrame(rows, columns=["as_of", "account_id", "label", "enough_history"])
    known = whole[whole["label"] != "ineligible"].reset_index(drop=True)
    project = bare_project(".", name="small")
    latest = whole[whole["as_of"] == MONTHS[-1]]
    return snapshot_rows(project, {}, Rows(known, "account_id", 90), whole, latest, {}, pd.DataFrame())


def judged(*, is_fitted):
    """A scorer as two folds trained it; the first is what counts."""
    first, second = (SimpleNamespace(scorer=Falls(), outside=lambda f: f["label"].eq("ineligible")) for _ in "ab")
    return SimpleNamespace(name="ours", candidate=SimpleNamespace(is_fitted=is_fitted), models=(first, second))


@pytest.fixture
def seed():
    """A seed with which no churner's account is held out of training."""
    return next(s for s in range(99) if not data().split(seed=s).unseen.any())


def test_a_fitted_scorer_is_asked_about_months_it_did_not_learn_from(seed):
    its = judged(is_fitted=True)
    path, said = churners_path(its, data(), split=data().split(seed=seed))
    asked = its.models[0].scorer.asked
    # the tests are months 11 to 13; 90 days before the first of them lies month 8, the last to be learned from
    assert min(asked) == MONTHS[9]
    assert its.models[1].scorer.asked == []
    seen = path[path["n"] > 0]  # half-way between the last window and the first cutoff gone
    assert seen["months_before"].tolist() == [2, 1]
    assert seen["mean_score"].tolist() == [20.0, 10.0]
    assert said == (
        "Mean score of churners by months before they left: 2: 20 (n = 1), 1: 10 (n = 1); document D prints 62, 58, "
        "51, 42, 31, 19. Scores of ours as fitted on snapshots until 2025-09-01, on the 5 mature monthly snapshots "
        "after that, from which it did not learn."
    )


def test_a_documented_scorer_is_asked_about_all_months(seed):
    its = judged(is_fitted=False)
    path, said = churners_path(its, data(), split=data().split(seed=seed))
    assert set(its.models[0].scorer.asked) == set(MONTHS)
    assert path.set_index("months_before")["n"].tolist() == [1, 1, 1, 1, 2, 2]  # Bob left in his third month
    assert path["document"].tolist() == [62, 58, 51, 42, 31, 19]
    assert said.endswith("Scores of ours, which learned nothing, on all 14 mature monthly snapshots.")


def test_no_path_where_there_are_no_monthly_scores_of_churners(seed):
    plain = data()
    quarterly = replace(plain, whole=plain.whole[plain.whole["as_of"].isin(MONTHS[::3])])
    nobody = replace(plain, whole=plain.whole.assign(label="stay"))
    outcome = EventOutcome.model_validate({"name": "advocate", "events": {"role": "referral"}, "good": True})
    custom = replace(plain, project=plain.project.for_outcome(outcome))
    for none in (quarterly, nobody, custom):
        path, said = churners_path(judged(is_fitted=False), none, split=none.split(seed=seed))
        assert path.empty
        assert said == ""
