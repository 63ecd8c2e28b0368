import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from click import BadParameter
from click.testing import CliRunner

from powerml.cli.screen import Threshold, command
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.screening.auto import THRESHOLDS
from powerml.screening.correlation import CorrelationScreen
from powerml.screening.report import REPORT_COLUMNS
from powerml.simulation import write_product
from powerml.training.folds import held_out
from powerml.training.rows import Rows
from powerml.training.screening import LeakProbe
from powerml.training.snapshot_rows import snapshot_rows
from powerml.validation.early_warning import EARLY_DAYS, rows_earlier
from powerml.workflows.project import gather
from powerml.workflows.screen import screen, screen_on

pytestmark = pytest.mark.slow

AT_DOCUMENTS = "|r| >= 0.45, balanced"
N, MONTHS = 300, 8
NAMES = ["days_since_last_active", "tickets_unresolved", "active_days_30d", "errors_per_session_30d", "events_30d"]


@pytest.fixture
def data(tmp_path):
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
    return snapshot_rows(spec, catalogue(), Rows(frame, "user_id", 30), frame, last, counts, coverage)


def test_the_leak_is_named_first_and_the_strong_honest_metric_kept(data):
    found = screen_on(data, CorrelationScreen(), repeats=50)
    assert found.suspects == ("tickets_unresolved",)
    assert found.sentences[0].startswith(
        "Suspected leak: tickets_unresolved (churn): AUROC 1.00 at the cutoff but 0.57"
    )
    assert found.report["metric"].iloc[0] == "tickets_unresolved"
    assert "days_since_last_active" in found.kept
    assert "tickets_unresolved" not in found.kept
    assert list(found.report.columns) == list(REPORT_COLUMNS)
    assert found.audit.metrics == 4  # the leak is in neither model
    assert "The document's |r| >= 0.45 is reached by" in found.sentences[-1]


def test_kept_by_force(data):
    found = screen_on(data, CorrelationScreen(force_keep=("tickets_unresolved",)), repeats=20)
    assert found.suspects == ()
    assert "tickets_unresolved" in found.kept
    with pytest.raises(UsageError, match=r"no metric 'tickets_unresolve' is available here; did you mean 'tickets_unr"):
        screen_on(data, CorrelationScreen(force_drop=("tickets_unresolve",)))


def test_quarterly_cutoffs_have_snapshots_a_month_earlier_too(data):
    """Without them nothing could be said of the leak."""
    months = pd.DatetimeIndex(data.whole["as_of"].unique())
    quarterly, before = months[[1, 4, 7]], months[[0, 3, 6]]
    whole = data.whole[data.whole["as_of"].isin(quarterly)].reset_index(drop=True)
    taken = data.whole[data.whole["as_of"].isin(before)].reset_index(drop=True)
    rows = Rows(whole, "user_id", 30)
    alone = screen_on(replace(data, whole=whole, labelled=rows), CorrelationScreen(), repeats=20)
    assert alone.suspects == ()
    helped = screen_on(replace(data, whole=whole, labelled=rows, before=taken), CorrelationScreen(), repeats=20)
    assert helped.suspects == ("tickets_unresolved",)


def test_a_project_in_quarters_gets_the_earlier_snapshots_of_probe_and_early_warning(product):
    data = gather(load_project(product), None, earlier=True)
    cutoffs = pd.DatetimeIndex(sorted(data.whole["as_of"].unique()))
    assert (cutoffs[1:] - cutoffs[:-1]).min() >= pd.Timedelta(days=89)
    assert LeakProbe.of(data).has_earlier
    test = held_out(data, data.split(seed=0)).rows
    for days in EARLY_DAYS:
        places = rows_earlier(data.history, test.frame, id_column=test.id_column, days=days)
        assert (places >= 0).mean() > 0.4, days  # the others came later than that


def test_the_command_writes_the_report(product, tmp_path):
    target = tmp_path / "screen.csv"
    result = CliRunner().invoke(command, ["-c", str(product), "-o", str(target), "--drop", "events_30d", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert not set(told["suspects"]) & set(told["kept"])
    written = pd.read_csv(target).set_index(["metric", "outcome"])
    assert len(told["report"]) == len(written)
    assert written.loc[("events_30d", "churn"), "reason"] == "forced out"
    assert "events_30d" not in told["kept"]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A small simulated product in quarters."""
    folder = tmp_path_factory.mktemp("quarters") / "product"
    write_product(folder, preset="validation", users=250, months=14, seed=7)
    path = folder / "powerml.yaml"
    path.write_text(path.read_text().replace("every: month", "every: quarter"))
    return path


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
    found = screen(history, threshold=0.45, repeats=20)
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
    assert f"of {found.audit.metrics} metrics; a logistic head behind it makes " in said


def test_every_threshold_stands_beside_what_auto_takes(data):
    found = screen_on(data, CorrelationScreen(None, min_keep=1), repeats=50)
    table = found.screens.set_index("screen")
    assert list(table.index) == ["off", *(f"|r| >= {t:g}, balanced" for t in THRESHOLDS), "auto"]
    assert table.loc["off", ["points", "low", "high"]].tolist() == [0, 0, 0]
    assert (table["kept_fewest"] <= table["kept_most"]).all()
    assert (table["kept_most"] <= found.audit.metrics).all()
    assert table.loc["off", "kept_most"] == found.audit.metrics
    assert (table["skill"] < 100).all()
    cost = found.audit.table.set_index("against")["points"]
    assert table.loc[AT_DOCUMENTS, "points"] == pytest.approx(cost["none"])
    assert found.threshold is None
    assert "noise rule" in " ".join(found.sentences)


def test_the_threshold_of_the_command():
    assert Threshold().convert("auto", None, None) is None
    assert Threshold().convert("0.45", None, None) == 0.45
    with pytest.raises(BadParameter, match="not in the range"):
        Threshold().convert("1.5", None, None)
