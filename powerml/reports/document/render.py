"""A page as one HTML file: every text escaped, scripts inlined once and known by their hash, nothing let out."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from powerml.charts.writing import javascript, specification
from powerml.reports.document.blocks import Figures, Links, PageTable, Picture, Told
from powerml.reports.document.cells import Printed, cell, kind_of
from powerml.reports.document.glossary import about_column
from powerml.shown import legible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jinja2 import Template

    from powerml.reports.document.blocks import Page, Piece

LONGEST_SENTENCE = 2000  # characters, of which names may be many
SHORT_TEXT = 26
FILTER_FROM = 8  # a table of so many rows gets a field to filter it


def render(page: Page, *, kept_in: Path | None = None) -> str:
    """The page as text. Its policy allows its own two scripts, by hash, and no connection to anywhere.

    `kept_in`: see `javascript`.
    """
    specifications: list[dict[str, Any]] = []
    sections = [
        {"section": section, "blocks": [_block(block, specifications) for block in section.blocks]}
        for section in page.sections
    ]
    scripts = [_text("page.js")] if not specifications else [javascript(kept_in), _text("page.js")]
    return _template().render(
        page=page,
        sections=sections,
        charts=specifications,
        scripts=scripts,
        hashes=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        style=_text("page.css"),
    )


def _block(block: Piece, specifications: list[dict[str, Any]]) -> dict[str, Any]:
    """A block with all that the template prints of it."""
    if isinstance(block, PageTable):
        return {"is": "table", "table": _table(block)}
    if isinstance(block, Picture):
        spec = specification(block.chart)
        title = spec.pop("title", {})
        specifications.append(spec)
        told = " ".join(title.get("subtitle") or [])
        return {
            "is": "picture", "number": len(specifications) - 1, "title": " ".join(title.get("text") or []),
            "told": told, "table": _table(block.table), "height": spec.get("height", 200),
        }  # fmt: skip
    kind = {Told: "told", Figures: "figures", Links: "links"}[type(block)]
    return {"is": kind, "block": block}


def _table(table: PageTable) -> dict[str, Any]:
    frame = table.frame
    kinds = {str(name): table.kinds.get(str(name)) or kind_of(str(name), frame[name]) for name in frame.columns}
    rows = [[cell(v, kind) for v, kind in zip(row, kinds.values(), strict=True)] for row in _rows(frame)]
    columns = [
        {
            "name": name.replace("_", " "),
            "id": name,
            "number": kind not in ("text", "date"),
            "look": "n" if kind not in ("text", "date") else "s" if _short(rows, place) else "",
            "about": table.about.get(name) or about_column(name),
        }
        for place, (name, kind) in enumerate(kinds.items())
    ]
    return {
        "key": table.key, "anchor": anchor(table.key), "title": table.title,
        "columns": columns, "rows": rows, "first": table.first or len(rows),
        "filter": len(rows) >= FILTER_FROM, "cards": len(columns) > 3 and any(c["look"] == "" for c in columns),
    }  # fmt: skip


def anchor(key: str) -> str:
    """The id of a table on its page, by which a button leads to it.

    >>> anchor("list at_risk")
    't-list-at-risk'
    """
    return f"t-{re.sub(r'[^a-z0-9]+', '-', key.lower()).strip('-')}"


def _short(rows: Sequence[Sequence[Printed]], place: int) -> bool:
    """Whether a column of texts is narrow enough to stand on one line."""
    return max((len(row[place].shown) for row in rows), default=0) <= SHORT_TEXT


def _rows(frame: Any) -> Sequence[tuple[Any, ...]]:
    return list(zip(*(frame[name] for name in frame.columns), strict=True)) if len(frame.columns) else []


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_clean, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_text("page.html"))


@cache
def _text(name: str) -> str:
    return files("powerml.reports.document").joinpath("templates", name).read_text(encoding="utf-8")


def _clean(value: Any) -> Any:
    """Texts that are not the page's own as they may be shown."""
    return legible(value, LONGEST_SENTENCE) if type(value) is str else value


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
