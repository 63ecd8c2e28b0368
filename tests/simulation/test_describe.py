"""`powerml simulate` from the command line, measured with the catalogue like anybody's project."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.simulation import write_product
from powerml.simulation.oracle import oracle_observed
from powerml.workflows.check import check
from powerml.workflows.simulate import cutoffs
from powerml.workflows.snapshot import build

pytestmark = pytest.mark.slow


def test_describe_prints_documented_against_achieved_and_writes_json(tmp_path):
    arguments = ["simulate", str(tmp_path / "p"), "--users", "600", "--months", "10", "--describe", "--json"]
    done = CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert len(result["effects"]) == 11
    assert [row["documented"] for row in result["path"]] == [62, 58, 51, 42, 31, 19]
    assert {row["oracle"] for row in result["oracles"]} == {"true hazards", "observed metrics"}
    assert result["manifest"]["rows"]["users"] == 600
    assert "600 users" in done.stderr


def test_snapshot_labels_of_the_project_are_the_truth(tmp_path):
    manifest = write_product(tmp_path / "p", users=500, months=10, seed=2)
    _, ripe = cutoffs(manifest)
    built = build(load_project(tmp_path / "p" / "powerml.yaml"), ripe, labels=True)
    truth = pd.read_parquet(tmp_path / "p" / "truth" / "labels.parquet")
    truth["as_of"] = truth["as_of"].dt.tz_localize(None).astype(built.frame["as_of"].dtype)
    both = built.frame.merge(truth, on=["as_of", "account_id"], suffixes=("", "_true"))
    assert len(both) == len(built.frame) > 100
    assert (both["label"] == both["label_true"]).all()
    assert built.coverage["available"].all()
    loads = built.loads.set_index("table")
    assert loads["quarantined"].sum() == 0
    assert not built.unmapped


def test_check_counts_the_duplicates_and_names_the_bots(tmp_path):
    write_product(tmp_path / "p", users=3000, months=4, seed=5)
    people = pd.read_parquet(tmp_path / "p" / "truth" / "people.parquet")
    seen = check(load_project(tmp_path / "p" / "powerml.yaml"))
    events = pd.read_parquet(tmp_path / "p" / "events")
    loads = seen.loads.set_index("table").loc["events"]
    assert loads["rows"] == len(events) == loads[["loaded", "quarantined", "ignored"]].sum()
    assert loads["ignored"] == events["event_id"].duplicated().sum() > 0
    there = events.groupby("user_id")["time"].agg(lambda times: times.dt.floor("D").nunique())
    bots = {user for user in people.loc[people["bot"], "user_id"] if there.get(user, 0) >= 4}
    assert bots <= set(seen.inspection.bots["user_id"]) <= set(people.loc[people["bot"], "user_id"])
    assert len(bots) >= 3


def test_too_few_months_to_describe_say_how_many_it_takes(tmp_path):
    with pytest.raises(UsageError, match="3 months are too few to know an outcome; use at least 9"):
        CliRunner().invoke(
            root,
            ["simulate", str(tmp_path / "p"), "--users", "50", "--months", "3", "--describe"],
            catch_exceptions=False,
        )


def test_no_metric_of_the_null_product_knows_anything(tmp_path):
    """Outcomes at random: whatever a large model found would be a leak of the generator's own."""
    manifest = write_product(tmp_path / "p", "null", users=2500, months=12, seed=3)
    frame = build(load_project(tmp_path / "p" / "powerml.yaml"), cutoffs(manifest)[1], labels=True).frame
    skill = oracle_observed(frame).set_index("outcome")
    assert skill.loc["churn", "auroc"] == pytest.approx(0.5, abs=0.05)
    assert skill.loc["expand", "auroc"] == pytest.approx(0.5, abs=0.05)
