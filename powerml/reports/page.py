"""HTML pages that stand alone: every text escaped, no script, no request to anywhere."""

from __future__ import annotations

from html import escape
from numbers import Real
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1c2530;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}"
    ".wide{overflow-x:auto}"
    "th,td{padding:.25rem .35rem;border-bottom:1px solid #d8dee6;text-align:right;white-space:nowrap}"
    "th{white-space:normal;vertical-align:bottom}td.long{white-space:normal;min-width:18rem;text-align:left}"
    "th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #8a97a6}"
    ".verdict{font-size:1.1rem;border-left:4px solid #2f6db5;padding:.4rem .9rem;background:#f2f6fb}"
    ".note{color:#5a6775}"
)
_LONGEST_LINE = 36
"""A cell of up to so many characters stays on one line; a page too narrow for its lines is moved sideways."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, *parts: str) -> str:
    """A whole page; `title` is text, `parts` are pieces made by the functions of this module."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def sentence(text: str, *, kind: str = "note") -> str:
    """A paragraph of class `kind` (`note`, `verdict`).

    >>> sentence("a < b")
    '<p class="note">a &lt; b</p>'
    """
    return f'<p class="{escape(kind)}">{escape(text)}</p>'


def heading(text: str) -> str:
    """A heading below the title."""
    return f"<h2>{escape(text)}</h2>"


def table(frame: pd.DataFrame, *, shares: Sequence[str] = ()) -> str:
    """A frame as a table; columns in `shares` are printed in per cent."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    rows = [
        "".join(_data(_cell(v, name in shares)) for name, v in zip(frame, row, strict=True))
        for row in frame.itertuples(index=False)
    ]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _data(text: str) -> str:
    wraps = ' class="long"' if len(text) > _LONGEST_LINE else ""
    return f"<td{wraps}>{escape(text)}</td>"


def _cell(value: object, as_share: bool) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if as_share:
            return f"{100 * number:.1f} %"
        return f"{number:.0f}" if number == round(number) else f"{number:.2f}"
    return str(value)
