import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.metrics import _read_once
from powerml.config.project import load_project
from powerml.config.shipped import configs
from powerml.errors import PowermlError
from powerml.scoring.explain.text import reasons_json
from powerml.scoring.load import load_weights
from powerml.scoring.model import ScoringModel
from powerml.scoring.named import NamedScorer, from_weights
from powerml.scoring.scores_table import score_rows
from powerml.workflows.score import score_metrics, score_snapshot
from tests.builders import write_project
from tests.tracking.small_session import ROWS, model

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments])


def refused(*arguments):
    """The one message with which a command refuses, exit status 2."""
    result = run(*arguments)
    assert isinstance(result.exception, PowermlError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("weights", "settings", "expected"),
    [
        ("engagement", (), "engagement.csv"),
        ("power_user", ("max_features=20", "max_advanced=5"), "power_user.csv"),
        ("activity", ("full_scale=50",), "activity.csv"),
        ("power_user_rule", (), "definition.csv"),
        ("power_user_signals", (), "signals.csv"),
    ],
)
def test_documented_scores_agree_with_the_golden_vectors(tmp_path, weights, settings, expected):
    output = tmp_path / "scores.csv"
    done = run(
        *("score", "--metrics", GOLDEN / "metrics.csv", "--weights", weights, "-o", output),
        *(word for setting in settings for word in ("--set", setting)),
    )
    assert done.exit_code == 0, done.output
    ours, wanted = pd.read_csv(output), pd.read_csv(GOLDEN / expected)
    assert list(ours["user_id"]) == list(wanted["user_id"])  # input order, id column first
    assert ours.columns[0] == "user_id"
    pd.testing.assert_frame_equal(ours[wanted.columns], wanted, check_dtype=False, rtol=1e-9, atol=1e-9)
    assert ours["status"].eq("scored").all()
    assert not set(pd.read_csv(GOLDEN / "metrics.csv").columns[1:]) & set(ours.columns)  # metrics are not copied


def test_the_scores_table_has_the_columns_of_the_contract_in_order():
    frame = score_metrics(GOLDEN / "metrics.csv", weights="engagement", now=NOW).frame
    parts = load_weights("engagement").parts
    assert list(frame.columns) == [
        *("user_id", "status", "score", "raw_score", "band", "percentile", *parts, "predicted"),
        *("p_churn", "p_stay", "p_expand", "churn_lift", "coverage", "reasons", "model", "model_version", "scored_at"),
    ]
    assert set(frame["model"] + "@" + frame["model_version"]) == {"engagement@1"}
    assert set(frame["scored_at"]) == {"2026-04-01T06:00:00Z"}


def test_all_reasons_add_up_to_the_score():
    done = score_metrics(GOLDEN / "metrics.csv", weights="engagement", reasons=None, now=NOW)
    sums = done.frame["reasons"].map(lambda text: sum(reason["contribution"] for reason in json.loads(text)))
    pd.testing.assert_series_equal(sums + done.baseline, done.frame["score"], check_names=False)


def test_reasons_come_largest_first_and_no_more_than_asked_for():
    done = score_metrics(GOLDEN / "metrics.csv", weights="power_user", settings=COUNTS, reasons=2, now=NOW)
    for text in done.frame["reasons"]:
        sizes = [abs(reason["contribution"]) for reason in json.loads(text)]
        assert len(sizes) <= 2
        assert sizes == sorted(sizes, reverse=True)


COUNTS = {"max_features": 20, "max_advanced": 5}


def test_a_reason_says_metric_value_contribution_and_text():
    frame = pd.read_csv(GOLDEN / "metrics.csv").head(1)
    (text,) = reasons_json(ScoringModel(load_weights("engagement")).reasons(frame), frame, top=1)
    assert json.loads(text) == [
        {
            "metric": "active_days_per_week_28d",
            "value": 6.0,
            "contribution": 15.0,
            "text": "active days per week 28d: 6 (+15.0 points)",
        }
    ]


