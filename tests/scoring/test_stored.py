import importlib
import json

import pytest
from pandas.testing import assert_frame_equal

from powerml.errors import StoreError
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.stored import STORED, documented_from_dict, scorer_from_dict
from tests.scoring.outcome.test_model import snapshots
from tests.scoring.sets import GOLDEN, SETS, scorer


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fitted", [True, False])
def test_a_scorer_is_the_same_after_json(name, fitted):
    made = scorer(name, fitted=fitted)
    again = scorer_from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    assert (again.name, again.version, again.kind) == (made.name, made.version, made.kind)
    row = GOLDEN.iloc[[7]]
    assert_frame_equal(again.score_table(row), made.score_table(row), check_exact=True)
    assert again.to_dict() == made.to_dict()


def test_an_unknown_kind_is_the_stores_fault():
    with pytest.raises(StoreError, match="is of kind 'oracle', which this version cannot read; it reads activity"):
        scorer_from_dict({"kind_of_scorer": "oracle"})


@pytest.mark.parametrize("kind", STORED)
def test_the_table_names_a_class_that_reads_its_own_kind_back(kind):
    module, name = STORED[kind].split(":")
    made = getattr(importlib.import_module(module), name)
    assert callable(made.from_dict)
    assert made.kind_of_scorer == kind


def test_a_fitted_model_is_no_weight_set():
    assert documented_from_dict(scorer("engagement", fitted=True).to_dict()).name == "engagement"
    frame, y, _ = snapshots(300)
    written = NestedOutcomeModel("logistic", min_events=5).fit(frame, y).to_dict()
    with pytest.raises(StoreError, match="is of kind 'outcome_model', which is no weight set"):
        documented_from_dict(written)
