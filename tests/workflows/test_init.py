"""`powerml init` on the golden project, on a handmade export and on shapes that need a join."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.errors import DataError, UsageError
from powerml.workflows.check import check
from powerml.workflows.init import init, no_longer_fits
from powerml.workflows.project import open_project
from powerml.workflows.score import score_snapshot
from powerml.workflows.train import train
from tests.sources.guess.exports import PLANS, handmade

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = pd.Timestamp("2026-11-01", tz="UTC").to_pydatetime()
TABLES = ("accounts", "events", "subscriptions", "surveys", "tickets", "usage_limits", "users")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The handmade export and what `init` made of it."""
    folder = tmp_path_factory.mktemp("handmade")
    handmade(folder / "export")
    return folder, init([folder / "export"], folder / "powerml.yaml", now=NOW)


def test_the_handmade_export_needs_no_edit(made):
    folder, begun = made
    project = load_project(folder / "powerml.yaml")
    assert list(project.tables) == ["events", "users", "accounts", "subscriptions"]
    assert begun.loads["quarantined"].sum() == 0
    assert (project.entity, project.outcome_kind, project.plans) == ("user", "contract", tuple(PLANS))
    subscriptions = project.tables["subscriptions"]
    assert subscriptions.files == project.tables["accounts"].files == ("export/customers.csv",)
    assert (subscriptions.decimal, subscriptions.currency) == (",", "£")
    assert subscriptions.columns == {
        "account_id": "Customer ID", "start": "Signed up", "end": "Cancelled on", "plan": "Plan", "mrr": "MRR (£)",
        "seats": "Seats",
    }  # fmt: skip
    events = project.tables["events"]
    assert events.columns == {"user_id": "User E-mail", "event": "Action", "time": "When"}
    assert (events.encoding, events.time_format) == ("cp1252", ("iso", "%d/%m/%Y %H:%M"))
    assert project.meanings["Signed in"].roles == ("login",)


def test_money_dates_and_accents_are_read_as_they_were_meant(made):
    folder, _ = made
    data = open_project(load_project(folder / "powerml.yaml"), now=NOW)
    mrr = {row[0] for row in data.loaded.con.execute("SELECT DISTINCT mrr FROM subscriptions").fetchall()}
    assert mrr == set(PLANS.values())
    (name,) = data.loaded.con.execute("SELECT name FROM accounts WHERE account_id = 'C-007'").fetchone()
    assert name == "Café 7"
    first, last = data.loaded.con.execute("SELECT min(time), max(time) FROM events").fetchone()
    assert (str(first.date())[:7], str(last.date())[:7]) == ("2025-01", "2026-02")


def test_the_same_export_in_a_zip_is_told_apart_by_its_files_names(made, tmp_path):
    shutil.make_archive(str(tmp_path / "export"), "zip", made[0] / "export")
    begun = init([tmp_path / "export.zip"], tmp_path / "powerml.yaml", now=NOW)
    pd.testing.assert_frame_equal(begun.loads, made[1].loads)
    project = load_project(tmp_path / "powerml.yaml")
    assert project.tables["users"].files == ("export.zip/users.csv",)
    assert project.tables["subscriptions"].files == project.tables["accounts"].files == ("export.zip/customers.csv",)
    assert project.meanings == load_project(made[0] / "powerml.yaml").meanings


def test_check_finds_ripe_labels_in_the_handmade_export(made):
    seen = check(load_project(made[0] / "powerml.yaml"), now=NOW)
    assert seen.labels[["churn", "stay"]].sum().min() > 0
    assert not any("vocabulary" in finding for finding in seen.findings)


@pytest.mark.slow
def test_the_handmade_export_is_trained_on_and_scored_without_an_edit(made):
    """Its few churners teach nothing: a documented set is registered, and the sentence says so."""
    project = load_project(made[0] / "powerml.yaml")
    done = train(project)
    assert done.sentences[0].startswith("Verdict on engagement: cannot tell")
    assert any("Too few events to fit" in sentence for sentence in done.sentences)
    by_model = score_snapshot(project, None, model=f"{project.project}@challenger", now=NOW)
    assert by_model.status == {"scored": 48, "left": 31}
    by_weights = score_snapshot(project, None, weights="power_user", now=NOW)
    assert by_weights.status == by_model.status


def test_guesses_stand_beside_what_was_guessed(made):
    page = (made[0] / "powerml.yaml").read_text()
    assert "start: Signed up  # guess: by its name 'Signed up'" in page
    assert "timezone: UTC  # guess: no time names its zone" in page
    assert "plans: [Basic, Plus, Premium]  # guess: lowest first, by median mrr (Basic 1234.5, Plus 2400" in page