def test_a_row_scores_the_same_alone_as_in_a_batch_once_a_reference_is_stored():
    frame = pd.read_csv(GOLDEN / "metrics.csv").assign(enough_history=True)
    model = ScoringModel(load_weights("power_user_signals").fit(frame)).with_reference(frame)
    scorer = NamedScorer(model, "signals", "1")
    batch, _ = score_rows(scorer, frame, ids=["user_id"], reasons=3, ranking="stored", now=NOW)
    alone, _ = score_rows(scorer, frame.iloc[[0]], ids=["user_id"], reasons=3, ranking="stored", now=NOW)
    pd.testing.assert_frame_equal(batch.iloc[[0]], alone)
    among_itself, _ = score_rows(scorer, frame.iloc[[0]], ids=["user_id"], reasons=3, ranking="batch", now=NOW)
    assert among_itself["percentile"].tolist() == [100.0]


def test_the_young_are_listed_but_not_scored(tmp_path):
    frame = pd.read_csv(GOLDEN / "metrics.csv").head(3).assign(enough_history=[True, False, True])
    frame.to_csv(tmp_path / "metrics.csv", index=False)
    table = score_metrics(tmp_path / "metrics.csv", weights="engagement", now=NOW).frame
    assert list(table["status"]) == ["scored", "insufficient_history", "scored"]
    assert table.loc[1, ["score", "band", "percentile", "frequency", "reasons"]].isna().all()
    assert table["score"].notna().tolist() == [True, False, True]


def test_a_table_of_the_young_only_is_a_table_without_scores(tmp_path):
    frame = pd.read_csv(GOLDEN / "metrics.csv").head(2).assign(enough_history=False)
    frame.to_csv(tmp_path / "metrics.csv", index=False)
    table = score_metrics(tmp_path / "metrics.csv", weights="engagement", now=NOW).frame
    assert set(table["status"]) == {"insufficient_history"}
    assert table[["score", "band"]].isna().all(axis=None)


def test_an_inactive_row_has_a_score_but_no_percentile(tmp_path):
    frame = pd.read_csv(GOLDEN / "metrics.csv").head(2).assign(active=[True, False])
    frame.to_csv(tmp_path / "metrics.csv", index=False)
    table = score_metrics(tmp_path / "metrics.csv", weights="engagement", now=NOW).frame
    assert table["score"].notna().all()
    assert table["percentile"].isna().tolist() == [False, True]


def test_an_account_stands_beside_its_user(tmp_path):
    frame = pd.read_csv(GOLDEN / "metrics.csv").head(2)
    frame.insert(0, "account_id", ["acme", "lilt"])
    frame.assign(as_of="2026-04-01").to_csv(tmp_path / "metrics.csv", index=False)
    done = run("score", "--metrics", tmp_path / "metrics.csv", "--weights", "engagement", "-o", tmp_path / "s.csv")
    assert done.exit_code == 0
    table = pd.read_csv(tmp_path / "s.csv")
    assert list(table.columns[:4]) == ["user_id", "account_id", "as_of", "status"]
    assert list(table["as_of"]) == ["2026-04-01"] * 2


def test_settings_are_in_the_version_that_the_rows_carry():
    assert from_weights("activity", settings={"full_scale": 50}).shown == "activity@1+full_scale=50"


def test_json_on_stdout_and_all_else_on_stderr(tmp_path):
    done = run(
        *("score", "--metrics", GOLDEN / "metrics.csv", "--weights", "engagement", "--json"),
        *("-o", tmp_path / "s.parquet"),
    )
    said = json.loads(done.stdout)
    assert said["rows"] == 400
    assert said["status"] == {"scored": 400}
    assert sum(said["bands"].values()) == 400
    assert len(pd.read_parquet(tmp_path / "s.parquet")) == 400


def bad_text(path):
    path.write_text("user_id,logins_30d,workflows_completed_30d,invites_30d\na,1,2,3\nb,many,2,3\n")


