"""A newcomer's way to the first score: init, check, train, score on data that nobody here wrote, with no edit made.

Where POWERML_SHARED names the folder that holds it. Edits made by hand: crm6, cloud_provider and ravenstack none;
golden/raw four lines of roles, see tests/workflows/test_init.py, and here its whole vocabulary. The handmade export
needs none either, see there.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from powerml.config.project import load_project
from powerml.workflows.check import check
from powerml.workflows.init import init, no_longer_fits
from powerml.workflows.score import score_snapshot
from powerml.workflows.train import train

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec
    from powerml.workflows.init import Begun

pytestmark = [
    pytest.mark.skipif("POWERML_SHARED" not in os.environ, reason="POWERML_SHARED names no shared folder"),
    pytest.mark.slow,  # a stage of its own in .ci/run
]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def shared(*parts: str) -> Path:
    """A folder of the shared data."""
    return Path(os.environ["POWERML_SHARED"], *parts)


def begun(folder: Path, *data: str) -> tuple[Begun, ProjectSpec]:
    """What `init` made of some data, in a folder of its own, and the project as it is read back."""
    found = init([shared(*data)], folder / "powerml.yaml", now=NOW)
    return found, load_project(folder / "powerml.yaml")


def test_crm6_from_its_files_to_scores_without_an_edit(tmp_path):
    found, project = begun(tmp_path, "data", "crm6")
    assert any("names stand in event_type.event_type_name, joined by event_type_id" in said for said in found.sure)
    assert len(found.names) == 25
    assert project.entity == "account"  # its users are drawn anew each day
    assert project.plans == ("starter", "basic", "standard", "advanced", "premier")
    seen = check(project, now=NOW)
    assert seen.findings == ()
    assert seen.labels[["churn", "expand"]].sum().min() > 20
    done = train(project)
    assert any("Too few events to fit" in sentence for sentence in done.sentences)
    scores = score_snapshot(project, date(2026, 5, 1), weights="power_user", now=NOW)
    assert scores.status["scored"] > 20
    assert no_longer_fits(project, now=NOW) == ()


def test_cloud_provider_is_checked_and_scored_with_documented_weights_without_an_edit(tmp_path):
    _, project = begun(tmp_path, "data", "cloud_provider")
    seen = check(project, now=NOW)
    (finding,) = seen.findings
    assert "No label is mature yet" in finding
    assert "powerml score --weights power_user" in finding
    scores = score_snapshot(project, None, weights="power_user", now=NOW)
    assert scores.status == {"scored": 80}


def test_ravenstack_comes_to_ripe_labels_without_an_edit(tmp_path):
    found, project = begun(tmp_path, "data", "ravenstack")
    assert any("the account stands in ravenstack_subscriptions.account_id" in said for said in found.sure)
    seen = check(project, now=NOW)
    assert seen.findings == ("events: 21 exact repeats of an event_id, counted once",)
    assert seen.labels[["stay", "expand"]].sum().min() > 100
    assert score_snapshot(project, None, weights="engagement", now=NOW).status["scored"] > 100


def test_golden_raw_comes_to_scores_after_edits_of_roles_only(tmp_path):
    """That its metrics are exact then is tested in tests/workflows/test_init.py."""
    _, project = begun(tmp_path, "golden", "raw")
    words = json.loads(shared("golden", "raw", "vocabulary.json").read_text())
    (tmp_path / "vocabulary.yaml").write_text(json.dumps(words))
    project = load_project(tmp_path / "powerml.yaml")
    seen = check(project, now=NOW)
    assert seen.coverage["available"].all()
    assert seen.findings[0] == "events: 201 exact repeats of an event_id, counted once"
    assert seen.findings[1:] == ("1 event name that the vocabulary does not name, counted as activity: unlisted_click",)
    assert train(project).sentences
    assert score_snapshot(project, None, weights="power_user", now=NOW).status["scored"] > 10
