import json

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli.screen import command
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.screening.report import REPORT_COLUMNS
from powerml.simulation import write_product
from powerml.training.rows import Rows
from powerml.training.snapshot_rows import snapshot_rows
from powerml.workflows import screen as workflow
from powerml.workflows.screen import screen

N, MONTHS = 300, 8
NAMES = ["days_since_last_active", "tickets_unresolved", "active_days_30d", "errors_per_session_30d", "events_30d"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Monthly snapshots: recency is an honest early sign of churn, open tickets appear only when it is decided."""
    (tmp_path / "events.csv").write_text("user_id,event,time\nada,x,2026-01-01\n")
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: events.csv}}\nvocabulary: {}\n")
    rng = np.random.default_rng(0)
    level = rng.normal(size=N)
    parts = []
    for as_of in pd.date_range("2025-01-01", periods=MONTHS, freq="MS"):
        churn = rng.random(N) < 1 / (1 + np.exp(2.3 - 1.1 * level))
        x = pd.DataFrame(rng.normal(size=(N, 5)), columns=NAMES)
        x["days_since_last_active"] = 10 + 5 * level + rng.normal(size=N)
        x["tickets_unresolved"] += 4 * churn
        label = np.where(churn, "churn", np.where(rng.random(N) < 0.1, "expand", "stay"))
        keys = {"as_of": as_of, "user_id": [f"u{i:03d}" for i in range(N)], "label": label}
        parts.append(x.assign(**keys, enough_history=True, active=True, treated=False))
    frame = pd.concat(parts, ignore_index=True)
    for name in catalogue():
        if name not in frame:
            frame[name] = np.nan
    coverage = pd.DataFrame({"metric": list(catalogue()), "available": [m in NAMES for m in catalogue()], "reason": ""})
    last = frame[frame["as_of"] == frame["as_of"].max()].reset_index(drop=True)
    spec = load_project(tmp_path / "powerml.yaml")
    counts = {"features": 20, "advanced": 5, "core": 3}
    data = snapshot_rows(spec, catalogue(), Rows(frame, "user_id", 30), frame, last, counts, coverage)
    monkeypatch.setattr(workflow, "gather", lambda *a, **k: data)
    return spec


def test_the_leak_is_named_first_and_the_strong_honest_metric_kept(project):
    found = screen(project, repeats=50)
    assert found.suspects == ("tickets_unresolved",)
    assert found.sentences[0].startswith(
        "Suspected leak: tickets_unresolved (churn): AUROC 1.00 at the cutoff but 0.57"
    )
    assert found.report["metric"].iloc[0] == "tickets_unresolved"
    assert "days_since_last_active" in found.kept
    assert "tickets_unresolved" not in found.kept
    assert list(found.report.columns) == list(REPORT_COLUMNS)
    assert found.audit.metrics == 4  # the leak is in neither model
    assert "The 0.45 rule keeps" in found.sentences[-1]


def test_kept_by_force(project):
    found = screen(project, force_keep=("tickets_unresolved",), repeats=20)
    assert found.suspects == ()
    assert "tickets_unresolved" in found.kept
    with pytest.raises(UsageError, match=r"no metric 'tickets_unresolve' is available here; did you mean 'tickets_unr"):
        screen(project, force_drop=("tickets_unresolve",))


def test_the_command_writes_the_report(project, tmp_path):
    target = tmp_path / "screen.csv"
    result = CliRunner().invoke(
        command, ["-c", str(tmp_path / "powerml.yaml"), "-o", str(target), "--drop", "events_30d", "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["suspects"] == ["tickets_unresolved"]
    assert len(told["report"]) == 2 * len(NAMES)
    written = pd.read_csv(target).set_index(["metric", "outcome"])
    assert written.loc[("events_30d", "churn"), "reason"] == "forced out"


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Document D's year: 3,000 users of whom 3.7 % churn in 90 days, in five quarters."""
    folder = tmp_path_factory.mktemp("history") / "product"
    write_product(folder, preset="history", users=3000, months=18, seed=7)
    path = folder / "powerml.yaml"
    told = yaml.safe_load(path.read_text())
    told["snapshots"] = {"every": "quarter", "from": "2024-04-01", "to": "2025-04-01"}
    path.write_text(yaml.safe_dump(told))
    return load_project(path)


def test_at_few_percent_churn_a_plain_r_is_out_of_reach(history):
    """The rule by plain r would leave next to nothing; by balanced r it keeps some, and says what it throws away."""
    found = screen(history, repeats=20)
    churn = found.report[found.report["outcome"] == "churn"].dropna(subset=["r_bal"])
    rate = churn["events"].max() / churn["n"].max()
    assert 0.02 < rate < 0.06
    assert (churn["r_natural"].abs() <= churn["r_natural_max"] + 1e-9).all()
    assert (churn["r_bal"].abs() >= churn["r_natural"].abs() - 1e-9).mean() > 0.8
    recency = churn.set_index("metric").loc["active_days_30d"]
    assert abs(recency["r_bal"]) >= 0.45 > recency["r_natural_max"]
    said = " ".join(found.sentences)
    assert "a plain r of 0.45 is out of reach for" in said
    assert "with both groups weighing the same." in said
    assert "The 0.45 rule throws away " in said
    assert f"of {found.audit.metrics} metrics. churn: " in said
