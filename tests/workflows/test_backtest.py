import json
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli.backtest import command
from powerml.config.project import load_project
from powerml.errors import DataError
from powerml.scoring.documented.base import DocumentedScorer
from powerml.workflows import backtest as workflow
from powerml.workflows.backtest import run_backtest

GOLDEN = Path(__file__).parents[1] / "golden" / "raw"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The golden project by user, in a folder of its own (its store must not lie among the golden files)."""
    folder = tmp_path_factory.mktemp("raw") / "raw"
    shutil.copytree(GOLDEN, folder)
    return folder / "powerml.yaml"


@pytest.fixture(scope="module")
def lists(project):
    """The lists of an early and of a late day."""
    spec = load_project(project)
    return [run_backtest(spec, day, weights="engagement", top=5) for day in (date(2025, 5, 1), date(2025, 10, 1))]


def test_the_list_of_a_day(lists):
    done = lists[1]
    rows = done.result.rows
    assert done.scorer == "engagement"
    assert rows["rank"].is_monotonic_increasing
    assert (rows["result"] != "missed").sum() == done.result.listed == 5
    assert (rows.loc[rows["result"] == "missed", "rank"] > 5).all()
    assert rows["reasons"].map(json.loads).map(len).min() >= 1
    assert f"Of 5 listed {done.result.hits} churned" in done.sentences[1]


def test_only_what_was_known_then_is_learnt(lists):
    """Rows to learn from are those whose windows, 90 + 30 days, had ended on the day of the list."""
    early, late = lists
    assert early.trained_on == 0
    assert late.trained_on > 0
    assert "no outcome was known yet on that day" in early.sentences[0]
    assert early.expected is None
    assert "p_churn" not in early.result.rows


def test_what_cannot_be_told(project):
    with pytest.raises(DataError, match=r"no outcome of 2026-02-01 is known yet.*the last date that has is 2025-"):
        run_backtest(load_project(project), date(2026, 2, 1), weights="engagement")


def test_the_command(project, tmp_path):
    target = tmp_path / "list.csv"
    result = CliRunner().invoke(
        command, ["-c", str(project), "--as-of", "2025-10-01", "--weights", "activity", "--json", "-o", str(target)]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["listed"] == min(20, len(pd.read_csv(target)[lambda f: f["result"] != "missed"]))
    assert told["hits"] == sum(row["result"] == "hit" for row in told["rows"])


def test_why_is_what_sets_a_row_apart_in_the_direction_of_the_list(project):
    spec = load_project(project)
    day = date(2025, 10, 1)
    for team, sign in (("cs", "(-"), ("sales", "(+")):
        rows = run_backtest(spec, day, weights="engagement", team=team, top=5).result.rows
        listed = rows[rows["result"] != "missed"]
        assert listed["why"].str.count(r"\(").between(1, 3).all()
        assert all(part.split()[-1].startswith(sign) for text in listed["why"] for part in text.split("; "))


def test_hits_false_alarms_and_missed_churners_are_told_apart_with_their_reasons(project):
    result = CliRunner().invoke(
        command, ["-c", str(project), "--as-of", "2025-09-01", "--weights", "engagement", "--top", "5"]
    )
    assert result.exit_code == 0, result.output
    for words in ("Hits: listed, and churned", "False alarms: listed, and did not churn", "Missed churners (1 of 1"):
        assert words in result.stdout
    assert "why: points against the mean of that day" in result.stdout


def test_the_months_before_that_days_churners_left():
    """ada and bob churn within the window of 1 June, leo is somebody else; scores of six months, then both are gone."""
    months = pd.date_range("2026-01-01", periods=8, freq="MS")
    labels = ["stay"] * 3 + ["churn"] * 3 + ["ineligible"] * 2
    parts = [
        pd.DataFrame({"as_of": months, "user_id": who, "label": mine, "level": level, "enough_history": True})
        for who, mine, level in (
            ("ada", labels, [60, 50, 40, 30, 20, 10, 0, 0]),
            ("bob", labels, [64, 54, 44, 34, 24, 14, 0, 0]),
            ("leo", ["stay"] * 8, [99] * 8),
        )
    ]
    whole = pd.concat(parts, ignore_index=True)
    made = SimpleNamespace(
        scorer=SimpleNamespace(document=None, predict_score=lambda rows: rows["level"].to_numpy(dtype=float))
    )
    data = SimpleNamespace(whole=whole, labelled=SimpleNamespace(horizon_days=90))
    day = whole[whole["as_of"] == months[5]]
    path = workflow._path(made, data, day, "user_id", note=lambda text: None)
    assert path["mean_score"].tolist() == [62, 52, 42, 32, 22, 12]
    assert path["n"].tolist() == [2] * 6
    nobody = workflow._path(made, data, day[day["user_id"] == "leo"], "user_id", note=lambda text: None)
    assert nobody is None


def test_a_scorer_that_learned_from_that_day_says_so(project, lists, monkeypatch):
    assert not any("was fitted on" in sentence for sentence in lists[1].sentences)
    monkeypatch.setattr(DocumentedScorer, "learned_until", property(lambda _: "2025-11-01"))
    done = run_backtest(load_project(project), date(2025, 10, 1), weights="engagement", top=5)
    assert "engagement was fitted on snapshots up to 2025-11-01 and is judged on some of them" in done.sentences[0]
