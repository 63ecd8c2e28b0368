"""Numbers and texts as a page prints them, and as it sorts and copies them."""

from __future__ import annotations

import math
import re
from datetime import date
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from powerml.shown import legible

if TYPE_CHECKING:
    from powerml.reports.document.blocks import ColumnKind

LONGEST_TEXT = 400  # characters of a cell: what a person reads; exports hold all of it
_SHARES = re.compile(
    r"(share|rate|low|high|predicted|coverage|expand|churn|stay|retention)_?.*|p_.+|(document: )?(churn|stay|expand)"
)
_BY_NAME: tuple[tuple[str, ColumnKind], ...] = (
    (r"(.*_)?score(_before|_after)?|mean_outcome|percentile", "points"),
    (r"change(_\d+d)?", "signed"),
    (r"mrr.*|revenue_per_year|document_revenue", "money"),
    (r"(skill|hindsight)(_low|_high)?", "percent"),
    (r"p_(value|holm|alike)", "number"),  # as sentences say them: p = 0.010
)


class Printed(NamedTuple):
    """`shown` is printed; `raw` is what is sorted by and copied, empty where it is what is printed."""

    shown: str
    raw: str = ""


def cell(value: object, kind: ColumnKind) -> Printed:
    """One value of a column of that kind.

    >>> cell(0.1234, "percent"), cell(-3.2, "signed"), cell(None, "number")
    (Printed(shown='12.3 %', raw='0.1234'), Printed(shown='-3.2', raw='-3.2'), Printed(shown='', raw=''))
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return Printed("")
    if isinstance(value, (pd.Timestamp, date)):
        return Printed(f"{value:%Y-%m-%d}")
    if isinstance(value, bool) or not isinstance(value, Real):
        return Printed(_text(value))
    number = float(value)
    return Printed(_number(number, kind), f"{number:.10g}")


def _number(number: float, kind: ColumnKind) -> str:
    if not math.isfinite(number):
        return ""
    if kind == "percent":
        return f"{100 * number:.1f} %"
    if kind == "points":
        return f"{number:.1f}"
    if kind == "signed":
        return f"{number:+.1f}" if abs(number) >= 0.05 else "0.0"
    if kind == "money":
        return f"{number:,.0f}"
    if number == round(number) and abs(number) < 1e12:
        return f"{number:,.0f}"
    return f"{number:.4g}" if abs(number) < 1000 else f"{number:,.1f}"


def _text(value: object) -> str:
    return legible(str(value), LONGEST_TEXT)


def kind_of(name: str, column: pd.Series) -> ColumnKind:
    """How a column is printed whose kind nobody gave: shares by their name, else by its type."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "date" if pd.api.types.is_datetime64_any_dtype(column) else "text"
    if known := next((kind for pattern, kind in _BY_NAME if re.fullmatch(pattern, name)), None):
        return known
    values = column.dropna()
    if _SHARES.fullmatch(name) and values.abs().le(1).all():
        return "percent"
    return "number"
