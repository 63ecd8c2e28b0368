import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.config.weights import read_weights
from powerml.errors import DataError, MissingColumns
from powerml.scoring.documented.base import DocumentedScorer
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.load import scorer_of
from tests.scoring.sets import GOLDEN, SETS, scorer

# One metric each: scikit-learn's checks feed arrays of any width, of which these read the first column.
NARROW = {
    "points": "parts: {recency: {metric: nps_latest, missing: 0, steps: [{from: 7, points: 9}, {points: 2}]}}",
    "composite": "dimensions: {depth: {weight: 1, terms: [{metric: distinct_features_30d, weight: 1, full_at: 5}]}}",
    "activity": "actions: {logins_30d: 2}",
    "rule": "conditions: {frequent: active_days_30d >= 1}",
    "signals": "signals: {busy: key_actions_30d in top 25 %}\nneeded: 1",
}


def narrow(kind: str) -> DocumentedScorer:
    folder = Path(tempfile.mkdtemp())
    path = folder / "set.yaml"
    path.write_text(f"name: narrow\nkind: {kind}\n{NARROW[kind]}\n")
    try:
        return scorer_of(read_weights(path))
    finally:
        shutil.rmtree(folder)


@parametrize_with_checks([narrow(kind) for kind in NARROW])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fitted", [False, True])
def test_an_unnamed_array_is_read_in_the_order_of_the_metrics(name, fitted):
    made = scorer(name, fitted=fitted)
    named = GOLDEN[list(made.metrics_)]
    array = np.column_stack([named.to_numpy(dtype=float), np.full(len(named), 7.0)])  # a further column is not read
    np.testing.assert_array_equal(made.predict_score(array), made.predict_score(named))
    np.testing.assert_array_equal(made.transform(array), np.asarray(made.transform(named)))
    learned = scorer(name, fitted=False).fit(array)
    np.testing.assert_array_equal(learned.predict_score(array), clone(made).fit(named).predict_score(named))
    with pytest.raises(ValueError, match=f"X has {len(made.metrics_)} features, but .* is expecting"):
        learned.predict_score(array[:, :-1])


@pytest.mark.parametrize("name", SETS)
def test_a_clone_and_a_pickle_score_the_same(name):
    made = scorer(name)
    assert_frame_equal(pickle.loads(pickle.dumps(made)).score_table(GOLDEN), made.score_table(GOLDEN))
    assert_frame_equal(clone(made).fit(GOLDEN).score_table(GOLDEN), made.score_table(GOLDEN))


@pytest.mark.parametrize("name", SETS)
def test_parts_come_as_a_named_frame(name):
    made = scorer(name).set_output(transform="pandas")
    table = GOLDEN.set_index("user_id")
    parts = made.transform(table)
    assert list(parts.columns) == list(made.get_feature_names_out()) == list(made.parts)
    assert parts.index.equals(table.index)


@pytest.mark.parametrize("name", SETS)
def test_a_given_frame_is_left_alone(name):
    table, before = GOLDEN.copy(), GOLDEN.copy()
    made = scorer(name)
    made.fit(table)
    made.score_table(table)
    made.contributions(table)
    assert_frame_equal(table, before)


@pytest.mark.parametrize("name", SETS)
def test_shares_of_the_attainable_range_add_up_to_100(name):
    shares = scorer(name, fitted=False).weight_shares()
    assert sum(shares.values()) == pytest.approx(100)
    assert set(shares) <= set(scorer(name, fitted=False).metrics_)


@pytest.mark.parametrize("name", SETS)
def test_an_empty_table_gives_an_empty_table(name):
    made = scorer(name)
    empty = made.score_table(GOLDEN.iloc[:0])
    assert len(empty) == 0
    assert list(empty.columns) == list(made.score_table(GOLDEN).columns)


def test_nullable_integers_and_texts_of_nothing_are_numbers():
    table = GOLDEN.assign(tickets_unresolved=GOLDEN["tickets_unresolved"].astype("Int64"), usage_change_90d=None)
    scored = scorer("engagement").score_table(table)
    assert (scored["trajectory"] == 5).all()
    np.testing.assert_array_equal(scored["unresolved_tickets"], -5.0 * GOLDEN["tickets_unresolved"])


class TestWords:
    def test_a_missing_column(self):
        table = GOLDEN.drop(columns="usage_change_90d").assign(usage_change_90=0)
        words = "weight set 'engagement' needs column 'usage_change_90d'; did you mean 'usage_change_90'"
        with pytest.raises(MissingColumns, match=words):
            scorer("engagement").predict_score(table)

    def test_all_missing_columns_at_once(self):
        with pytest.raises(
            MissingColumns, match="needs columns 'logins_30d', 'workflows_completed_30d', 'invites_30d'"
        ):
            scorer("activity").predict_score(GOLDEN[["user_id"]])

    def test_an_array_that_is_too_narrow(self):
        words = "width 2 is read in the order of metrics_: weight set 'activity' needs column 'invites_30d'"
        with pytest.raises(MissingColumns, match=words):
            scorer("activity").predict_score(np.zeros((3, 2)))

    def test_a_text_among_the_numbers(self):
        table = GOLDEN.assign(logins_30d="many")
        with pytest.raises(DataError, match="column 'logins_30d' holds 'many'; metrics are numbers, or empty"):
            scorer("activity").predict_score(table)

    def test_an_infinite_count(self):
        table = GOLDEN.assign(logins_30d=np.where(GOLDEN.index == 2, np.inf, 1.0))
        with pytest.raises(DataError, match="column 'logins_30d', row 3: inf is no count; leave it empty"):
            scorer("activity").predict_score(table)

    def test_a_scorer_without_a_weight_set(self):
        with pytest.raises(ValueError, match=r"PointsScorer needs a weight set: PointsScorer\(spec\)"):
            PointsScorer().predict_score(GOLDEN)

    def test_a_column_standing_twice(self):
        table = pd.concat([GOLDEN, GOLDEN[["logins_30d"]]], axis=1)
        with pytest.raises(DataError, match="column 'logins_30d' stands twice; keep one"):
            scorer("activity").predict_score(table)
