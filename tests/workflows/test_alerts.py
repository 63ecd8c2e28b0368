"""What rings at a night, and what is sent of it: nothing lost, nothing twice but under the same id."""

import contextlib
import json
import sqlite3
import sys
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.history.alarms import ALARM_COLUMNS, Alarms
from powerml.history.store import NightHistory
from powerml.history.trees import tree_name
from powerml.history.view import NightViews
from powerml.workflows.alerts import deliver, due_lists, fired_since, ring
from tests.builders import write_project
from tests.history.kept import keep, night

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
NIGHT = date(2026, 3, 2)


@pytest.fixture
def project(tmp_path):
    path = write_project(
        tmp_path,
        "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n",
        notify={"cs": ["env:CS_URL"], "owner": {"Ines": ["env:INES_URL"]}},
        deliver={"at_risk": {"to": "cs", "every": "monday"}},
        owners={"usage": "Ines"},
    )
    return load_project(path)


@pytest.fixture
def con(project):
    project.state.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(project.state / "night.db")) as con:
        Alarms.on(con)
        yield con


def people(**scores):
    return {who: {"score": s, "limit_utilisation": 0.1} for who, s in scores.items()}


def go(project, con, entry, lists=None):
    return ring(project, NightViews(NightHistory.of(project), entry), con, lists=lists or {}, now=NOW)


def test_the_first_night_writes_down_and_what_falls_later_rings_and_is_sent_once(project, con):
    history = NightHistory.of(project)
    keep(history, night("2026-01-30"), people(ada=60.0, bob=60.0))
    assert go(project, con, keep(history, night("2026-03-01"), people(ada=60.0, bob=30.0))).first
    second = go(project, con, keep(history, night("2026-03-02"), people(ada=40.0, bob=30.0)))
    assert second.fired["alert"].tolist() == ["score_drop"]
    assert second.fired["account_id"].tolist() == ["ada-inc"]
    sent = []

    def send():
        return deliver(project, con, night=NIGHT, now=NOW, sender=lambda digest, name: sent.append(digest) or "")

    assert send()["sent"] == ["CS_URL"]
    assert send()["sent"] == []
    assert [text for digest in sent for text in digest.texts] == [
        "score_drop: ada (score fell by 15 points in 30 days (60 to 40)): call this week"
    ]
    assert fired_since(project, None)["state"].tolist() == ["sent"]


def test_a_destination_that_is_down_leaves_them_queued_under_the_same_id(project, con):
    history = NightHistory.of(project)
    keep(history, night("2026-01-30"), people(ada=60.0))
    go(project, con, keep(history, night("2026-03-01"), people(ada=60.0)))
    go(project, con, keep(history, night("2026-03-02"), people(ada=40.0)))
    ids = []
    fared = deliver(project, con, night=NIGHT, now=NOW, sender=lambda digest, name: ids.append(digest.id) or "down")
    assert fared["failed"] == ["down"]
    assert fired_since(project, None)["state"].tolist() == ["failed"]
    go(project, con, keep(history, night("2026-03-03"), people(ada=40.0)))  # still true: it does not ring again
    assert deliver(project, con, night=NIGHT, now=NOW, sender=lambda digest, name: ids.append(digest.id) or "")["sent"]
    assert ids[0] == ids[1]


def test_a_night_that_was_looked_at_says_what_it_said_and_an_earlier_one_nothing(project, con):
    history = NightHistory.of(project)
    keep(history, night("2026-01-30"), people(ada=60.0))
    before = keep(history, night("2026-03-01"), people(ada=60.0))
    go(project, con, before)
    entry = keep(history, night("2026-03-02"), people(ada=40.0))
    first, again = go(project, con, entry), go(project, con, entry)  # a killed run had done all of it
    assert again.fired.to_dict() == first.fired.to_dict()
    assert len(again.fired) == 1
    assert go(project, con, before).first
    assert go(project, con, before).fired.empty
    sent = []
    for _ in range(2):
        deliver(project, con, night=NIGHT, now=NOW, sender=lambda digest, name: sent.append(digest) or "")
        assert Alarms.on(con).sent_by(NIGHT) == 1
    assert len(sent) == 1


def test_where_the_newer_model_cannot_score_the_night_before_nobody_rings(project, con):
    history = NightHistory.of(project)
    go(project, con, keep(history, night("2026-03-01"), people(ada=60.0)))
    rule = {"limit_utilisation": 0.95, "score": 20.0}  # limits_reached becomes true, but who would have said it before?
    assert go(project, con, keep(history, night("2026-03-02", version="2", scorer="s2"), {"ada": rule})).fired.empty


