"""One name, one thing: no public class, function or constant of a module is called as one of another module."""

import ast
from collections import defaultdict
from pathlib import Path

import powerml

PACKAGE = Path(powerml.__file__).parent
FACE = "public.py"  # says the verbs again, as a notebook calls them
VERB = "command"  # what the command line looks for in the module of each verb


def public_names(tree):
    """The public names that a module defines at its top level; imported ones are another module's."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            targets = [node.name]
        elif isinstance(node, ast.Assign):
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            targets = [node.target.id]
        else:
            continue
        yield from (name for name in targets if not name.startswith("_"))


def test_no_name_is_defined_in_two_modules():
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == FACE:
            continue
        for name in dict.fromkeys(public_names(ast.parse(path.read_text(encoding="utf-8")))):
            homes[name].append(str(path.relative_to(PACKAGE)))
    several = {name: places for name, places in homes.items() if len(places) > 1}
    assert len(several.pop(VERB)) > 10
    assert several == {}
