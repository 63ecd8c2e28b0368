"""Whatever the package defines can be reached: from a command, from a public name, or from a file that is read."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1] / "powerml"
DOORS_COME = ("programme/", "monitoring/")
"""Packages whose verbs come with the living score and the page; their docstrings say so."""
PLAIN = {"property", "cached_property", "staticmethod", "classmethod", "cache", "dataclass", "contextmanager"}
"""Decorators that hand their function to nobody; any other one is a door."""
CALLED_BY_OTHERS = {"_get_support_mask", "load_context", "resolve_command", "list_commands", "get_command"}
CALLED_BY_OTHERS |= {"format_commands", "convert", "parse_args", "_repr_html_", "shap", "readable", "readinto"}
"""Methods that scikit-learn, MLflow, Click and the reader of a notebook call on what is handed to them."""


class Defined(NamedTuple):
    """A function, class or method, and where it stands."""

    name: str
    file: str
    first: int
    last: int


def decorator(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def defined(tree: ast.Module, file: str) -> list[Defined]:
    found: list[Defined] = []
    if file.startswith(DOORS_COME):
        return found
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        inside = node.body if isinstance(node, ast.ClassDef) else []
        for each in (node, *(n for n in inside if isinstance(n, ast.FunctionDef))):
            handed = [d for d in each.decorator_list if decorator(d) not in PLAIN]
            if not handed and not re.fullmatch(r"__\w+__", each.name) and each.name not in CALLED_BY_OTHERS:
                found.append(Defined(each.name, file, each.lineno, each.end_lineno or each.lineno))
    return found


def uses(tree: ast.Module) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.append((node.id, node.lineno))
        elif isinstance(node, ast.Attribute):
            found.append((node.attr, node.lineno))
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+|[\w.]+:\w+", str(node.value)):
            found.append((str(node.value).rpartition(":")[2], node.lineno))  # a kind's class is named in a table
    return found


def unreachable(trees: dict[str, ast.Module]) -> list[str]:
    """Names that nothing but themselves mentions, over and over: what only they use goes with them."""
    everything = [d for file, tree in trees.items() for d in defined(tree, file)]
    used = defaultdict(list)
    for file, tree in trees.items():
        for name, line in uses(tree):
            used[name].append((file, line))
    gone: list[Defined] = []
    while True:
        dead = [
            d
            for d in everything
            if d not in gone
            and all(
                any(file == g.file and g.first <= line <= g.last for g in (*gone, d)) for file, line in used[d.name]
            )
        ]
        if not dead:
            return sorted(f"{d.file}: {d.name}" for d in gone)
        gone += dead


def entry_points() -> list[str]:
    """What the package offers by name to the command line and to MLflow."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    return [*project["scripts"].values(), *(e for group in project["entry-points"].values() for e in group.values())]


def test_everything_is_reachable_but_what_waits_for_its_verb():
    trees = {str(p.relative_to(PACKAGE)): ast.parse(p.read_text()) for p in sorted(PACKAGE.rglob("*.py"))}
    trees["pyproject.toml"] = ast.parse("\n".join(f"{entry!r}" for entry in entry_points()))
    assert unreachable(trees) == []


def test_a_name_that_only_an_unused_one_mentions_is_found_too():
    tree = ast.parse(
        "def shown():\n    return 1\n\n\ndef unused():\n    return helper()\n\n\ndef helper():\n    return 2\n"
    )
    calls = ast.parse("from powerml.one import shown\n\nshown()\n")
    assert unreachable({"one.py": tree, "two.py": calls}) == ["one.py: helper", "one.py: unused"]


def test_what_waits_says_so():
    for package in ("programme", "monitoring"):
        said = ast.get_docstring(ast.parse((PACKAGE / package / "__init__.py").read_text()))
        assert said
        assert "verb" in said or "command" in said or "door" in said, said
