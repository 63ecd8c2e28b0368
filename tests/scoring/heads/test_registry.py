import json
from typing import get_args

import numpy as np
import pytest

from powerml.config.experiment import HeadKind
from powerml.config.heads import complexity
from powerml.errors import UsageError
from powerml.scoring.heads.registry import HEAD_NAMES, WRITTEN, head_class, head_from_dict, make_head


def made(name, **options):
    return make_head(name, categorical=(), signs=(1, -1), sign=1, options=options)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test_every_name_makes_its_head_with_what_it_takes(name):
    head = made(name)
    assert head.kind == name
    params = head.get_params(deep=False)
    assert params.get("signs", (1, -1)) == (1, -1)
    assert params.get("sign", 1) == 1


def test_experiments_and_the_order_of_simplicity_know_the_same_heads():
    assert get_args(HeadKind) == HEAD_NAMES
    assert [complexity(name) for name in HEAD_NAMES] == list(range(len(HEAD_NAMES)))
    assert all(head_class(name).kind == name for name in WRITTEN)


def test_options_reach_the_head():
    assert made("card", total=50).total == 50
    assert made("lightgbm", trees=20, leaves=4).get_params()["leaves"] == 4


@pytest.mark.parametrize("name", ["card", "logistic", "lightgbm", "stack", "weights"])
def test_a_written_head_is_read_by_its_kind(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (rng.random(300) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    head = made(name, **({"trees": 10} if name == "lightgbm" else {})).fit(X, y)
    again = head_from_dict(json.loads(json.dumps(head.to_dict())))
    assert type(again) is type(head)
    assert again.decision_function(X) == pytest.approx(head.decision_function(X), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("lightgmb", {}, "no head named 'lightgmb'; did you mean 'lightgbm'"),
        ("card", {"totals": 50}, "head card has no option 'totals'; did you mean 'total'"),
        ("logistic", {"signs": (1,)}, "head logistic has no option 'signs'"),
        ("auto", {"trees": 5}, "head auto has no option 'trees'; there are none"),
    ],
)
def test_words(name, options, words):
    with pytest.raises(UsageError, match=words):
        made(name, **options)
