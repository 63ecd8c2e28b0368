"""Texts that spreadsheet programs run: out with an apostrophe, and back as they were."""

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.spreadsheets import guarded, guarded_sql, guarded_text, read_back, read_back_text

RUNS = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "\n=1", "  =1", "＝1+1", "=", "-"]
HARMLESS = ["ada", "-5", "+49", "1e5", "-1.5e-3", "", "a=b", "'quoted'", "O'Neill", "e-1"]


@pytest.mark.parametrize("text", RUNS)
def test_a_text_that_would_run_does_not(text):
    assert guarded_text(text) == "'" + text
    assert read_back_text(guarded_text(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_left_alone(text):
    assert guarded_text(text) == text == read_back_text(text)


def test_numbers_nulls_and_other_values_are_left_alone():
    frame = pd.DataFrame(
        {"n": [-1.5, None], "b": [True, False], "o": [None, -3], "t": pd.to_datetime(["2026-01-01"] * 2)}
    )
    assert guarded(frame) is frame


def test_column_names_and_categories_count_as_text():
    frame = pd.DataFrame({"=x": pd.Categorical(["=1", "a"]), "y": [1, 2]})
    assert guarded(frame).to_dict("list") == {"'=x": ["'=1", "a"], "y": [1, 2]}
    assert frame.columns[0] == "=x"


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda t: not t.startswith("'"))))
def test_there_and_back_gives_what_was_there(texts):
    frame = pd.DataFrame({"id": pd.Series(texts, dtype="str")})
    assert read_back(guarded(frame).astype("str"))["id"].tolist() == texts


@pytest.mark.parametrize("text", [*RUNS, *HARMLESS])
def test_sql_says_the_same(text):
    if "＝" in text:
        return
    assert duckdb.execute(f"SELECT {guarded_sql('x')} FROM (SELECT ? AS x)", [text]).fetchone()[0] == guarded_text(text)