def bad_parquet(path):
    pd.read_csv(GOLDEN / "metrics.csv").to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("m.parquet", bad_parquet, "it is cut short or no Parquet file; write it again"),
        ("m.csv", lambda path: path.write_text(""), "m.csv: is empty"),
        ("m.csv", bad_text, "row 3: column 'logins_30d': 'many' is not a number"),
        ("m.csv", lambda path: path.write_text("user_id,logins\na,1\n"), "no column carries a metric's name"),
        ("m.csv", lambda path: None, "m.csv: no such file; check the path"),
    ],
)
def test_a_bad_table_is_one_message_and_leaves_no_file(tmp_path, name, spoil, message):
    spoil(tmp_path / name)
    output = tmp_path / "scores.csv"
    said = refused("score", "--metrics", tmp_path / name, "--weights", "activity", "-o", output)
    assert message in said
    assert "\n" not in said
    assert not output.exists()


def test_an_absent_metric_is_named_with_the_column_that_may_be_meant(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("user_id,login_30d,workflows_completed_30d,invites_30d\na,1,2,3\n")
    said = refused("score", "--metrics", path, "--weights", "activity", "-o", tmp_path / "s.csv")
    assert said.endswith("m.csv: activity@1 needs column 'logins_30d'; did you mean 'login_30d'?")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "engagment"), "did you mean 'engagement'?"),
        (("--weights", "activity", "--set", "full_scal=50"), "did you mean 'full_scale'?"),
        (("--weights", "activity", "--set", "full_scale=much"), "expected name=number"),
        (
            ("--weights", "activity", "--reasons", "top"),
            "--reasons top: expected top:3 (or another number), all or none",
        ),
        (("--weights", "activity", "--model", "x@champion"), "--model and --weights exclude each other"),
        (("--set", "full_scale=50"), "--set changes a weight set; name it with --weights"),
        (("--weights", "power_user"), "--set max_features=NUMBER"),
        (("--weights", "activity", "-c", "nowhere.yaml"), "nowhere.yaml: no such file"),
    ],
)
def test_calls_that_make_no_sense(tmp_path, arguments, message):
    output = tmp_path / "s.csv"
    assert message in refused("score", "--metrics", GOLDEN / "metrics.csv", *arguments, "-o", output)
    assert not output.exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    said = refused("score", "--metrics", tmp_path / "none.csv", "--weights", "activity", "-o", tmp_path / "s.xlsx")
    assert "end the name in .parquet or .csv" in said


@pytest.fixture
def raw(tmp_path):
    """The golden product's tables, in a folder of their own."""
    return Path(shutil.copytree(GOLDEN / "raw", tmp_path / "raw"), "powerml.yaml")


def test_every_declaration_is_read_once(raw, tmp_path, monkeypatch):
    read = Counter()
    plain = Path.read_text

    def counted(path, *arguments, **options):
        read[path.resolve()] += 1
        return plain(path, *arguments, **options)

    _read_once.cache_clear()
    monkeypatch.setattr(Path, "read_text", counted)
    done = run("score", "-c", raw, "--weights", "engagement", "--as-of", "2025-11-01", "-o", tmp_path / "s.csv")
    assert done.exit_code == 0, done.output
    declared = {path.relative_to(configs()): n for path, n in read.items() if path.is_relative_to(configs())}
    assert declared == {
        Path("weights/engagement.yaml"): 1,
        Path("bands/engagement.yaml"): 1,
        Path("metrics/catalogue.yaml"): 1,
    }
    assert read[raw] == 1
    assert read[raw.with_name("vocabulary.json")] == 1


def test_counts_of_the_vocabulary_come_from_the_data_without_reading_the_set_again(raw):
    project = load_project(raw)
    done = score_snapshot(project, date(2025, 11, 1), weights="power_user", now=NOW)
    params = done.scorer.model.scorer.card.params
    assert all(isinstance(value, float) for value in params.values())
    again = load_weights(
        "power_user", vocabulary={"features": params["max_features"], "advanced": params["max_advanced"]}
    )
    assert again.card == done.scorer.model.scorer.card
    assert (done.scorer.model.kind, done.scorer.shown) == ("documented", "power_user@1")


