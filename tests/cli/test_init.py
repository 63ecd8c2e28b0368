"""The command as a whole: verbs, help without heavy libraries, errors as one message."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import click
import pytest

from powerml import __version__
from powerml.cli import VERBS, main, root
from powerml.errors import DataError

HEAVY = ["mlflow", "pandas", "numpy", "duckdb", "ibis", "pyarrow", "scipy", "sklearn", "lightgbm", "shap", "pydantic",
         "yaml", "rich"]  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-verb"]])
def test_help_imports_nothing_heavy(arguments):
    program = f"""
import json, sys
from powerml.cli import main
sys.argv = ["powerml", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stderr.splitlines()[-1]))
    assert "click" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_own_help_says_the_same(verb, powerml):
    command = importlib.import_module(VERBS[verb][0]).command
    assert isinstance(command, click.Command)
    assert command.name == verb
    assert command.short_help == VERBS[verb][1]
    ran = powerml(verb, "--help")
    assert ran.status == 0
    for option in ("--config", "--json", "--quiet"):
        assert option in ran.out


def test_modules_of_all_verbs_are_cheap():
    program = f"""
import importlib, json, sys
for module in {[module for module, _ in VERBS.values()]!r}:
    importlib.import_module(module)
print(json.dumps(sorted(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if name in set(json.loads(ran.stdout))] == []


def test_help_lists_every_verb_with_its_line(powerml):
    ran = powerml("--help")
    assert ran.status == 0
    words = " ".join(ran.out.split())
    for verb, (_module, line) in VERBS.items():
        assert f"{verb} {line}" in words


def test_version(powerml):
    assert powerml("--version").out.split()[-1] == __version__


def test_python_m_is_the_same_command():
    ran = subprocess.run([sys.executable, "-m", "powerml", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"powerml, version {__version__}\n"


@pytest.mark.parametrize(
    ("word", "message"),
    [("snapshto", "no command 'snapshto'; did you mean 'snapshot'?"), ("zzz", "no command 'zzz'; there are demo, ")],
)
def test_a_misspelt_verb(powerml, word, message):
    ran = powerml(word)
    assert ran.status == 2
    assert message in ran.err
    assert ran.out == ""


def test_a_users_error_is_one_message_and_status_2(powerml, monkeypatch):
    def fails(*args, **options):
        raise DataError.in_file("events.csv", "is empty", "export it again")

    monkeypatch.setattr(root, "main", fails)
    ran = powerml("snapshot")
    assert (ran.status, ran.out, ran.err) == (2, "", "powerml: events.csv: is empty; export it again\n")


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    def fails(*args, **options):
        raise KeyError("ours")

    monkeypatch.setattr(root, "main", fails)
    with pytest.raises(KeyError, match="ours"):
        main()
