"""What the page says of a session equals `compare` on the same rows and `validate` on what the folds said."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.experiment import WeightSetEntry
from powerml.config.project import load_project
from powerml.errors import StoreError
from powerml.simulation import write_product
from powerml.training.candidates import Candidate
from powerml.training.folds import out_of_fold
from powerml.workflows.project import gather
from tests.reports.test_numbers import same
from tests.workflows.test_report import rows_of

pytestmark = pytest.mark.slow
SETS = ("engagement", "power_user")
EXPERIMENT = "scorers:\n  - {weights: engagement}\n  - {weights: power_user}\nseed: 7\n"


def run(product, *arguments):
    done = CliRunner().invoke(root, [*map(str, arguments), "-c", str(product)])
    assert done.exit_code in (0, 1), done.output
    return done.stdout


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A year and a half of 400 users, with a session of two documented weight sets."""
    folder = tmp_path_factory.mktemp("shop") / "product"
    write_product(folder, "validation", users=400, months=18, seed=21)
    (folder / "sets.yaml").write_text(EXPERIMENT)
    told = json.loads(run(folder / "powerml.yaml", "train", folder / "sets.yaml", "--json"))
    return folder / "powerml.yaml", told["challenger"]


@pytest.fixture(scope="module")
def page(product, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "r.html"
    run(product[0], "report", "--model", "validation@1", "-o", file)
    return file.read_text(encoding="utf-8")


def test_scorers_are_those_of_compare(product, page):
    told = json.loads(run(product[0], "compare", *SETS, "--seed", "7", "--json"))
    measures = pd.DataFrame(told["measures"]).set_index(["scorer", "measure"])
    shown = rows_of(page, "scorers").set_index("scorer")
    ranks = rows_of(page, "outcomes").set_index(["scorer", "outcome"])
    assert sorted(shown.index) == sorted(SETS)
    for name in SETS:
        assert float(shown.loc[name, "log_loss"]) == pytest.approx(measures.loc[(name, "log_loss"), "value"], rel=1e-8)
        for outcome in ("churn", "expand"):
            theirs = measures.loc[(name, f"auroc_{outcome}")]
            for ours, end in (("auroc", "value"), ("auroc_low", "low"), ("auroc_high", "high")):
                assert float(ranks.loc[(name, outcome), ours]) == pytest.approx(theirs[end], rel=1e-8)


def test_the_backtest_is_that_of_the_command(product, page):
    day = re.search(r"At (\d{4}-\d\d-\d\d): Of 20 listed", page)[1]
    told = json.loads(run(product[0], "backtest", "--as-of", day, "--model", "validation@1", "--json"))
    assert "as its session made it before that day" in told["sentences"][0]
    theirs = pd.DataFrame(told["rows"])
    for result in ("hit", "false alarm", "missed"):
        mine = theirs[theirs["result"] == result].drop(columns="result").reset_index(drop=True)
        shown = rows_of(page, f"backtest {result}")
        assert len(shown) == min(len(mine), 60 if result == "missed" else len(mine))
        same(shown, mine, ["rank", "score", "band", "p_churn", "label"])
        here = ~shown["user_id"].str.startswith("e-")  # who is no longer here stands under a pseudonym
        assert shown["user_id"][here].tolist() == mine["user_id"].head(len(shown))[here].tolist()


def test_bands_are_those_of_validate(product, page, tmp_path):
    path, name = product
    project = load_project(path)
    data = gather(project, None)
    said = out_of_fold([Candidate(WeightSetEntry(weights=name), data, 7, project.base)], data, data.split(seed=7))
    rows = said.test.rows
    ids = rows.frame[["as_of", "user_id"]].reset_index(drop=True)
    told = said.said(name)
    ids.assign(score=told.score, **told.probabilities.reset_index(drop=True)).to_parquet(tmp_path / "scores.parquet")
    ids.assign(label=rows.y, account_id=rows.accounts).to_parquet(tmp_path / "labels.parquet")
    files = ("--scores", tmp_path / "scores.parquet", "--labels", tmp_path / "labels.parquet")
    judged = json.loads(run(path, "validate", *files, "--bands", name, "--json"))
    shown = rows_of(page, "bands")
    same(shown, judged["bands"], [each for each in shown.columns if each in judged["bands"][0]])


def test_a_kept_scorer_that_was_changed_is_refused(product, page):
    day = re.search(r"At (\d{4}-\d\d-\d\d): Of 20 listed", page)[1]
    (file,) = product[0].parent.glob(".powerml/**/held_out/model.json")
    text = file.read_text()
    file.write_text(text.replace('"rows": ', '"rows": 1'))
    try:
        asked = ["backtest", "--as-of", day, "--model", "validation@1", "-c", str(product[0])]
        done = CliRunner().invoke(root, asked)
    finally:
        file.write_text(text)
    assert isinstance(done.exception, StoreError)
    assert str(done.exception).endswith("its file 'held_out/model.json' was changed since it was kept; train again")
