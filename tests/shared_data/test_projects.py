"""The example projects on real and third-party data: only where POWERML_SHARED names the folder that holds it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from powerml.config.experiment import ExperimentSpec, WeightSetEntry
from powerml.config.project import ProjectSpec, load_project
from powerml.config.shipped import configs
from powerml.workflows.check import check
from powerml.workflows.score import score_snapshot
from powerml.workflows.train import train

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif("POWERML_SHARED" not in os.environ, reason="POWERML_SHARED names no shared folder"),
    pytest.mark.slow,  # a stage of its own in .ci/run
]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def project(name: str, folder: Path, text: str | None = None) -> ProjectSpec:
    """A copy in a folder of its own, so that nothing is kept beside the shipped example."""
    path = folder / f"{name}.yaml"
    if text is None:
        shutil.copy(configs() / "projects" / f"{name}.yaml", path)
    else:
        path.write_text(text)
    return load_project(path)


def test_git_brew_trains_a_champion_that_scores_its_latest_snapshot(tmp_path):
    brew = project("git_brew", tmp_path)
    done = train(brew)
    assert done.champion is not None
    assert any("proxies" in sentence for sentence in done.sentences)
    assert done.tables["outcomes"].set_index(["scorer", "outcome"]).loc[(done.challenger, "churn"), "auroc"] >= 0.78
    scores = score_snapshot(brew, date(2026, 7, 1), now=NOW)
    assert scores.frame["score"].between(0, 100)[scores.frame["status"] == "scored"].all()
    assert scores.scorer.name == "git_brew"


def test_crm6_has_too_few_events_to_fit_and_says_so(tmp_path):
    done = train(project("crm6", tmp_path))
    assert any("Too few events to fit" in sentence for sentence in done.sentences)
    assert (done.challenger, done.champion) == ("engagement", None)


def test_every_row_of_git_brew_is_accounted_for(tmp_path):
    seen = check(project("git_brew", tmp_path), now=NOW)
    row = seen.loads.set_index("table").loc["events"]
    assert row["rows"] == row["loaded"] + row["quarantined"] + row["ignored"] == 41394
    assert seen.labels["churn"].sum() > 1000


def test_ravenstack_counts_repeated_usage_once(tmp_path):
    seen = check(project("ravenstack", tmp_path), now=NOW)
    loads = seen.loads.set_index("table")
    # 25,000 uses, 21 of them with an id that stands twice, and 14,107 errors, one of them of such a use
    assert tuple(loads.loc["events", ["rows", "loaded", "quarantined", "ignored"]]) == (39107, 39085, 0, 22)
    assert (loads["rows"] == loads["loaded"] + loads["quarantined"] + loads["ignored"]).all()
    assert loads["rows"].to_dict() == {"events": 39107, "accounts": 500, "subscriptions": 5000, "tickets": 2000}
    assert [finding for finding in seen.findings if "events" not in finding] == []


def test_ravenstack_trains_and_claims_no_skill(tmp_path):
    """Its outcomes are close to noise; whatever is registered is no champion."""
    scorers = tuple(WeightSetEntry(weights=name) for name in ("power_user", "engagement", "activity"))
    done = train(project("ravenstack", tmp_path), ExperimentSpec(scorers=scorers))
    assert done.champion is None
    assert set(done.scorers["verdict"]) <= {"no skill", "cannot tell", "ranks only"}
    assert "ravenstack" in done.version.model


def test_cloud_provider_is_checked_and_scored_but_too_short_to_judge(tmp_path):
    cloud = project("cloud_provider", tmp_path)
    seen = check(cloud, now=NOW)
    loads = seen.loads.set_index("table")
    assert (loads["rows"] == loads[["loaded", "quarantined", "ignored"]].sum(axis=1)).all()
    assert loads["rows"].to_dict() == {"events": 43200, "accounts": 80, "tickets": 1000}
    assert loads.loc["tickets", "quarantined"] == 40
    assert any("No label is mature yet" in finding for finding in seen.findings)


CLOUD = """
project: cloud_provider
entity: account
tables:
  events:
    files: ${POWERML_SHARED}/data/cloud_provider/usage_events.jsonl.gz
    columns: {user_id: resource_id, account_id: org_id, event: service, time: timestamp}
  surveys:
    files: ${POWERML_SHARED}/data/cloud_provider/nps_surveys.csv
    columns: {user_id: org_id, time: survey_date, nps: nps_score}
vocabulary: {}
"""


def test_what_is_no_nps_answer_is_set_aside_and_named(tmp_path):
    seen = check(project("cloud_provider", tmp_path, CLOUD), now=NOW)
    loads = seen.loads.set_index("table")
    assert loads.loc["events", "rows"] == 43200
    assert loads.loc["surveys", "quarantined"] == 85
    assert any("surveys" in finding for finding in seen.findings)
