"""`powerml snapshot`: which cutoffs, which file, what is printed."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.builders import write_project

EVENTS = """
user_id, event, time
u10,     click, 2026-01-05T12:00:00Z
u2,      save,  2026-02-20T12:00:00Z
u10,     click, 2026-06-20T12:00:00Z
"""


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path, EVENTS, vocabulary={"click": {}})


def test_as_of_writes_one_snapshot_with_plain_dates(project, powerml, tmp_path):
    ran = powerml("snapshot", "--as-of", "2026-04-01", "-o", "out.csv")
    assert ran.status == 0
    assert "2 rows at 1 cutoff -> out.csv" in ran.out
    assert "1 event name that the vocabulary does not name, counted as activity: save" in ran.out
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0].startswith("as_of,user_id,account_id,enough_history,active,events_30d,")
    assert [line.split(",")[:5] for line in lines[1:]] == [
        ["2026-04-01", "u10", "", "True", "False"], ["2026-04-01", "u2", "", "True", "False"],
    ]  # fmt: skip


def test_monthly_is_the_first_of_each_month_both_ends_included(project, powerml, tmp_path):
    ran = powerml("snapshot", "--monthly", "2026-02-01", "2026-04-01", "--labels", "--json", "-o", "out.parquet")
    assert ran.status == 0
    assert ran.data["cutoffs"] == ["2026-02-01", "2026-03-01", "2026-04-01"]
    assert (ran.data["rows"], ran.data["file"], ran.data["unmapped_events"]) == (5, "out.parquet", ["save"])
    assert ran.data["unavailable"]["mrr"] == "no table 'subscriptions'"
    assert ran.data["loads"][0]["rows"] == 3
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert [(str(day), who) for day, who in zip(frame["as_of"], frame["user_id"], strict=True)] == [
        ("2026-02-01", "u10"), ("2026-03-01", "u10"), ("2026-03-01", "u2"), ("2026-04-01", "u10"),
        ("2026-04-01", "u2"),
    ]  # fmt: skip
    assert list(frame.columns[-2:]) == ["label", "treated"]
    # u10 came back on June 20; what came after June 20 was not seen
    assert frame["label"].tolist() == ["churn", "churn", "churn", "immature", "immature"]


def test_without_dates_the_projects_own_setting_says_when(tmp_path, powerml):
    path = write_project(tmp_path, EVENTS, snapshots={"every": "quarter", "from": "2026-03-15", "to": "2026-04-01"})
    ran = powerml("snapshot", "-c", path, "--json")
    assert ran.status == 0
    assert ran.data["cutoffs"] == ["2026-04-01"]
    assert ran.data["file"] is None


def test_the_same_call_writes_the_same_bytes(project, powerml, tmp_path):
    for name in ("one.csv", "two.csv"):
        assert powerml("snapshot", "--as-of", "2026-04-01", "--quiet", "-o", name) == type(powerml("--version"))(
            0, "", ""
        )
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of", "2026-04-01"], "nowhere to write; give -o FILE.parquet or -o FILE.csv"),
        (["--as-of", "2026-04-01", "-o", "x.xlsx"], "cannot tell the format; end the name in .parquet or .csv"),
        (["--as-of", "2026-04-01", "-o", "none/x.csv"], "the folder none does not exist; make it first"),
        (
            ["--as-of", "2026-04-01", "--monthly", "2026-01-01", "2026-02-01", "-o", "x.csv"],
            "--as-of and --monthly exclude each other; give one of them",
        ),
        (["--as-of", "2026-04-31", "-o", "x.csv"], "'2026-04-31' is not a date; use YYYY-MM-DD, like 2026-04-01"),
        (["--monthly", "2026-04-01", "2026-01-01", "-o", "x.csv"], "the second date lies before the first; swap them"),
        (["--monthly", "2026-04-02", "2026-04-30", "-o", "x.csv"], "no cutoff to take a snapshot at"),
        (["--asof", "2026-04-01"], "No such option"),
    ],
)
def test_calls_that_make_no_sense(project, powerml, tmp_path, arguments, message):
    ran = powerml("snapshot", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".x", "x"))]


def test_a_project_may_be_json(project, powerml, tmp_path):
    declared = {"tables": {"events": {"files": "events.csv"}}, "vocabulary": {"*": {}}}
    (tmp_path / "powerml.json").write_text(json.dumps(declared, indent="\t"))
    ran = powerml("snapshot", "-c", "powerml.json", "--as-of", "2026-04-01", "--json")
    assert (ran.status, ran.data["rows"], ran.data["unmapped_events"]) == (0, 2, [])


def test_several_dates_are_several_cutoffs(project, powerml, tmp_path):
    ran = powerml("snapshot", "--as-of", "2026-04-01", "--as-of", "2026-03-01", "-o", "out.csv")
    assert ran.status == 0
    assert pd.read_csv(tmp_path / "out.csv")["as_of"].unique().tolist() == ["2026-03-01", "2026-04-01"]


def test_an_option_with_one_value_is_not_given_twice(project, powerml, tmp_path):
    ran = powerml("score", "--weights", "engagement", "--as-of", "2026-04-01", "--as-of", "2026-03-01", "-o", "x.csv")
    assert (ran.status, ran.out) == (2, "")
    assert "--as-of is given twice; give it once" in ran.err
