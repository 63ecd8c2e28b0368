import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli.validate import command
from powerml.config.project import load_project
from powerml.errors import DataError, MissingColumns
from powerml.scoring.learned import Learned
from powerml.sources.tables.scores_and_labels import join
from powerml.tracking import registry
from powerml.tracking.registry import Version
from powerml.workflows.validate import validate
from tests.builders import write_project


@pytest.fixture
def files(tmp_path):
    """600 users at two cutoffs; low scores churn, high ones expand."""
    rng = np.random.default_rng(0)
    score = rng.uniform(0, 100, 600)
    u = rng.random(600)
    label = np.where(u < 0.6 - 0.006 * score, "churn", np.where(u > 1.1 - 0.006 * score, "expand", "stay"))
    frame = pd.DataFrame(
        {
            "as_of": np.repeat(["2026-01-01", "2026-04-01"], 300),
            "user_id": [f"u{i}" for i in range(300)] * 2,
            "score": score,
            "backwards": -score,
        }
    )
    scores, labels = tmp_path / "scores.csv", tmp_path / "labels.parquet"
    frame.to_csv(scores, index=False)
    frame[["as_of", "user_id"]].assign(label=label).to_parquet(labels)
    return scores, labels


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


def test_the_bands_of_a_score(files, tmp_path):
    target = tmp_path / "bands.csv"
    result = run("--scores", files[0], "--labels", files[1], "-o", target)
    assert result.exit_code == 0, result.output
    assert "600 rows with a score and an outcome" in result.stdout
    assert "Bands not contradicted: no reversal is significant (600 rows, 5 of 5" in result.stdout
    assert "Champions" in result.stdout
    written = pd.read_csv(target)
    assert list(written.columns[:4]) == ["band", "from", "n", "share"]
    assert written["n"].sum() == 600


def test_staying_is_worth_the_same_where_nobody_expanded(tmp_path):
    """A score of three outcomes, on labels none of which is `expand`, and on untreated rows none of which is."""
    n = 200
    label = np.where(np.arange(n) % 10 == 0, "churn", "stay").astype(object)
    rows = pd.DataFrame({"as_of": "2026-01-01", "user_id": [f"u{i}" for i in range(n)]})
    said = rows.assign(score=58.0, p_churn=0.1, p_stay=0.8, p_expand=0.1)
    said.to_csv(tmp_path / "s.csv", index=False)
    rows.assign(label=label).to_csv(tmp_path / "l.csv", index=False)
    told = validate(tmp_path / "s.csv", tmp_path / "l.csv").report
    assert told.bands.set_index("band").loc["Stable", "mean_outcome"] == pytest.approx(0.9 * 60)
    assert told.astray == ()
    label[-20:] = "expand"
    said[["as_of", "user_id", "score"]].to_csv(tmp_path / "s.csv", index=False)  # no probabilities to go by
    rows.assign(label=label, treated=label == "expand").to_csv(tmp_path / "l.csv", index=False)
    both = validate(tmp_path / "s.csv", tmp_path / "l.csv")
    assert both.untreated is not None
    assert both.untreated.bands.set_index("band").loc["Stable", "mean_outcome"] == pytest.approx(0.9 * 60)


