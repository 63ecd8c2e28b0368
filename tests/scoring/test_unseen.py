"""What a table to be scored holds that training did not see: said per column, never swallowed."""

from types import SimpleNamespace

import pandas as pd
import pytest

from powerml.scoring.heads.encoding import TableEncoder
from powerml.scoring.unseen import unseen_sentences

TRAINING = pd.DataFrame({"logins": [0.0, 10.0, 4.0, 2.0], "seats": [1.0, None, 3.0, 2.0], "plan": ["a", "b", "a", "b"]})


def model(*metrics: str):
    """As much of a scoring model as the comparison reads."""
    encoder = TableEncoder.from_dict(TableEncoder.learn(TRAINING).to_dict())
    return SimpleNamespace(scorer=SimpleNamespace(encoder_=encoder, metrics_=metrics or tuple(TRAINING)))


def test_a_table_like_training_is_met_in_silence():
    assert unseen_sentences(model(), TRAINING) == ()


def test_categories_numbers_and_blanks_are_said_with_their_rows():
    table = pd.DataFrame({"logins": [5.0, 900.0, None], "seats": [1.0, None, 2.0], "plan": ["a", "c", None]})
    assert unseen_sentences(model(), table) == (
        "Not seen in training: logins of 900 to 900 (1 of 3 rows); training saw 0 to 10.",
        "Not seen in training: logins without a value (1 of 3 rows).",
        "Not seen in training: plan 'c' (1 of 3 rows), which count as unknown; training saw a, b.",
    )


@pytest.mark.parametrize(
    ("values", "said"), [([5.0] * 199 + [11.0], False), ([5.0] * 190 + [11.0] * 10, True), ([5.0] * 199 + [21.0], True)]
)
def test_one_row_a_little_beyond_is_what_any_new_table_has(values, said):
    assert bool(unseen_sentences(model(), TRAINING.head(1).drop(columns="logins").merge(
        pd.DataFrame({"logins": values}), how="cross"))) == said  # fmt: skip


def test_a_column_that_the_scorer_does_not_read_is_none_of_its_business():
    assert unseen_sentences(model("plan"), TRAINING.assign(logins=1e6)) == ()


def test_a_model_stored_before_ranges_were_kept_says_nothing_of_them():
    written = TableEncoder.learn(TRAINING).to_dict()
    for column in written["columns"]:
        for name in ("low", "high", "blanks"):
            column.pop(name, None)
    old = SimpleNamespace(scorer=SimpleNamespace(encoder_=TableEncoder.from_dict(written), metrics_=tuple(TRAINING)))
    assert unseen_sentences(old, TRAINING.assign(logins=1e6)) == ()
