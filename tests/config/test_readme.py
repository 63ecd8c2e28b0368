"""configs/README.md: every example of it is read by the loader that the commands use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from powerml.config.alerts import load_alerts
from powerml.config.bands import BandsSpec
from powerml.config.claims import load_claims
from powerml.config.experiment import load_experiment
from powerml.config.lists import load_lists
from powerml.config.metrics import catalogue, metrics_from
from powerml.config.project import load_project
from powerml.config.reading import load
from powerml.config.weights import read_weights

PAGE = Path(__file__).parents[2] / "configs" / "README.md"
EXAMPLES = re.findall(r"<!-- reads: (\w+) -->\n```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NAMES = [f"{kind}-{number}" for number, (kind, _) in enumerate(EXAMPLES)]
LOADERS = {
    "project": load_project,
    "metrics": lambda path: metrics_from([path], catalogue()),
    "weights": read_weights,
    "bands": lambda path: load(BandsSpec, path),
    "claims": load_claims,
    "lists": load_lists,
    "alerts": load_alerts,
    "experiment": load_experiment,
}


def read(kind: str, text: str, folder: Path):
    path = folder / f"{kind}.yaml"
    path.write_text(text, encoding="utf-8")
    return LOADERS[kind](path)


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=NAMES)
def test_an_example_is_read(kind, text, tmp_path):
    assert read(kind, text, tmp_path)


def test_every_kind_of_file_has_an_example():
    assert {kind for kind, _ in EXAMPLES} == set(LOADERS)
    assert PAGE.read_text(encoding="utf-8").count("```yaml") == len(EXAMPLES)


def test_every_kind_of_weight_set_has_an_example(tmp_path):
    sets = [read(kind, text, tmp_path) for kind, text in EXAMPLES if kind == "weights"]
    assert [spec.kind for spec in sets] == ["points", "composite", "activity", "rule", "signals", "points"]
    assert sets[0].bands.names[0] == "Champions"
    assert list(sets[-1].heads) == ["churn", "expand"]


def test_examples_say_what_the_page_says_of_them(tmp_path):
    project = read("project", EXAMPLES[0][1], tmp_path)
    assert (project.timezone, project.tables["events"].columns["user_id"]) == ("Europe/Berlin", "actor")
    outcomes = [read(kind, text, tmp_path).outcome for kind, text in EXAMPLES if kind == "experiment"]
    assert outcomes[-1].name == "advocate"
