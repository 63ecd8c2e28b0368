"""Texts that a spreadsheet program would take for formulas: made harmless on the way out, read back on the way in.

A text beginning with =, +, - or @ (blanks before it do not help) runs as a formula when a CSV file is opened. Such a
text gets an apostrophe in front, which spreadsheet programs show as text. Numbers are left as they are.
"""

from __future__ import annotations

import re

import pandas as pd

# Full-width signs count: some programs fold them. A text that is a number is no formula.
FORMULA = r"^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])"
NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"
GUARDED = r"^'(?=[\t\r\n]|\s*[=+\-@＝＋－＠])"


def guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text cell and column name made harmless.

    >>> guarded(pd.DataFrame({"id": ["=1+1", "-5", "ada"], "n": [-1, 0, 1]})).values.tolist()
    [["'=1+1", -1], ['-5', 0], ['ada', 1]]
    """
    columns = pd.Series([guarded_text(str(name)) for name in frame.columns], dtype=object)
    changed = {}
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place]
        if (risky := _risky(values)).any():
            changed[place] = values.astype(object).mask(risky, "'" + values.astype(object).where(risky).astype(str))
    if not changed and columns.tolist() == list(frame.columns):
        return frame
    kept = [changed.get(place, frame.iloc[:, place]) for place in range(frame.shape[1])]
    result = pd.concat(kept, axis=1) if kept else frame.copy()
    result.columns = pd.Index(columns)
    return result


def guarded_text(text: str) -> str:
    """One text made harmless.

    >>> guarded_text("@SUM(A1)"), guarded_text("+49")
    ("'@SUM(A1)", '+49')
    """
    return "'" + text if _risky(pd.Series([text], dtype=object)).any() else text


def read_back(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of a CSV file with its texts and column names as they were before `guarded`.

    >>> read_back(pd.DataFrame({"'@id": ["'=1+1", "O'Neill", "'quoted'"]})).to_dict("list")
    {'@id': ['=1+1', "O'Neill", "'quoted'"]}
    """
    frame = frame.rename(columns=lambda name: read_back_text(name) if isinstance(name, str) else name)
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place]
        if pd.api.types.is_string_dtype(values) and values.str.startswith("'").any():
            frame = frame.copy()
            frame.isetitem(place, values.str.replace(GUARDED, "", regex=True).array)
    return frame


def read_back_text(text: str) -> str:
    """One text as it was before `guarded`."""
    return re.sub(GUARDED, "", text)


def guarded_sql(column: str) -> str:
    """SQL (DuckDB): a text column made harmless."""
    risky = f"regexp_matches({column}, '^(?:[\\t\\r\\n]|\\s*[=+\\-@])') AND TRY_CAST({column} AS DOUBLE) IS NULL"
    return f"CASE WHEN {risky} THEN '''' || {column} ELSE {column} END"


def _risky(values: pd.Series) -> pd.Series:
    kinds = values.dtype
    if isinstance(kinds, pd.CategoricalDtype):
        values = values.astype(object)
    elif not (pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values)):
        return pd.Series(False, index=values.index)
    texts = values.map(lambda value: isinstance(value, str)).astype(bool)
    told = values.where(texts, "").astype(str)
    return texts & told.str.contains(FORMULA, regex=True) & ~told.str.match(NUMBER)
