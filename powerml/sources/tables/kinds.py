"""What a column of a ready-made table holds: numbers, texts, dates, or names and addresses of people; decided once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from powerml.sources.tables.files import blank, numbers, row_error
from powerml.sources.tables.instants import is_dates

if TYPE_CHECKING:
    from pathlib import Path

TRUTH_WORDS = {"true": "True", "false": "False"}
TRUTH_NUMBERS = {"1": "True", "1.0": "True", "0": "False", "0.0": "False"}
DATES = "dates"
PEOPLE = "names or addresses of people; force_keep in the experiment's screen keeps it"
MOSTLY = 0.95  # of a column's cells: what nearly all are, the others were meant to be

_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF)"
_WRITTEN_NUMBER = re.compile(
    rf"[(+\-−]?\s*{_CURRENCY}?\s*[+\-−]?"
    r"(?:\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+|\d+|(?=[.,]\d))(?:[.,]\d+)?"
    rf"\s*(?:%|{_CURRENCY})?\s*\)?"
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_OF_PEOPLE = re.compile(
    r"(?:.*e[ _-]?mails?(?:[ _-]address)?|(?:first|last|full|given|family|sur|fore|middle|user|customer|contact|person|"
    r"employee|client|owner|member|display|nick)[ _-]?name|name|.*phone(?:[ _-]?(?:no|number))?|mobile|telephone|"
    r"fax|street|(?:.*[ _-])?address(?:[ _-]?\d)?|ip)",
    re.IGNORECASE,
)


def feature(values: pd.Series, path: Path, *, keep: bool = False) -> tuple[pd.Series, str]:
    """A column as float64 or as texts (null where blank), and why it is none to learn from ("" where it is one).

    `keep`: names and addresses of people were asked for. Raises DataError where nearly all cells are numbers and the
    others are not, where numbers are written as money or with a decimal comma, and where they are not finite.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return values, DATES
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return numbers(values, path), ""
    text = values.astype("string").str.strip()
    empty = blank(values)
    given = text[~empty]
    number = pd.to_numeric(given, errors="coerce").notna()
    if bool(number.all()):
        return numbers(values, path), ""
    if not keep and (_OF_PEOPLE.fullmatch(str(values.name)) or bool(given.str.contains(_EMAIL).any())):
        return text.astype(object), PEOPLE
    if is_dates(given):
        return text.astype(object), DATES
    _refuse_numbers_in_disguise(values, given, number, path)
    return categories(values), ""


def categories(values: pd.Series, levels: tuple[str, ...] = ()) -> pd.Series:
    """Texts without blanks around them, null where blank; `true`, `TRUE` and `True` are one.

    Where training knew True and False only (`levels`), 1 and 0 are those too.

    >>> categories(pd.Series(["TRUE", " b ", ""])).tolist()
    ['True', 'b', None]
    """
    text = values.astype("string").str.strip()
    words = text.str.lower()
    same = TRUTH_WORDS | (TRUTH_NUMBERS if levels and set(levels) <= {"True", "False"} else {})
    text = text.mask(words.isin(list(same)), words.map(same))
    return text.astype(object).where(text.notna() & (text != ""), None)


def _refuse_numbers_in_disguise(values: pd.Series, given: pd.Series, number: pd.Series, path: Path) -> None:
    written = given.str.fullmatch(_WRITTEN_NUMBER) & ~number
    share = float((number | written).mean())
    if share < MOSTLY or not (number | written).any():
        return
    bad = pd.Series(False, index=values.index)
    if bool(written.any()):
        bad[given.index[written]] = True
        example = given[written].iloc[0]
        fix = f"write plain numbers, like {_plain(example)}, or leave the column out"
        raise row_error(path, values, bad, "looks like a number, and is not written as one", fix)
    bad[given.index[~number]] = True
    fix = "correct it or leave it empty; where numbers are names of categories, give every one a letter"
    raise row_error(path, values, bad, "is not a number, as nearly all others are", fix)


def _plain(written: str) -> str:
    """A number as a program writes it: its last comma or point parts decimals, unless three digits follow a comma.

    >>> _plain("$5.251"), _plain("5,25 €"), _plain("1,204"), _plain("1.204,50")
    ('5.251', '5.25', '1204', '1204.50')
    """
    digits = re.sub(r"[^\d.,]", "", written)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    whole, part = re.sub(r"[.,]", "", digits[:last]), digits[last + 1 :]
    if digits[last] == "," and len(part) == 3 and "." not in digits:
        return whole + part
    return f"{whole or '0'}.{part}"