def test_plans_of_billing_items_are_ordered_by_what_a_seat_costs(tmp_path):
    """A dear subscription of many cheap seats does not make its plan the dearer one; `check` finds no unknown plan."""
    ways = [("Starter", 2900, "month", 50)] * 3 + [("Pro", 118800, "year", 1)] * 3
    items = pd.DataFrame(ways, columns=["plan_nickname", "unit_amount", "interval", "quantity"])
    items["customer"] = [f"c{n}" for n in range(6)]
    items["current_period_start"] = "2026-01-01"
    events = items[["customer"]].assign(user_id=[f"u{n}" for n in range(6)], event="login", time="2026-02-01T10:00:00Z")
    write(tmp_path / "export", subscription_items=items, events=events)
    begun = init([tmp_path / "export"], tmp_path / "powerml.yaml", now=NOW)
    assert begun.guessed[-1].startswith("plans: lowest first, by median mrr per seat (Starter 29, Pro 99)")
    project = load_project(tmp_path / "powerml.yaml")
    assert project.plans == ("Starter", "Pro")
    assert not [said for said in check(project, now=NOW).findings if "plan" in said]


def test_nothing_is_overwritten(made):
    folder, _ = made
    before = (folder / "powerml.yaml").read_text()
    with pytest.raises(UsageError, match=r"powerml\.yaml: is there already and is not overwritten"):
        init([folder / "export"], folder / "powerml.yaml", now=NOW)
    with pytest.raises(UsageError, match=r"vocabulary\.yaml: is there already .*; name another folder's file with -o"):
        init([folder / "export"], folder / "other.yaml", now=NOW)
    assert (folder / "powerml.yaml").read_text() == before
    assert not (folder / "other.yaml").exists()


def test_what_no_longer_fits_is_said(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "p")
    project = load_project(tmp_path / "p" / "powerml.yaml")
    assert no_longer_fits(project, now=NOW) == ()
    log = tmp_path / "p" / "export" / "activity log.csv"
    log.write_bytes(log.read_bytes() + b"\nuser1_0@example.com,Chart drawn,2026-02-20 10:00:00")
    customers = tmp_path / "p" / "export" / "customers.csv"
    text = customers.read_text("utf-8-sig").replace(";Company;", ";Region;").replace(";Plus;", ";Max;", 1)
    customers.write_text(text, "utf-8")
    found = no_longer_fits(load_project(tmp_path / "p" / "powerml.yaml"), now=NOW)
    assert "events: new name 'Chart drawn' (1 events)" in found
    assert "subscriptions: new column 'Region'" in found
    assert "subscriptions: new plan 'Max' (1 rows)" in found
    assert any("no column 'Company'" in finding for finding in found)


FOUR_LINES = {  # what init could not know of the golden product's events: which are key, and which are tried out
    "dashboard_viewed": "{feature: dashboard, tier: core}",
    "project_created": "{feature: project, roles: [content_created, key_action]}",
    "automation_run": "{feature: automation, tier: advanced, depth: advanced, roles: [automation, key_action]}",
    "canvas_opened": "{feature: canvas, roles: [beta]}",
}
OF_FEATURES = {  # what a feature is, to which area it belongs and what is core, no name of an event tells
    "distinct_features_30d", "feature_categories_30d", "core_features_30d", "core_feature_share_30d",
    "advanced_features_30d", "advanced_feature_days_30d", "advanced_feature_days_ever", "workflow_depth_30d",
    "days_since_core_feature", "new_categories_30d", "feature_breadth_change_30d",
}  # fmt: skip


def test_four_lines_of_roles_make_every_golden_metric_exact_but_those_of_features(tmp_path):
    init([GOLDEN / "raw" / f"{table}.csv" for table in TABLES], tmp_path / "powerml.yaml", now=NOW)
    words = tmp_path / "vocabulary.yaml"
    lines = words.read_text(encoding="utf-8").splitlines()
    edited = [f"{name}: {FOUR_LINES[name]}" if (name := line.split(":")[0]) in FOUR_LINES else line for line in lines]
    assert sum(new != old for new, old in zip(edited, lines, strict=True)) == len(FOUR_LINES)
    words.write_text("\n".join(edited), encoding="utf-8")
    frame, expected, metrics = golden_metrics(tmp_path / "powerml.yaml")
    other = {c for c in metrics if not np.allclose(frame[c], expected[c], rtol=1e-9, atol=1e-9, equal_nan=True)}
    assert other == OF_FEATURES