def test_any_column_is_cut_in_fifths_and_a_violated_order_exits_with_one(files):
    result = run("--scores", files[0], "--labels", files[1], "--column", "backwards", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["verdict"] == "violated"
    assert [band["n"] for band in told["bands"]] == [120] * 5
    assert told["ranking"][0]["auroc"] < 0.5


def test_documents_own_table_stands_beside(files):
    done = validate(*files)
    reference = done.report.detail.set_index("band")["reference_churn"]
    assert reference.to_dict() == {"Champions": 0, "Healthy": 0.03, "Stable": 0.11, "At Risk": 0.38, "High Risk": 0.71}
    assert "reference_churn" not in validate(*files, bands="activity").report.detail


def test_what_is_left_out_is_counted_and_treated_rows_are_told_apart(files, tmp_path):
    scores, labels = pd.read_csv(files[0]), pd.read_parquet(files[1])
    labels.loc[:9, "label"] = "immature"
    labels.loc[10:14, "label"] = "ineligible"
    labels["treated"] = np.arange(600) % 10 == 9
    labels.iloc[:595].to_csv(tmp_path / "l.csv", index=False)
    scores.iloc[5:].to_csv(tmp_path / "s.csv", index=False)
    done = validate(tmp_path / "s.csv", tmp_path / "l.csv")
    counts = {k: n for k, n in done.joined.left_out.items() if n}
    assert counts == {"scores without a label row": 5, "labels without a score row": 5, "ineligible": 5, "immature": 5}
    assert len(done.joined.frame) == 580
    assert done.untreated.table["n"].sum() == 580 - 58
    result = run("--scores", tmp_path / "s.csv", "--labels", tmp_path / "l.csv")
    assert "Without the treated rows: Bands" in result.stdout


def test_account_labels_meet_user_scores(tmp_path):
    users = pd.DataFrame({"user_id": ["a1", "a2", "b1"], "account_id": ["a", "a", "b"], "as_of": "2026-01-01"})
    users.assign(score=[10, 20, 90]).to_csv(tmp_path / "s.csv", index=False)
    accounts = pd.DataFrame({"as_of": "2026-01-01", "account_id": ["a", "b"], "label": ["churn", "stay"]})
    accounts.to_csv(tmp_path / "l.csv", index=False)
    joined = join(tmp_path / "s.csv", tmp_path / "l.csv")
    assert list(joined.frame["label"]) == ["churn", "churn", "stay"]
    assert list(joined.accounts) == ["a", "a", "b"]


def test_bad_files_are_one_clear_message(files, tmp_path):
    scores, labels = files
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(labels.read_bytes()[:-60])
    empty = tmp_path / "empty.csv"
    empty.touch()
    header = tmp_path / "header.csv"
    header.write_text("as_of,user_id,score\n")
    text = tmp_path / "text.csv"
    text.write_text("as_of,user_id,score\n2026-01-01,u0,12\n2026-01-01,u1,high\n")
    date = tmp_path / "date.csv"
    date.write_text("as_of,user_id,score\n2026-13-01,u0,12\n")
    other = tmp_path / "other.csv"
    other.write_text("as_of,account_id,score\n2026-01-01,a,12\n")
    late = tmp_path / "late.csv"
    late.write_text("as_of,user_id,score\n2027-01-01,u0,12\n")
    word = tmp_path / "word.csv"
    word.write_text("as_of,user_id,label\n2026-01-01,u0,left\n")
    twice = tmp_path / "twice.csv"
    twice.write_text("as_of,user_id,label\n2026-01-01,u0,churn\n2026-01-01,u0,stay\n")
    for a, b, words in (
        (scores, cut, r"cut\.parquet: cannot be read .*cut short"),
        (empty, labels, r"empty\.csv: is empty; write it again"),
        (header, labels, r"header\.csv: has no rows"),
        (tmp_path / "none.csv", labels, r"none\.csv: no such file"),
        (tmp_path, labels, "is a folder"),
        (date, labels, r"date\.csv: row 2: column 'as_of': '2026-13-01' is not a date"),
        (other, labels, "shares no id column"),
        (late, labels, "no row has both a score and an outcome"),
        (scores, word, r"row 2: column 'label': 'left' is no label; labels are ineligible"),
        (scores, twice, r"row 3: column 'user_id': 'u0' stands twice"),
    ):
        with pytest.raises(DataError, match=words):
            join(a, b)
    with pytest.raises(DataError, match=r"text\.csv: row 3: column 'score': 'high' is not a number"):
        validate(text, labels)
    with pytest.raises(MissingColumns, match=r"column 'scor'; did you mean 'score'"):
        validate(scores, labels, column="scor")
    with pytest.raises(MissingColumns, match=r"scores\.csv: joining scores and labels needs column 'label'"):
        join(scores, scores)


def test_nothing_is_written_where_the_input_is_bad(files, tmp_path):
    target = tmp_path / "bands.csv"
    result = run("--scores", tmp_path / "none.csv", "--labels", files[1], "-o", target)
    assert isinstance(result.exception, DataError)
    assert not target.exists()


def test_users_without_an_account_are_their_own(files, tmp_path):
    """As a snapshot of users writes it whose events name no account."""
    labels = pd.read_parquet(files[1])
    labels["account_id"] = pd.Series([None] * 599 + ["a1"], dtype=object)
    labels.to_parquet(tmp_path / "labels.parquet")
    done, plain = validate(files[0], tmp_path / "labels.parquet"), validate(*files)
    pd.testing.assert_frame_equal(done.report.table, plain.report.table, rtol=0.05)


def test_churners_stand_beside_the_documents_path(tmp_path):
    """Fifty who fall as the document says, their churn in sight of the last three of six months; fifty who stay."""
    months = pd.date_range("2026-01-01", periods=7, freq="MS")
    rows = [
        (month, f"u{i}", *([score, label] if i < 50 else [60, "stay"]))
        for month, score, label in zip(
            months, [62, 58, 51, 42, 31, 19, 5], ["stay"] * 3 + ["churn"] * 3 + ["ineligible"], strict=True
        )
        for i in range(100)
    ]
    table = pd.DataFrame(rows, columns=["as_of", "user_id", "score", "label"])
    scores, labels = tmp_path / "scores.csv", tmp_path / "labels.csv"
    table.drop(columns="label").to_csv(scores, index=False)
    table.drop(columns="score").to_csv(labels, index=False)
    done = run("--scores", scores, "--labels", labels, "--json")
    path = json.loads(done.stdout)["path_before_churn"]
    assert [row["mean_score"] for row in path] == [row["document"] for row in path] == [62, 58, 51, 42, 31, 19]
    assert [row["n"] for row in path] == [50] * 6


def test_rows_that_the_version_learned_from_are_told(files, tmp_path, monkeypatch):
    """The scores say which version gave them; its tags say what it was fitted on."""
    project = load_project(write_project(tmp_path / "p", "user_id, time, event\nada, 2026-01-05T10:00:00Z, login"))
    scores = pd.read_csv(files[0]).assign(model="p", model_version=3)
    scores.to_csv(files[0], index=False)
    cutoffs = np.sort(pd.to_datetime(scores["as_of"]).unique())
    tags = Learned.of(cutoffs[:1], 20).to_tags()
    version = Version("p", 3, "run", "", tags, (), datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(registry, "registered_versions", lambda _, name: [version] if name == "p" else [])
    (said,) = validate(*files, project=project).cautions
    assert said.startswith(f"p@3 was fitted on snapshots up to {pd.Timestamp(cutoffs[0]).date()}")
    assert "so its figures flatter it; judge it on later ones" in said
    assert validate(*files).cautions == ()
    scores.assign(model_version=2).to_csv(files[0], index=False)
    assert validate(*files, project=project).cautions == ()
