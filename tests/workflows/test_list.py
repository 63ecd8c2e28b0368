"""`powerml list`: the columns of the contract, since when somebody is listed, and what the list was worth."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.lists import project_lists
from powerml.config.project import load_project
from powerml.history.store import NightHistory
from powerml.history.view import NightViews
from powerml.monitoring.lists import LIST_COLUMNS
from powerml.workflows.list import keep_lists, since
from tests.builders import write_project
from tests.history.kept import keep, night

REASONS = json.dumps([{"metric": "mrr", "contribution": -9.0, "text": "seats: 2 (-9.0 points)"}])


@pytest.fixture
def project(tmp_path):
    path = write_project(tmp_path, "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n")
    return load_project(path)


def people(**scores):
    return {who: {"score": s, "p_churn": (100 - s) / 100, "reasons": REASONS} for who, s in scores.items()}


def run(project, *arguments):
    done = CliRunner().invoke(root, [*map(str, arguments), "-c", str(project.base / "powerml.yaml")])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_writes_the_columns_of_the_contract(project, tmp_path):
    history = NightHistory.of(project)
    kept = keep(history, night("2026-03-01"), people(ada=20.0, bob=60.0))
    names = pd.DataFrame({"user_id": ["ada", "bob"], "account_id": ["ada-inc", "bob-inc"]})
    history.keep_table(
        kept.as_of, "people", names.assign(name=["Ada", "=cmd()"], account_name=["Ada Inc", None], owner="ines")
    )
    keep_lists(NightViews(history, kept), list(project_lists(project).values()))
    run(project, "list", "at_risk", "-o", tmp_path / "x.csv")
    table = pd.read_csv(tmp_path / "x.csv")
    assert tuple(table.columns) == LIST_COLUMNS
    assert table["name"].fillna("").tolist() == ["Ada Inc", ""]
    assert table["owner"].tolist() == ["ines", "ines"]
    assert table["because"].tolist() == ["seats: 2 (-9.0 points)"] * 2
    assert table["playbook"].str.startswith("Emergency intervention").tolist() == [True, False]
    assert table["on_list_since"].tolist() == ["2026-03-01"] * 2
    assert "at_risk (cs), 2026-03-01: 2 accounts" in run(project, "list", "--team", "cs")
    assert "at_risk (cs), 2026-03-01: the first 1 of 2 accounts" in run(project, "list", "at_risk", "--capacity", "1")
    said = json.loads(run(project, "list", "at_risk", "--capacity", "1", "--json"))
    assert said["sentences"]["at_risk"][0].startswith("The first 1 should catch 0.8 that churn (0 to 1), 67 % of all")


def test_one_is_no_plural(project):
    keep(NightHistory.of(project), night("2026-03-01"), people(ada=20.0))
    assert run(project, "list", "at_risk").startswith("at_risk (cs), 2026-03-01: 1 account\n")


def test_who_stays_keeps_the_day_and_a_new_model_moves_nobody(project):
    history, specs = NightHistory.of(project), [project_lists(project)["at_risk"]]
    first = keep(history, night("2026-03-01"), people(ada=20.0, bob=80.0))
    keep_lists(NightViews(history, first), specs)
    # the newer version puts bob on the list, as it would have the night before: he has been there since then
    keep(history, night("2026-03-01", version="2", scorer="s2", made_by="backfill"), people(ada=22.0, bob=60.0))
    second = keep(history, night("2026-03-02", version="2", scorer="s2"), people(ada=22.0, bob=60.0, cyd=10.0))
    keep_lists(NightViews(history, second), specs)
    days = {who: str(day) for who, day in since(history, second, specs[0]).items()}
    assert days == {"ada-inc": "2026-03-01", "bob-inc": "2026-03-01", "cyd-inc": "2026-03-02"}


def test_a_list_ends_with_what_it_was_worth(project):
    history = NightHistory.of(project)
    then = keep(history, night("2025-11-01", outcomes_until="2026-01-01"), people(ada=20.0, bob=80.0, cyd=40.0))
    labels = pd.DataFrame({"user_id": ["ada", "bob", "cyd"], "account_id": ["ada-inc", "bob-inc", "cyd-inc"]})
    history.keep_table(then.as_of, "labels", labels.assign(label=["churn", "stay", "stay"]))
    keep(history, night("2026-03-01"), people(ada=20.0))
    told = run(project, "list", "at_risk")
    assert "The list of 2025-11-01, made in the same way: 1 of 2 churned (50 %, 9 to 91 %); of 2 at random 0.7" in told
    assert "crm@1 has learned from outcomes of that date, which flatters it." in told