def test_a_new_model_rings_no_alert(project, con):
    history = NightHistory.of(project)
    keep(history, night("2026-02-22"), people(ada=90.0, bob=75.0))
    go(project, con, keep(history, night("2026-03-01"), people(ada=90.0, bob=75.0)))
    for day in ("2026-02-23", "2026-03-01"):  # what the newer version says of the nights before
        keep(history, night(day, version="2", scorer="s2", made_by="backfill"), people(ada=20.0, bob=10.0))
    now = keep(history, night("2026-03-02", version="2", scorer="s2"), people(ada=20.0, bob=10.0))
    assert go(project, con, now).fired.empty


def test_a_branch_that_pulls_the_mean_down_is_told_to_its_owner(project, con):
    history = NightHistory.of(project)
    for day, points in (("2026-01-30", 30.0), ("2026-03-01", 29.5), ("2026-03-02", 27.0)):
        entry = keep(history, night(day), people(ada=60.0))
        tree = pd.DataFrame({"branch": ["usage", "team"], "metric": ["a", "b"], "contribution": [points, 5.0]})
        history.keep_table(entry.as_of, tree_name(entry), tree)
        told = go(project, con, entry).fired
    assert told[["alert", "id", "owner"]].to_numpy().tolist() == [["branch_down", "usage", "Ines"]]
    (digest,) = Alarms.on(con).waiting()
    assert digest.destination == "INES_URL"


def test_what_rings_of_a_person_names_the_person(project, con):
    history = NightHistory.of(project)
    rule = "alerts:\n  - {name: quiet, entity: user, when: [events_30d <= 3], team: cs, action: ask}\n"
    (project.base / "mine.yaml").write_text(rule)
    project = project.model_copy(update={"alerts": ("mine.yaml",)})
    go(project, con, keep(history, night("2026-03-01"), {who: {"account_id": "acme"} for who in ("ada", "bob")}))
    quiet = {"account_id": "acme", "events_30d": 2.0}
    entry = keep(history, night("2026-03-02"), {"ada": quiet, "bob": quiet})
    names = pd.DataFrame({"user_id": ["ada", "bob"], "account_id": "acme", "name": ["Ada", None]})
    history.keep_table(entry.as_of, "people", names.assign(account_name="Acme Inc", owner=None))
    go(project, con, entry)
    (digest,) = Alarms.on(con).waiting()
    read = "(events_30d <= 3 (2)): ask"
    assert digest.texts == (f"quiet: Ada of Acme Inc {read}", f"quiet: bob of Acme Inc {read}")
    done = CliRunner().invoke(root, ["alerts", "-c", str(project.base / "powerml.yaml")], catch_exceptions=False)
    shown = [line.split()[2] for line in done.stdout.splitlines() if "2026-03-02" in line]
    assert shown == ["ada", "bob"]
    rows = json.loads(CliRunner().invoke(root, ["alerts", "--json", "-c", str(project.base / "powerml.yaml")]).stdout)
    assert list(rows["rows"][0]) == list(ALARM_COLUMNS)


def test_without_apprise_a_digest_waits_and_says_what_to_install(project, con, monkeypatch):
    history = NightHistory.of(project)
    keep(history, night("2026-01-30"), people(ada=60.0))
    go(project, con, keep(history, night("2026-03-01"), people(ada=60.0)))
    go(project, con, keep(history, night("2026-03-02"), people(ada=40.0)))
    (waits,) = Alarms.on(con).waiting()
    monkeypatch.setitem(sys.modules, "apprise", None)
    fared = deliver(project, con, night=NIGHT, now=NOW)
    assert fared == {"sent": [], "failed": ["notify: needs Apprise; pip install 'powerml[notify]'"]}
    assert [digest.id for digest in Alarms.on(con).waiting()] == [waits.id]


def test_a_rule_may_name_who_hears_of_it(project, con):
    history = NightHistory.of(project)
    rule = "alerts:\n  - {name: quiet, when: [events_30d <= 3], owner: Ines, action: ask}\n"
    (project.base / "mine.yaml").write_text(rule)
    project = project.model_copy(update={"alerts": ("mine.yaml",)})
    go(project, con, keep(history, night("2026-03-01"), people(ada=60.0)))
    told = go(project, con, keep(history, night("2026-03-02"), {"ada": {"score": 60.0, "events_30d": 2.0}})).fired
    assert told[["alert", "owner"]].to_numpy().tolist() == [["quiet", "Ines"]]
    (digest,) = Alarms.on(con).waiting()
    assert digest.destination == "INES_URL"


def test_a_list_goes_out_on_its_day(project, con):
    assert due_lists(project, datetime(2026, 3, 2).date()) == ["at_risk"]  # a Monday
    assert due_lists(project, datetime(2026, 3, 3).date()) == []
    history = NightHistory.of(project)
    entry = keep(history, night("2026-03-02"), people(ada=1.0))
    assert go(project, con, entry, {"at_risk": ["one", "two"]}).queued == 2
    (digest,) = Alarms.on(con).waiting()
    assert digest.texts == ("one", "two")
