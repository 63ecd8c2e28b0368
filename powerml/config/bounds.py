"""What a declaration may not be: nested without end, referring to itself, or a few lines that stand for millions."""

from __future__ import annotations

import yaml

from powerml.errors import ConfigError, Problem

LARGEST_BYTES = 32 << 20
DEEPEST = 60
MOST_VALUES = 1_000_000


def check_size(node: yaml.Node, shown: str) -> None:
    """Raises ConfigError where a value contains itself, or where references make it stand for millions of values."""
    sizes: dict[int, int] = {}
    under_way: set[int] = set()
    stack = [(node, False)]
    while stack:
        here, done = stack.pop()
        if done:
            under_way.discard(id(here))
            sizes[id(here)] = 1 + sum(sizes[id(child)] for child in _children(here))
            if sizes[id(here)] > MOST_VALUES and here is node:
                break
            continue
        if id(here) in sizes:
            continue
        if id(here) in under_way:
            raise _problem(shown, here.start_mark.line + 1, "contains itself; write out what is meant")
        if len(under_way) > DEEPEST:
            raise _problem(shown, here.start_mark.line + 1, f"is nested more than {DEEPEST} deep; write it flatter")
        under_way.add(id(here))
        stack.append((here, True))
        stack += [(child, False) for child in _children(here) if id(child) not in sizes]
    if sizes.get(id(node), 0) > MOST_VALUES:
        what = f"stands for more than {MOST_VALUES:,} values; write fewer, or with fewer references (*)"
        raise _problem(shown, node.start_mark.line + 1, what)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _problem(shown: str, line: int, what: str) -> ConfigError:
    return ConfigError([Problem(shown, line, "", what)])
