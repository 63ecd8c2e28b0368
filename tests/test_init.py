"""The public names: those of the README, each of which can be had."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import powerml


def test_every_public_name_can_be_had():
    for name in powerml.__all__:
        assert callable(getattr(powerml, name)), name


def test_the_readme_lists_them():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    listed = re.search(r"from powerml import ([^`]+?)`", text)
    assert listed
    assert sorted(re.findall(r"\w+", listed[1])) == sorted(powerml.__all__)


def test_an_unknown_name_says_so():
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        powerml.scores  # noqa: B018


def test_importing_powerml_is_light():
    code = "import powerml, sys; print([m for m in ('pandas', 'mlflow', 'duckdb', 'sklearn') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
