"""One id whatever its spelling: SQL and data frames agree."""

import duckdb
import pandas as pd
import pytest

from powerml.sources import ids

SPELLINGS = [
    ("101.0", "101"),
    (" u1 ", "u1"),
    ("\ufeffu1", "u1"),  # a byte order mark in the middle of a file that was put together
    ("u1\u00a0", "u1"),  # a blank that breaks no line, as web pages and spreadsheets have it
    ("\u200bé1\u200b", "é1"),
    ("007", "007"),
    ("1.10", "1.10"),
    ("1e5", "1e5"),
    ("N", "N"),
    ("\u00a0", None),
    ("NULL   ", None),  # longer than any null word until it is trimmed
    ("\u00a0None\u00a0", None),
    ("nullable", "nullable"),
    (r"\N", None),
]


@pytest.mark.parametrize(("written", "id_"), SPELLINGS)
def test_an_id_is_the_same_in_sql_and_in_a_frame(written, id_):
    query = f"SELECT {ids.from_text('t')}, {ids.is_nothing('t')}, {ids.is_odd('t')} FROM (SELECT ? AS t)"
    found, nothing, odd = duckdb.execute(query, [written]).fetchone()
    assert found == id_
    assert nothing == (id_ is None)
    assert odd or written == id_  # what is not odd is read as it stands
    assert ids.normal_ids(pd.Series([written])).tolist() == [id_]
