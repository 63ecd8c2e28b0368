"""Reasons as JSON text: what a parser reads back, in order of size, categories and nulls included."""

import json

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.text import reason_text, reasons_json


def told(top):
    frame = pd.DataFrame({"days": [3.0, np.nan], "plan": ['a "b"\nü', None], "seats": [5, 7]}, index=[4, 9])
    values = pd.DataFrame({"days": [-2.5, 0.0], "plan": [4.0, -1.0], "seats": [0.25, -0.0]}, index=[4, 9])
    return frame, values, reasons_json(Contributions(values, 50.0), frame, top=top, units={"days": "days"})


@pytest.mark.parametrize("top", [1, 2, 3, None])
def test_a_parser_reads_what_a_slow_writer_would_have_written(top):
    frame, values, texts = told(top)
    assert texts.index.tolist() == [4, 9]
    for row in texts.index:
        ranked = sorted(values, key=lambda name: -abs(values.loc[row, name]))[:top]
        expected = []
        for name in ranked:
            value, size = frame.loc[row, name], float(values.loc[row, name])
            if top is not None and size == 0:
                continue
            shown = None if pd.isna(value) else value.strip() if isinstance(value, str) else float(value)
            text = reason_text(name, shown, size, unit="days" if name == "days" else "")
            expected.append({"metric": name, "value": shown, "contribution": size + 0.0, "text": text})
        assert json.loads(texts[row]) == expected
        assert texts[row] == json.dumps(expected, ensure_ascii=False)


def test_nothing_to_tell_is_an_empty_list():
    frame = pd.DataFrame({"days": [3.0]})
    given = Contributions(pd.DataFrame({"days": [0.0]}), 50.0)
    assert reasons_json(given, frame, top=3).tolist() == ["[]"]