def golden_metrics(project):
    """What a project says of the golden dates beside what is expected, as numbers, and the metrics they have."""
    expected = pd.read_csv(GOLDEN / "raw" / "expected_user_metrics.csv")
    data = open_project(load_project(project), now=NOW)
    frame = data.build(sorted(pd.to_datetime(expected["as_of"]).dt.date.unique())).frame
    metrics = [c for c in expected.columns if c in data.metrics]
    assert len(metrics) >= 60
    made, wanted = (one.sort_values(["as_of", "user_id"], ignore_index=True)[metrics] for one in (frame, expected))
    return made.astype(float), wanted.astype(float), metrics


def test_the_golden_metrics_are_exact_after_edits_of_meanings_only(tmp_path):
    init([GOLDEN / "raw" / f"{table}.csv" for table in TABLES], tmp_path / "powerml.yaml", now=NOW)
    words = json.loads((GOLDEN / "raw" / "vocabulary.json").read_text())
    (tmp_path / "vocabulary.yaml").write_text(json.dumps(words))
    frame, expected, _ = golden_metrics(tmp_path / "powerml.yaml")
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False, rtol=1e-9, atol=1e-9)


def write(folder, **tables):
    folder.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


def test_names_behind_codes_are_joined_and_users_numbered_within_accounts(tmp_path):
    days = pd.date_range("2026-01-01", periods=60, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    log = pd.DataFrame({"account_id": [1, 2, 3] * 20, "user_id": [7, 7, 8] * 20, "event_time": days,
                        "event_type_id": [0, 1, 1] * 20})  # fmt: skip
    kinds = pd.DataFrame({"event_type_id": [0, 1], "event_type_name": ["search", "login"]})
    write(tmp_path / "x", event=log, event_type=kinds)
    begun = init([tmp_path / "x"], tmp_path / "powerml.yaml", now=NOW)
    assert {name.event for name in begun.names} == {"search", "login"}
    data = open_project(load_project(tmp_path / "powerml.yaml"), now=NOW)
    users = {row[0] for row in data.loaded.con.execute("SELECT DISTINCT user_id FROM events").fetchall()}
    assert users == {"1:7", "2:7", "3:8"}


def test_one_kind_of_event_without_a_name(tmp_path):
    (tmp_path / "purchases.txt").write_text(
        " customer_id  date number dollars\n" + "".join(f" 0000{n % 3}  199701{n:02}  1  9.5\n" for n in range(1, 29))
    )
    begun = init([tmp_path / "purchases.txt"], tmp_path / "powerml.yaml", now=NOW)
    assert [(n.event, n.events, n.users) for n in begun.names] == [("purchase", 28, 3)]
    project = load_project(tmp_path / "powerml.yaml")
    assert (project.entity, project.tables["events"].delimiter) == ("user", "blanks")


def test_without_events_the_message_says_what_is_there(tmp_path):
    write(tmp_path / "x", colours=pd.DataFrame({"colour": ["red", "blue"]}))
    with pytest.raises(DataError, match=r"no table of events found.*colours \(colour\); name the files"):
        init([tmp_path / "x"], tmp_path / "powerml.yaml", now=NOW)
    assert not (tmp_path / "powerml.yaml").exists()


def test_files_that_are_none_are_named_and_the_others_serve(tmp_path):
    days = pd.date_range("2026-01-01", periods=50, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    write(tmp_path / "x", events=pd.DataFrame({"user": ["a", "b"] * 25, "action": ["go", "stop"] * 25, "at": days}))
    (tmp_path / "x" / "broken.parquet").write_bytes(b"PAR1 cut short")
    begun = init([tmp_path / "x"], tmp_path / "powerml.yaml", now=NOW)
    assert any("broken.parquet: is Parquet cut short" in sentence for sentence in begun.needed)
    assert load_project(tmp_path / "powerml.yaml").tables["events"].columns["event"] == "action"


def test_a_column_that_does_not_fit_is_left_out_with_its_reason(tmp_path):
    days = pd.date_range("2026-01-01", periods=40, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    write(
        tmp_path / "x",
        events=pd.DataFrame({"user_id": ["a", "b"] * 20, "event": "go", "time": days}),
        tickets=pd.DataFrame(
            {"ticket_id": range(40), "user_id": ["a", "b"] * 20, "opened_at": days, "csat": range(40)}
        ),
    )
    begun = init([tmp_path / "x"], tmp_path / "powerml.yaml", now=NOW)
    assert load_project(tmp_path / "powerml.yaml").tables["tickets"].columns == {"csat": None}
    assert any(said.startswith("tickets.csat: not read, for 35 of 40 rows") for said in begun.guessed)
