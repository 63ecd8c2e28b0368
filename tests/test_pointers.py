"""Whoever reads the package finds in it what they need: nothing points to pages that are not shipped with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = re.compile(
    r"\b[1-9]-[a-z]+\.md\b|\bmodelling\.md\b|\bspecification,? [1-9]|Source: specification|\b00\d_[0-9a-f]{16}\b"
)
READ = [path for part in ("powerml", "configs", "notebooks") for path in (ROOT / part).rglob("*.*")]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ('Source: specification, 1-data.md "Labels".', True),
        ("see specification 4", True),
        ("001_bcfa6577ba58985b, phase 1", True),
        ("document B, phase 1; see configs/README.md", False),
    ],
)
def test_what_counts_as_a_pointer(text, points):
    assert bool(PAGES.search(text)) == points


def test_nothing_points_to_a_page_outside_the_repository():
    """Declarations name the publication that a number follows, as data; `scoring.documented` says which is which."""
    text = {path: path.read_text(encoding="utf-8") for path in READ if path.suffix in (".py", ".md", ".ipynb", ".sql")}
    assert [str(path.relative_to(ROOT)) for path, words in text.items() if PAGES.search(words)] == []


def test_every_package_says_what_it_is():
    packages = sorted((ROOT / "powerml").rglob("__init__.py"))
    assert len(packages) > 20
    silent = [str(path.parent) for path in packages if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []
