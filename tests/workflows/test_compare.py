import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli.compare import command
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.training.rows import Rows
from powerml.training.snapshot_rows import snapshot_rows
from powerml.workflows import compare as workflow
from powerml.workflows.compare import compare_on_project

METRICS = Path(__file__).parents[1] / "golden" / "metrics.csv"


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Golden metric rows as five quarters of 400 users; who scores low on engagement churns."""
    (tmp_path / "events.csv").write_text("user_id,event,time\nada,x,2026-01-01\n")
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: events.csv}}\nvocabulary: {}\n")
    rows = pd.read_csv(METRICS)
    rng = np.random.default_rng(0)
    metrics = [c for c in rows if c in catalogue()]
    level = -rows["days_since_last_active"].rank(pct=True).fillna(0.5) + rows["active_days_30d"].rank(pct=True).fillna(
        0.5
    )
    parts = []
    for as_of in pd.date_range("2025-01-01", periods=5, freq="QS"):
        u = rng.random(len(rows))
        label = np.select([u < 0.5 - 0.4 * level, u > 0.95], ["churn", "expand"], "stay")
        parts.append(rows.assign(as_of=as_of, label=label, enough_history=True, active=True, treated=False))
    frame = pd.concat(parts, ignore_index=True).sort_values(["as_of", "user_id"], ignore_index=True)
    spec = load_project(tmp_path / "powerml.yaml")
    coverage = pd.DataFrame({"metric": metrics, "available": True, "reason": ""})
    counts = {"features": 20, "advanced": 5, "core": 3}
    last = frame[frame["as_of"] == frame["as_of"].max()].reset_index(drop=True)
    data = snapshot_rows(spec, catalogue(), Rows(frame, "user_id", 90), frame, last, counts, coverage)
    monkeypatch.setattr(workflow, "gather", lambda *a, **k: data)
    return spec


def test_an_edit_is_seen_before_any_run():
    result = run("engagement", "--set", "unresolved_tickets.per_unit=-10", "--metrics", METRICS, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["scorers"] == ["engagement", "engagement with unresolved_tickets.per_unit=-10"]
    assert told["pairs"] is None
    (pair,) = told["agreements"]
    assert pair["n"] == 400
    assert pair["changed_band"] > 0
    assert {row["change"] for row in pair["top"]} == {"enters", "leaves"}


def test_several_sets_take_the_settings_that_they_have():
    result = run("power_user", "activity", "--metrics", METRICS, "--set", "max_features=20", "--set", "max_advanced=5",
                 "--set", "full_scale=50")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "power_user against activity: Of 400 entities" in result.stdout


def test_on_held_out_rows(project):
    done = compare_on_project(project, ["engagement", "activity"], seed=1)
    assert done.names == ("engagement", "activity")
    measures = done.comparison.measures
    # three test quarters of 400 users
    assert (measures["n"] == 1200).all()
    assert set(measures["measure"]) == {"log_loss", "brier", "auroc_churn", "auroc_expand"}
    assert measures[measures["measure"] == "auroc_churn"]["value"].min() > 0.5
    assert done.agreements["engagement", "activity"].n == 400
    assert "On 1,200 held-out rows of 400 accounts" in done.sentences[0]


def test_the_second_worse_exits_with_one(project, tmp_path):
    worse = run("-c", tmp_path / "powerml.yaml", "engagement", "--set", "recency.steps.0.points=40")
    better = compare_on_project(project, ["engagement"], settings={"recency.steps.0.points": 40.0})
    assert worse.exit_code == (1 if better.second_worse else 0)
    answers = {
        p["second"]: p["answer"] for p in better.comparison.pairs.to_dict("records") if p["measure"] == "log_loss"
    }
    assert better.second_worse == (list(answers.values()) == ["worse"])


def test_what_cannot_be_compared(project):
    for asked, settings, words in (
        (["engagement"], {}, "name two weight sets or runs"),
        (["engagement", "engagement"], {}, "'engagement' stands twice"),
        (
            ["engagement"],
            {"recensy.missing": 1.0},
            r"--set recensy\.missing: no such number in engagement; did you mean",
        ),
        (
            ["engagement", "engagment"],
            {},
            r"'engagment' is no run \(.*\) and no weight set; did you mean 'eng",
        ),
    ):
        with pytest.raises(UsageError, match=words):
            compare_on_project(project, asked, settings=settings)
