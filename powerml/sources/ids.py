"""What an id is, whatever the type or spelling of its source: the one place where ids become texts.

Whole floats and decimals lose their zeros, outer blanks go, empty
texts and the null words of databases are null; case counts unless the project says `ids: casefold`.
"""

from __future__ import annotations

import pandas as pd

from powerml.sources.sql import BLANKS, among, unpadded
from powerml.sources.times import FLOATS

NULL_WORDS = ("NULL", "null", r"\N", "nan", "NaN", "None", "<NA>")
"""What databases and data frames write for nothing; each of at most four bytes."""

_LONGEST = max(map(len, NULL_WORDS))
_WHOLE = r"^(-?(?:0|[1-9]\d*))\.0+$"
_EXACT = "9e15"  # up to here every whole number is a float of its own


def is_nothing(field: str) -> str:
    """SQL: whether a text is null, blank or a null word."""
    nothing = among(f"trim({field}, {BLANKS})", ["", *NULL_WORDS])
    surely_not = f"strlen({field}) > {_LONGEST} AND {unpadded(field)}"
    return f"CASE WHEN {surely_not} THEN false ELSE COALESCE({nothing}, true) END"


def is_odd(field: str) -> str:
    """SQL: whether a text is not the id that it stands for; what is tested first is what costs least."""
    return (
        f"(NOT {unpadded(field)} OR (suffix({field}, '0') AND contains({field}, '.'))"
        f" OR (strlen({field}) <= {_LONGEST} AND {among(field, NULL_WORDS)}))"
    )


def from_text(field: str) -> str:
    """SQL: the id that a text stands for.

    >>> import duckdb
    >>> texts = ["101.0", " u1 ", "NULL  ", "007", "1.10", "-3.00", ""]
    >>> duckdb.execute(f"SELECT list({from_text('t')}) FROM (SELECT unnest(?) AS t)", [texts]).fetchone()[0]
    ['101', 'u1', None, '007', '1.10', '-3', None]
    """
    bare = f"trim({field}, {BLANKS})"
    as_it_is = f"strlen({field}) > {_LONGEST} AND {unpadded(field)} AND NOT suffix({field}, '0')"  # nearly all are
    return (
        rf"CASE WHEN {as_it_is} THEN {field} WHEN {is_nothing(field)} THEN NULL"
        rf" ELSE regexp_replace({bare}, '{_WHOLE}', '\1') END"
    )


def from_number(raw: str, kind: str) -> str | None:
    """SQL: the id that a float or decimal stands for; None for a type that needs no more than a cast."""
    plain = f"CAST({raw} AS VARCHAR)"
    if kind in FLOATS:  # ids that passed through pandas with a gap in them: 13.0 is 13
        whole = f"{raw} = trunc({raw}) AND abs({raw}) < {_EXACT}"
        number = f"CAST(CAST({raw} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN NOT isfinite({raw}) THEN NULL WHEN {whole} THEN {number} ELSE {plain} END"
    if kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        return f"rtrim(rtrim({plain}, '0'), '.')"
    return None


def folded(value: str, *, fold: bool) -> str:
    """SQL: the id without its case where the project says so."""
    return f"lower({value})" if fold else value


def normal_ids(values: pd.Series, *, fold: bool = False) -> pd.Series:
    """The ids of a column of a data frame, as SQL makes them: texts, or None.

    >>> normal_ids(pd.Series([101.0, None, 7.5])).tolist(), normal_ids(pd.Series([" u1", "101.0", "nan"])).tolist()
    (['101', None, '7.5'], ['u1', '101', None])
    """
    if pd.api.types.is_float_dtype(values) and values.dropna().mod(1).eq(0).all():
        values = values.astype("Int64")
    texts = values.astype("string").str.strip(" \t\r\n\u00a0\u200b\ufeff")
    texts = texts.str.replace(_WHOLE, r"\1", regex=True)
    texts = texts.mask(texts.isin(["", *NULL_WORDS]))
    if fold:
        texts = texts.str.lower()
    return texts.astype(object).where(texts.notna(), None)
