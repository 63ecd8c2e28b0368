"""How a result shows itself in a notebook: sentences, then tables, every text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

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
