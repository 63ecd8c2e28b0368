import numpy as np
import pandas as pd
import pytest

from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.outcome.rows import checked_outcomes, named_columns, ordered_outcomes


def test_outcomes_stand_worst_first():
    assert ordered_outcomes(np.array(["stay", "churn"]), None) == ("churn", "stay")
    assert ordered_outcomes(np.array(["expand", "stay"]), None) == ("churn", "stay", "expand")
    assert ordered_outcomes(np.array(["no", "yes"]), None) == ("no", "yes")
    assert ordered_outcomes(np.array(["yes", "no"]), ("yes", "no")) == ("yes", "no")


@pytest.mark.parametrize(
    ("y", "given", "words"),
    [
        (["stay", "stay"], None, "y holds one class only, 'stay'; a model needs rows of two outcomes"),
        (["stay", "left"], ("churn", "stay"), "y holds 'left'; the outcomes are churn, stay"),
        (["a", "b"], ("a", "b", "c", "d"), "there are 4 outcomes; name two or three, worst first"),
        (["a", "b", "c"], None, "Only binary classification is supported"),
    ],
)
def test_words(y, given, words):
    with pytest.raises(ValueError, match=words):
        ordered_outcomes(np.array(y), given)


def test_arrays_get_names_and_frames_keep_theirs():
    assert list(named_columns(np.zeros((3, 2)), NestedOutcomeModel())) == ["x0", "x1"]
    assert list(named_columns(pd.DataFrame({7: [1.0]}), NestedOutcomeModel())) == ["7"]


def test_outcomes_are_as_many_as_rows():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        checked_outcomes(["churn", "stay"], pd.DataFrame({"a": [1.0]}))
