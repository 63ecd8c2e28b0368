"""`train --from-run`: the same figures from what a run keeps, and a sentence on each thing that became different."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import StoreError, UsageError
from powerml.simulation import write_product
from powerml.tracking.kept_session import session_of_run
from powerml.tracking.store import Store
from powerml.workflows.train_from_run import train_from_run

EXPERIMENT = """
question: Does the short card do as well?
snapshots: {every: quarter}
screen: {threshold: 0.3}
scorers: [{weights: engagement}, {weights: short.yaml}, {fit: logistic}]
seed: 3
"""
CARD = """
name: short
kind: points
bands: {50: Well, 0: At Risk}
parts:
  days: {metric: active_days_30d, missing: 0, steps: [{from: 10, points: 100}, {from: 3, points: 40}, {points: 0}]}
"""


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small product with an experiment of its own card, trained."""
    folder = tmp_path_factory.mktemp("repeated") / "product"
    write_product(folder, "validation", users=250, months=15, seed=21)
    declared = yaml.safe_load((folder / "powerml.yaml").read_text())
    declared.pop("observed_until", None)  # then the data end where their events do
    (folder / "powerml.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    (folder / "mine").mkdir()
    (folder / "mine" / "short.yaml").write_text(CARD)
    (folder / "mine" / "short_card.yaml").write_text(EXPERIMENT)
    done = run("train", folder / "mine" / "short_card.yaml", "-c", folder / "powerml.yaml", "--json")
    assert done.exit_code == 0, done.output
    (folder / "first.json").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def first(folder):
    return json.loads((folder / "first.json").read_text())["run"]


@pytest.mark.slow
def test_a_session_keeps_what_a_repeat_needs(folder, first):
    kept = session_of_run(Store(folder / ".powerml"), first[:10])
    assert kept.run_id == first
    told = kept.for_repeat
    assert (told["name"], told["folder"]) == ("short_card", "mine")
    assert told["sets"]["short.yaml"]["file"]["parts"]["days"]["metric"] == "active_days_30d"
    assert "file" not in told["sets"]["engagement"]
    assert {"python", "scikit-learn", "lightgbm"} <= set(told["packages"])
    assert str(folder) not in json.dumps([told, kept.declaration])
    scorer = session_of_run(Store(folder / ".powerml"), kept.scorer_run)
    assert scorer.run_id == first  # a scorer's run leads to its session


@pytest.mark.slow
def test_the_same_again_gives_the_same_figures_and_says_so(folder, first):
    done = run("train", "--from-run", first[:8], "-c", folder / "powerml.yaml", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["differs"] == []
    assert told["experiment"] == "short_card"
    assert f"came out as in run {first[:8]}." in told["figures"]
    assert told["figures"].startswith("All ")
    assert f"Run {first[:8]} was repeated with the same data, declarations, code and packages." in done.stderr
    assert f"Repeats run {first}." in told["sentences"]
    again = session_of_run(Store(folder / ".powerml"), told["run"])
    assert {"engagement", "short"} <= set(again.figures())  # too few events to fit the third
    assert again.figures() == session_of_run(Store(folder / ".powerml"), first).figures()


@pytest.mark.slow
def test_what_can_be_put_back_is_and_each_is_told(folder, first):
    """Another horizon, an edited card and later events: the repeat takes what the run keeps, and the figures agree."""
    project = folder / "powerml.yaml"
    before, card = project.read_text(), folder / "mine" / "short.yaml"
    declared = yaml.safe_load(before)
    declared["outcome"] = {**declared.get("outcome", {}), "horizon_days": 60}
    events = folder / declared["tables"]["events"]["files"]
    parts = sorted(events.parent.glob(events.name)) if "*" in events.name else [events]
    kept = parts[-1].read_bytes()
    later = pd.read_parquet(parts[-1])
    last = pd.to_datetime(later["time"]).max()
    more = later.tail(3).assign(
        time=last + pd.Timedelta(days=10), event_id=later["event_id"].max() + pd.Series([1, 2, 3], later.index[-3:])
    )
    try:
        project.write_text(yaml.safe_dump(declared))
        card.write_text(CARD.replace("points: 40", "points: 10"))
        pd.concat([later, more[later.columns]]).to_parquet(parts[-1], index=False)
        again = train_from_run(first[:8], load_project(project))
        card.unlink()
        gone = train_from_run(first[:8], load_project(project))
    finally:
        parts[-1].write_bytes(kept)
        project.write_text(before)
        card.write_text(CARD)
    told = "\n".join(again.differs)
    assert "outcome.horizon_days was 90 and is 60 now; repeated as it was." in told
    assert "The weight set short.yaml has changed since; repeated with it as it was." in again.differs
    assert "now; repeated as of " in told
    assert again.done.data.labelled.horizon_days == 90
    assert again.figures.startswith("All ")
    assert "The weight set short.yaml is gone or cannot be read; repeated with it as it was." in gone.differs


@pytest.mark.slow
def test_a_run_that_is_not_there_is_said(folder):
    done = run("train", "--from-run", "0123456789", "-c", folder / "powerml.yaml")
    assert isinstance(done.exception, StoreError)
    told = str(done.exception)
    assert "no run '0123456789' of a session; give the id that 'powerml train' or the MLflow UI shows" in told
    with pytest.raises(StoreError, match="no run"):
        session_of_run(Store(folder / ".powerml"), "01")
    first = json.loads((folder / "first.json").read_text())["run"]
    done = run("train", "--from-run", first, "--table", "t.csv", "-c", folder / "powerml.yaml")
    assert isinstance(done.exception, UsageError)
    assert "was trained on a project's snapshots; leave --table out" in str(done.exception)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["mine/short_card.yaml"], "--from-run repeats the experiment of a run; leave mine/short_card.yaml out"),
        (["--target", "churned"], "--from-run takes what the run was asked; leave --target out"),
        (["--capacity", "3"], "leave --capacity out"),
    ],
)
def test_what_does_not_go_with_it_is_refused(more, message):
    done = run("train", "--from-run", "0123456789", *more)
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)
