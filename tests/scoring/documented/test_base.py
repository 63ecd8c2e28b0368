import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from powerml.errors import DataError, MissingColumns
from powerml.scoring.documented.points import PointsScorer
from tests.scoring.sets import GOLDEN, SETS, scorer

UNNAMED = "feeds an array without column names; a documented scorer reads metrics by name"

# Every check of scikit-learn's suite that feeds an unnamed array; xfail is strict, so the list is exact.
FEEDS_UNNAMED_ARRAYS = (
    "check_complex_data",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_empty_data_messages",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit1d",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
    "check_transformers_unfitted_stateless",
)


@parametrize_with_checks(
    [scorer(name, fitted=False) for name in SETS],
    expected_failed_checks=lambda estimator: dict.fromkeys(FEEDS_UNNAMED_ARRAYS, UNNAMED),
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


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

    def test_an_array_has_no_metrics(self):
        with pytest.raises(MissingColumns, match="weight set 'engagement' needs columns"):
            scorer("engagement").predict_score(np.zeros((3, 17)))

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
