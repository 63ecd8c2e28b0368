"""CONTRIBUTING.md leads to files that are there, and runs what CI runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def named(text: str) -> list[Path]:
    """The files a text names, in order: a bare name or folder stands beside the file before it, or above."""
    found: list[Path] = []
    for name in re.findall(r"`([\w./]+(?:\.(?:py|yaml|md|toml)|/))`", text):
        near = [
            ROOT,
            *(folder for last in found[-1:] for folder in (last.parent, last.parent.parent)),
            ROOT / "powerml",
        ]
        there = [folder / name for folder in near if (folder / name).exists()]
        assert there, name
        found.append(there[0])
    return found


def test_every_file_it_names_is_there():
    assert len(named(PAGE)) > 40


def test_the_walks_are_three_and_short():
    walks = PAGE.split("## Three walks")[1].split("**From ")[1:]
    assert len(walks) == 3
    assert all(5 <= len(re.findall(r"^\d\. ", walk, re.MULTILINE)) <= 6 for walk in walks)


def test_the_checks_are_those_of_ci():
    checks = re.findall(r"^\.venv/bin/(.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert " && ".join(checks[:4]) in PAGE
    assert all(check in PAGE for check in checks)


def test_pre_commit_runs_them_too_and_fetches_nothing():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert re.findall(r"entry: (\S+)", text) == ["ruff", "ruff", "lint-imports", "mypy"]
