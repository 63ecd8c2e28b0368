import json

import pytest
from pandas.testing import assert_frame_equal

from powerml.errors import StoreError
from powerml.scoring.stored import _register, scorer_from_dict
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


def test_a_kind_may_register_itself(monkeypatch):
    from powerml.scoring import stored as persist

    monkeypatch.setattr(persist, "_LOADERS", dict(persist._LOADERS))
    _register("constant", lambda data: data["value"])
    assert scorer_from_dict({"kind_of_scorer": "constant", "value": 60}) == 60
