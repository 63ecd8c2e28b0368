"""Labels and scores on plain frames, as a notebook has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

import powerml
from powerml.errors import MissingColumns, UsageError

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    for file in (GOLDEN / "raw").iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return powerml.Project(folder / "powerml.yaml")


def test_labels_stand_beside_the_rows_of_the_snapshot(project):
    days = [date(2025, 9, 1), date(2025, 10, 1)]
    found = powerml.labels(project, days)
    assert found.columns.tolist() == ["as_of", "user_id", "account_id", "label", "treated"]
    frame = powerml.snapshot(project, days).frame
    pd.testing.assert_frame_equal(found[["as_of", "user_id"]], frame[["as_of", "user_id"]])
    assert set(found["label"]) <= {"ineligible", "immature", "churn", "stay", "expand"}


def test_scores_of_a_frame_are_those_of_the_weight_set(project):
    frame = powerml.snapshot(project, [date(2025, 10, 1)]).frame
    found = powerml.score(frame, "engagement", now=NOW)
    scored = found["status"] == "scored"
    assert scored.any()
    expected = powerml.load_weights("engagement").fit(frame).predict_score(frame[scored])
    assert found.loc[scored, "score"].tolist() == pytest.approx(list(expected))
    assert found.loc[~scored, "score"].isna().all()
    bare = powerml.score(frame.drop(columns="enough_history"), "engagement", reasons=0, now=NOW)
    assert (bare["status"] == "scored").all()
    assert "reasons" not in bare


def test_what_is_missing_is_named(project):
    frame = powerml.snapshot(project, [date(2025, 10, 1)]).frame
    with pytest.raises(MissingColumns, match=r"score: engagement@1 needs column 'errors_per_session_30d'"):
        powerml.score(frame.drop(columns="errors_per_session_30d"), "engagement", now=NOW)
    with pytest.raises(UsageError, match="neither a weight set nor a project is given; name one of them"):
        powerml.score(frame)
