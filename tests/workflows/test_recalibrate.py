"""`powerml recalibrate`: base rates follow what came since; order, reasons and the earlier version stay."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.calibration.shift import Shift
from powerml.cli import root
from powerml.config.experiment import load_experiment
from powerml.config.project import load_project
from powerml.errors import DataError, PowermlError
from powerml.scoring.learned import TRAINED_UNTIL
from powerml.simulation import write_product
from powerml.tracking import registry
from powerml.tracking.runs import find_run
from powerml.tracking.store import Store
from powerml.workflows.project import gather
from powerml.workflows.recalibrate import MOVED_FROM, MOVED_UNTIL, recalibrate
from powerml.workflows.train import train

pytestmark = pytest.mark.slow

EARLY = "snapshots: {every: quarter, to: 2025-04-01}\nscorers: [{weights: engagement}]\n"
"""What is learned early: later months show whether the rates still hold."""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "product"
    write_product(folder, "validation", users=400, months=24, seed=7)
    (folder / "early.yaml").write_text(EARLY)
    project = load_project(folder / "powerml.yaml")
    train(project, load_experiment(folder / "early.yaml"))
    return project


@pytest.fixture(scope="module")
def moved(product):
    """The first version, and what moving it to the outcomes that came since found."""
    store = Store(product.state)
    first = registry.find_version(store, registry.models(store)[0], "1")
    return first, recalibrate(product, "1")


def test_rows_are_those_whose_outcomes_came_since(product, moved):
    first, done = moved
    assert done.since > first.tags[TRAINED_UNTIL]
    later = gather(product, None).labelled
    assert done.rows == int((pd.DatetimeIndex(later.times) > pd.Timestamp(first.tags[TRAINED_UNTIL])).sum())
    assert done.before.number == 1


def test_the_totals_agree_afterwards(moved):
    table = moved[1].table.set_index("outcome")
    assert table.loc["churn", "now"] == pytest.approx(table.loc["churn", "came"], abs=0.003)
    worse = abs(table["expected_before"] - table["came"]) - abs(table["now"] - table["came"])
    assert worse.sum() > 0


def test_a_new_version_is_registered_only_where_a_move_is_told(product, moved):
    _, done = moved
    told = any(move.is_told for move in done.moves.values())
    assert (done.made is not None) == told
    assert ("so there is no new version" in " ".join(done.sentences)) == (not told)


def test_the_order_of_people_stays(product, moved, monkeypatch):
    """Forced by moves that are told: the new version says of everybody what the old one did, at other rates."""
    store, (first, _) = Store(product.state), moved
    monkeypatch.setattr(Shift, "is_told", True)
    done = recalibrate(product, "1")
    made = done.made
    assert made.tags[MOVED_FROM] == "1"
    assert made.tags[MOVED_UNTIL] == done.until
    assert made.tags[registry.SCORER] == first.tags[registry.SCORER]
    assert made.tags[registry.VERDICT] == first.tags[registry.VERDICT]
    assert "challenger" in made.aliases
    run = find_run(store, made.run_id)
    assert run.metrics["recalibrate/churn/move"] == pytest.approx(done.moves["churn"].by)
    old, new = (registry.load_version(store, version) for version in (first, made))
    rows = gather(product, None).latest
    before, after = (one.score(rows)["p_churn"].to_numpy() for one in (old, new))
    assert np.array_equal(np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))
    assert not np.allclose(before, after)
    with pytest.raises(DataError, match=r"no outcome has come since .* was made"):
        recalibrate(product, str(made.number))


def test_moves_that_are_far_are_called_so(moved):
    far = Shift(by=0.8, low=0.5, high=1.1)
    said = " ".join(replace(moved[1], moves={"churn": far}).sentences)
    assert "churn: the logit moves by +0.80 (95 % +0.50 to +1.10)" in said
    assert "churn moved by more than 0.3: more than the base rate has changed, so train again." in said


def test_the_command_says_what_moved(product):
    ran = CliRunner().invoke(root, ["recalibrate", "1", "--config", str(product.file), "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert told["version"] == 1
    assert set(told["moves"]) == {"churn", "expand"}
    assert [row["outcome"] for row in told["rates"]] == ["churn", "stay", "expand"]


def test_without_a_champion_the_sentence_names_what_there_is(product):
    if "champion" in registry.aliases(Store(product.state), registry.models(Store(product.state))[0]):
        pytest.skip("this product's first version became champion")
    with pytest.raises(PowermlError, match="has no alias @champion; its versions are"):
        recalibrate(product)
