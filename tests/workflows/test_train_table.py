import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.errors import PowermlError
from powerml.tables import NamedColumns
from powerml.tracking.store import Store, connected
from powerml.workflows.train_table import table_data


def customers(n=400, rate=0.3, seed=7):
    """Customers of a telephone company: short tenure and monthly contracts churn; `total` has a blank cell."""
    rng = np.random.default_rng(seed)
    tenure, contract = rng.integers(0, 70, n), rng.choice(["monthly", "yearly"], n)
    logit = np.log(rate / (1 - rate)) - 0.08 * (tenure - 35) + np.where(contract == "monthly", 1.0, -1.0)
    churned = rng.random(n) < 1 / (1 + np.exp(-logit))
    frame = pd.DataFrame({"customerID": [f"C-{i:04d}" for i in range(n)], "tenure": tenure, "contract": contract})
    frame["total"] = [" ", *map(str, (20 * tenure[1:]).tolist())]
    return frame.assign(churned=np.where(churned, "Yes", "No"))


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder without a project file, trained in."""
    folder = tmp_path_factory.mktemp("telephone")
    customers().to_csv(folder / "customers.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = run("train", "--table", "customers.csv", "--target", "churned", "--capacity", "15", "--json")
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


def test_the_session_is_the_usual_one_with_what_a_table_needs_told(trained):
    _, said = trained
    assert said["verdict"] == "skill"
    assert said["champion"] is True
    assert said["model"] == "customers"
    told = "\n".join(said["sentences"])
    assert "Verdict on logistic: skill" in told
    assert "the best single metric" in told
    assert "Taken by itself: customerID as --id." in told
    assert "Blank cells count as unknown: total (1)." in told
    assert "Take no part, for want of metrics: engagement (active_days_per_week_28d," in told
    assert "intervals are widened for folds that train on each other" in told
    assert "Calling 15 accounts" in told
    assert "document: churn" not in said["bands"][0]


def test_a_table_of_another_folder_is_scored_there(tmp_path):
    path = tmp_path / "my tables" / "customers.csv"
    path.parent.mkdir()
    customers(300).to_csv(path, index=False)
    data, _ = table_data(path, NamedColumns("churned"))
    assert data.provenance.scored_by == f"--metrics '{path}' "


def test_a_success_is_scored_upwards(tmp_path, monkeypatch):
    """The same customers, told of who stayed: scores, words and lists rise with it."""
    monkeypatch.chdir(tmp_path)
    table = customers(300)
    table = table.assign(renewed=np.where(table["churned"] == "Yes", 0, 1)).drop(columns="churned")
    table.to_csv("customers.csv", index=False)
    (tmp_path / "one.yaml").write_text("scorers: [{fit: logistic}]\n")
    done = run("train", "--table", "customers.csv", "--target", "renewed", "--good", "one.yaml", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    told = "\n".join(said["sentences"])
    assert "Renewed: skill: log loss" in told
    assert "Outcome renewed: column 'renewed' says yes. Fitted scores are 100 P(renewed)" in told
    assert "churn" not in told
    done = run("score", "--metrics", "customers.csv", "--model", f"{said['model']}@champion", "-o", "scores.csv")
    assert done.exit_code == 0, done.output
    scores = pd.read_csv("scores.csv")
    assert np.allclose(scores["score"], 100 * scores["p_renewed"])
    means = scores["score"].groupby(table["renewed"]).mean()
    assert means[1] > means[0]


def test_a_cross_fitted_run_says_how_it_was_split(trained):
    folder, said = trained
    with connected(Store(folder / ".powerml")) as client:
        parent = client.get_run(said["run"]).data
    assert parent.tags["powerml.split"] == "5 folds by customerID"
    assert parent.tags["powerml.outcome"] == "table"
    assert parent.params["cutoffs"] == "0"


def test_no_id_and_nothing_outside_the_store_is_written(trained):
    folder, _ = trained
    assert {path.name for path in folder.iterdir() if path.suffix != ".csv"} == {".powerml"}
    for path in (folder / ".powerml").rglob("*"):
        if path.is_file() and "code" not in path.parts:
            assert b"C-0001" not in path.read_bytes(), path


def test_the_model_scores_such_a_table_with_its_categories(trained, monkeypatch):
    folder, said = trained
    monkeypatch.chdir(folder)
    done = run("score", "--metrics", "customers.csv", "--model", f"{said['model']}@champion", "-o", "scores.csv")
    assert done.exit_code == 0, done.output
    scores = pd.read_csv(folder / "scores.csv")
    table = customers()
    assert list(scores.columns[:3]) == ["customerID", "status", "score"]
    assert scores["customerID"].tolist() == table["customerID"].tolist()
    assert scores["status"].eq("scored").all()
    assert np.allclose(scores["p_churn"] + scores["p_stay"], 1)
    assert np.allclose(scores["score"], 100 * scores["p_stay"])
    by_contract = scores["p_churn"].groupby(table["contract"]).mean()
    assert by_contract["monthly"] > by_contract["yearly"]
    first = json.loads(scores["reasons"].iloc[0])
    assert {type(reason["value"]) for reason in first} <= {float, str, type(None)}
    assert any(reason["metric"] == "contract" and isinstance(reason["value"], str) for reason in first)


def test_without_a_project_the_only_model_is_the_one_that_is_meant(trained, monkeypatch):
    folder, _ = trained
    monkeypatch.chdir(folder)
    done = run("score", "--metrics", "customers.csv", "-o", "again.csv")
    assert done.exit_code == 0, done.output
    (folder / "again.csv").unlink()


def test_a_table_without_a_column_that_the_model_reads_names_it(trained, monkeypatch):
    folder, _ = trained
    monkeypatch.chdir(folder)
    customers().drop(columns="contract").to_csv("less.csv", index=False)
    done = run("score", "--metrics", "less.csv", "-o", "no.csv")
    assert isinstance(done.exception, PowermlError)
    assert "less.csv: customers@1 needs column 'contract'" in str(done.exception)
    assert not (folder / "no.csv").exists()


def test_too_few_events_without_the_documented_metrics_give_the_base_rate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    customers(120, rate=0.05).to_csv("few.csv", index=False)
    done = run("train", "--table", "few.csv", "--target", "churned", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["verdict"], said["champion"], said["challenger"]) == ("cannot tell", False, "logistic")
    told = "\n".join(said["sentences"])
    assert "Too few events to fit: the table holds" in told
    assert "'engagement' cannot stand in, for the table lacks its metrics (active_days_per_week_28d," in told
    assert "gives everybody the base rate" in told
    scored = run("score", "--metrics", "few.csv", "--model", "few@challenger", "-o", "s.csv")
    assert scored.exit_code == 0, scored.output
    assert pd.read_csv("s.csv")["p_churn"].nunique() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--table", "t.csv"), "--table needs --target: a feature table and the column that holds its outcome"),
        (("--target", "churned"), "--target needs --table"),
        (("--group", "company"), "--group names a column of a feature table; give it with --table"),
        (("--table", "t.csv", "--target", "churn"), "t.csv: --target needs column 'churn'; did you mean 'churned'?"),
        (("--table", "no.csv", "--target", "churned"), "no.csv: no such file; check the path"),
        (("--table", "t.csv", "--target", "churned", "-c", "p.yaml"), "p.yaml: no such file"),
        (
            ("--table", "t.csv", "--target", "churned", "weights.yaml"),
            "none of the scorers can be made (engagement lacks",
        ),
        (
            ("--table", "t.csv", "--target", "churned", "forced.yaml"),
            "t.csv: has no feature 'age', which the screen names",
        ),
    ],
)
def test_a_wrong_call_is_one_message_and_leaves_nothing(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    customers(60).to_csv("t.csv", index=False)
    (tmp_path / "weights.yaml").write_text("scorers: [{weights: engagement}]\n")
    (tmp_path / "forced.yaml").write_text("screen: {force_keep: [age]}\n")
    done = run("train", *arguments)
    assert isinstance(done.exception, PowermlError)
    assert message in str(done.exception)
    assert not (tmp_path / ".powerml").exists()


def test_a_table_s_dates_are_scored_as_they_were_learnt(tmp_path, monkeypatch):
    """The same signup in days before each row's date; a column that tells of what came later is named and left out."""
    monkeypatch.chdir(tmp_path)
    months = pd.date_range("2025-01-01", periods=10, freq="MS")
    parts = [
        customers(60, seed=k).assign(month=day, customerID=lambda t, k=k: t["customerID"] + f"-{k}")
        for k, day in enumerate(months)
    ]
    table = pd.concat(parts, ignore_index=True)
    signup = table["month"] - pd.to_timedelta(30 * table["tenure"] + 1, unit="D")
    ended = (table["month"] + pd.Timedelta(days=40)).where(table["churned"] == "Yes")
    table = table.drop(columns=["tenure", "total"]).assign(signup=signup, ended=ended)
    table.to_csv("customers.csv", index=False)
    (tmp_path / "one.yaml").write_text("scorers: [{fit: logistic}]\n")
    done = run("train", "--table", "customers.csv", "--target", "churned", "--time", "month", "one.yaml", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["sentences"]
    assert "Read as days before the row's date (signup, ended)" in "\n".join(told)
    assert "ended" in next(sentence for sentence in told if "holds instants after its row's date" in sentence)
    score = ("score", "--metrics", "new.csv", "--model", "customers@challenger", "-o", "scores.csv")
    new = table.drop(columns=["churned", "ended"]).head(60)
    shown = []
    for written in (new, new.assign(signup=new["signup"].astype("int64") // 10**6)):  # the same as an epoch
        written.to_csv("new.csv", index=False)
        done = run(*score)
        assert done.exit_code == 0, done.output
        shown.append(pd.read_csv("scores.csv")["score"])
    assert np.allclose(shown[0], shown[1])
    assert np.corrcoef(shown[0], (new["month"] - new["signup"]).dt.days)[0, 1] > 0.5
    new.drop(columns="month").to_csv("new.csv", index=False)
    done = run(*score)
    assert isinstance(done.exception, PowermlError)  # exit 2, see the command line
    assert "column 'signup' holds instants, which count as days before the row's date" in str(done.exception)
    assert "add a column 'month' with the date of each row" in str(done.exception)


@pytest.mark.slow
def test_a_run_of_a_table_is_repeated_where_its_table_lies_now(trained, monkeypatch):
    folder, said = trained
    monkeypatch.chdir(folder)
    moved = (folder / "customers.csv").rename(folder / "moved.csv")
    try:
        lost = run("train", "--from-run", said["run"])
        assert "customers.csv: no such file; say with --table where the table of run" in str(lost.exception)
        done = run("train", "--from-run", said["run"], "--table", moved, "--json")
    finally:
        moved.rename(folder / "customers.csv")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["differs"] == []
    assert told["figures"].startswith("All ")