def test_reasons_say_the_unit_of_a_metric_of_the_project_s_own(tmp_path):
    path = write_project(
        tmp_path / "p",
        """
        user_id, time,                 event,  value
        ada,     2026-01-01T10:00:00Z, export, 30
        ada,     2026-03-30T10:00:00Z, export, 12
        """,
        metrics="""
        - {name: waited_30d, table: events, measure: sum, of: value, window_days: 30, unit: minutes, direction: down}
        """,
    )
    (tmp_path / "p" / "mine.yaml").write_text(
        "name: mine\nkind: points\nparts:\n"
        "  waiting: {metric: waited_30d, missing: 0, steps: [{from: 10, points: 40}, {points: 60}]}\n"
    )
    done = score_snapshot(load_project(path), date(2026, 4, 1), weights=str(tmp_path / "p" / "mine.yaml"), now=NOW)
    (reasons,) = done.frame["reasons"]
    assert json.loads(reasons)[0]["text"] == "waited 30d: 12 minutes (+40.0 points)"


LEAVERS = {
    "users": """
        user_id, account_id, created_at
        ada,     acme,       2025-06-01T00:00:00Z
        bob,     lilt,       2025-06-01T00:00:00Z
        eve,     free,       2025-06-01T00:00:00Z
    """,
    "accounts": """
        account_id, created_at
        acme,       2025-06-01T00:00:00Z
        lilt,       2025-06-01T00:00:00Z
        free,       2025-06-01T00:00:00Z
    """,
    "subscriptions": """
        account_id, start,                end,                  mrr
        acme,       2025-06-01T00:00:00Z, ,                     100
        lilt,       2025-06-01T00:00:00Z, 2026-02-01T00:00:00Z, 100
        free,       2025-06-01T00:00:00Z, ,                     0
    """,
}


def test_who_paid_once_and_pays_no_longer_has_left_and_is_in_no_rank(tmp_path):
    path = write_project(
        tmp_path / "p",
        """
        user_id, time,                 event
        ada,     2026-01-05T10:00:00Z, login
        ada,     2026-03-30T10:00:00Z, login
        bob,     2026-01-05T10:00:00Z, login
        bob,     2026-03-30T10:00:00Z, login
        eve,     2026-01-05T10:00:00Z, login
        eve,     2026-03-30T10:00:00Z, login
        """,
        tables=LEAVERS,
    )
    project = load_project(path)
    table = score_snapshot(project, date(2026, 4, 1), weights="engagement", now=NOW).frame.set_index("user_id")
    assert table["status"].to_dict() == {"ada": "scored", "bob": "left", "eve": "scored"}  # Eve never paid
    assert table["score"].notna().all()
    assert table["percentile"].notna().to_dict() == {"ada": True, "bob": False, "eve": True}
    before = score_snapshot(project, date(2026, 2, 1), weights="engagement", now=NOW).frame
    assert set(before["status"]) == {"scored"}


def test_a_registered_weight_set_gives_those_outside_its_document_s_number_only():
    frame = ROWS.head(3).assign(enough_history=True, label=["stay", "ineligible", "ineligible"])
    scorer = NamedScorer(model("engagement", linked=True), "golden", "3")
    left = pd.Series([False, False, True], index=frame.index)
    table, _ = score_rows(scorer, frame, ids=["user_id"], reasons=None, ranking="stored", now=NOW, left=left)
    assert table["status"].tolist() == ["scored", "outside_population", "left"]
    assert table[["score", "band", "percentile", "p_churn", "reasons"]].notna().all(axis=1).tolist() == [
        True, False, False,
    ]  # fmt: skip
    assert table["document_score"].tolist() == load_weights("engagement").predict_score(frame).tolist()
    assert table[["frequency", "recency"]].notna().all(axis=None)
    columns = list(table.columns)
    assert columns[:7] == ["user_id", "status", "score", "band", "percentile", "document_score", "frequency"]
    entries = json.loads(table["reasons"].iloc[0])
    baseline = scorer.model.contributions(frame).baseline
    assert sum(entry["contribution"] for entry in entries) + baseline == pytest.approx(table["score"].iloc[0], abs=1e-6)
