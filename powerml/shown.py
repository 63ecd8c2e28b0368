"""How a result shows itself in a notebook: sentences, then tables, every text escaped."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that are not seen but change what is: controls, and marks that turn the direction of a text."""
ROWS = 30
"""A longer table shows its first and last rows."""


class Shown:
    """A result that a notebook shows as what `_shown` gives: sentences and frames, in order."""

    def _shown(self) -> Iterable[str | pd.DataFrame | None]:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        parts = [part for part in self._shown() if part is not None]
        return "\n".join(f"<p>{escape(part)}</p>" if isinstance(part, str) else _table(part) for part in parts)


def _table(frame: pd.DataFrame) -> str:
    html: str = frame.to_html(max_rows=ROWS, border=0, escape=True, float_format=lambda value: f"{value:.4g}")
    return html


def legible(text: str, longest: int) -> str:
    """A text for a page or a picture: what is not seen stands as a sign, and from `longest` characters on it is cut.

    >>> legible("a\u202eb" + "c" * 9, 6)
    'a\ufffdbccc…'
    """
    seen = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return seen if len(seen) <= longest else f"{seen[:longest]}…"
