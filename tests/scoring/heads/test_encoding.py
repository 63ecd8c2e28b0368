"""Tables of any columns as numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from powerml.errors import MissingColumns
from powerml.scoring.heads.encoding import MAX_LEVELS, TableEncoder


def test_numbers_in_text_are_numbers_and_blanks_are_null():
    frame = pd.DataFrame({"charges": ["29.85", " ", "108", None], "paid": [True, False, True, True]})
    encoder = TableEncoder.learn(frame)
    values = encoder.encode(frame, asked_by="model")
    assert encoder.categorical == ()
    assert np.isnan(values[[1, 3], 0]).all()
    assert values[[0, 2]].tolist() == [[29.85, 1], [108, 1]]


def test_text_becomes_levels_in_alphabetical_order_whatever_the_row_order():
    frame = pd.DataFrame({"contract": ["two year", "month", None, "month"]})
    encoder = TableEncoder.learn(frame)
    assert encoder.columns[0].levels == ("month", "two year")
    assert encoder == TableEncoder.learn(frame[::-1])
    coded = encoder.encode(pd.DataFrame({"contract": [" month ", "weekly", "two year"]}), asked_by="model")
    assert np.array_equal(coded[:, 0], [0, np.nan, 1], equal_nan=True)
    assert [encoder.columns[0].label(code) for code in (0.0, np.nan)] == ["month", "missing"]


def test_rare_levels_share_one():
    texts = [f"city {i:03d}" for i in range(60) for _ in range(200 - i)]
    encoder = TableEncoder.learn(pd.DataFrame({"city": texts}))
    column = encoder.columns[0]
    assert column.levels is not None
    assert len(column.levels) == MAX_LEVELS
    assert column.label(float(MAX_LEVELS)) == "other"
    assert encoder.encode(pd.DataFrame({"city": ["city 059"]}), asked_by="model")[0, 0] == MAX_LEVELS


def test_names_and_columns_without_spread_are_left_out():
    frame = pd.DataFrame({"customer": [f"c{i}" for i in range(80)], "plan": ["pro"] * 80, "gone": [np.nan] * 80})
    encoder = TableEncoder.learn(frame)
    assert encoder.names == ()
    assert encoder.left_out == ("customer: 80 different texts in 80 rows, so it says who, not what",)


def test_the_frame_given_is_not_changed_and_infinity_is_null():
    frame = pd.DataFrame({"growth": [1.0, np.inf, 2.0], "plan": ["a", "b", None]})
    before = frame.copy()
    values = TableEncoder.learn(frame).encode(frame, asked_by="model")
    pd.testing.assert_frame_equal(frame, before)
    assert np.isnan(values[1, 0])


def test_a_missing_column_is_named():
    encoder = TableEncoder.learn(pd.DataFrame({"seats": [1, 2]}))
    with pytest.raises(MissingColumns, match="model needs column 'seats'; did you mean 'seat'"):
        encoder.encode(pd.DataFrame({"seat": [1]}), asked_by="model")
    assert TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder
