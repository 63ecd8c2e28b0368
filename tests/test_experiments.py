"""Experiments that users run: each asks one question, says how it is run, and runs from a clean checkout."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from powerml.config.experiment import load_experiment
from powerml.config.heads import HEADS
from powerml.scoring.heads.registry import head_class

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted(path for path in (ROOT / "experiments").iterdir() if re.match(r"\d\d_", path.name))

RARE = "07_own_outcome"


@pytest.fixture(scope="module")
def script():
    """The script by which they run."""
    spec = importlib.util.spec_from_file_location("experiments_run", ROOT / "experiments" / "run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_script_knows_every_folder_and_the_readme_leads_to_it(script):
    names = [path.name for path in EXPERIMENTS]
    assert list(script.QUESTIONS) == names
    linked = re.findall(r"\]\((\d\d_\w+)/?\)", (ROOT / "experiments" / "README.md").read_text())
    assert linked == names


@pytest.mark.parametrize("folder", EXPERIMENTS, ids=lambda path: path.name)
def test_it_asks_one_question_and_says_how_it_is_run(folder):
    text = (folder / "README.md").read_text()
    assert text.splitlines()[0].startswith("# ")
    assert text.splitlines()[0].endswith("?")
    assert f"python experiments/run.py {folder.name}\n" in text
    for file in folder.glob("*.yaml"):
        assert load_experiment(file).question.endswith("?"), file
    kept = sorted(table.name for table in (folder / "results").glob("*.csv"))
    assert kept
    assert "\n## What came of it" in text
    assert sorted(set(re.findall(r"`results/(\w+\.csv)`", text))) == kept
    assert all(len(pd.read_csv(folder / "results" / name)) for name in kept)


def test_a_name_that_there_is_not_is_refused_with_those_there_are(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["09_everything"])
    assert "03_card_points" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        script.main(["06_drift", "-c", "powerml.yaml", "--out", "x"])
    assert "06_drift brings its own data; leave -c out" in capsys.readouterr().err


def test_the_heads_and_their_options_stand_where_people_look():
    text = (ROOT / "configs" / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", text[text.index("| head (`fit:`)") :], re.MULTILINE)
    assert [name for name, _ in rows] == list(HEADS)
    for name, options in rows:
        named = set(re.findall(r"`(\w+)`", options)) - {"prior", "engagement"}
        assert named <= set(head_class(name)().get_params(deep=False)), name


@pytest.mark.slow
def test_all_of_them_run_small_and_write_the_tables_that_are_kept(script, tmp_path, monkeypatch):
    """300 people over 15 months, of whom too few bring somebody in for 07; the answers kept are of 600 over 20."""
    monkeypatch.chdir(tmp_path)
    out, small = ["--out", str(tmp_path / "out")], ["--users", "300", "--months", "15"]
    script.main([*(folder.name for folder in EXPERIMENTS if folder.name != RARE), *small, *out])
    script.main([RARE, *out])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    for folder in EXPERIMENTS:
        written = sorted((tmp_path / "out" / folder.name).glob("*.csv"))
        assert [path.name for path in written] == sorted(path.name for path in (folder / "results").iterdir())
        for path in written:
            now, kept = pd.read_csv(path), pd.read_csv(folder / "results" / path.name)
            assert list(now) == list(kept), path
            by = [
                name for name in ("experiment", "scorer", "horizon_days", "target", "product", "version") if name in now
            ]
            assert now[by].drop_duplicates().values.tolist() == kept[by].drop_duplicates().values.tolist(), path
