"""Alerts: true for whom, ringing once, and judged against what comes anyway."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from powerml.config.alerts import AlertSpec, project_alerts
from powerml.config.project import bare_project
from powerml.errors import ConfigError
from powerml.history.store import NightHistory
from powerml.history.view import NightView
from powerml.monitoring.alerts import judge_rule, rings, true_rows
from tests.history.kept import keep, night

D = [date(2026, 3, day) for day in range(1, 31)]


def spec(*when, **more):
    return AlertSpec.model_validate({"name": "rule", "when": list(when), "action": "call", **more})


@pytest.fixture
def history(tmp_path):
    return NightHistory(tmp_path / ".powerml" / "history")


def rows(history, rule, people, tell=("ada", "ada-inc")):
    view = NightView.at(history, keep(history, night("2026-03-31"), people))
    return true_rows(rule, view, tell=tell)


def test_a_fall_is_said_with_both_values(history):
    keep(history, night("2026-03-01"), {"ada": {"score": 62.0}, "bob": {"score": 62.0}, "old": {"score": 90.0}})
    people = {"ada": {"score": 41.0}, "bob": {"score": 47.5}, "new": {"score": 1.0}}
    found = rows(history, spec({"score": "fell", "by": 15, "days": 30}), people)
    assert found["id"].tolist() == ["ada-inc"]
    assert found["because"].tolist() == ["score fell by 15 points in 30 days (62 to 41)"]


def test_a_power_user_who_was_and_fades(history):
    was = {"active_days_30d": 20.0, "feature_categories_30d": 9.0, "integrations_connected": 0.0}
    then = {"ada": was | {"collaboration_actions_30d": 2.0, "events_30d": 100.0},
            "bob": was | {"collaboration_actions_30d": 0.0, "events_30d": 100.0},
            "cyd": was | {"collaboration_actions_30d": 2.0, "events_30d": 19.0}}  # fmt: skip
    keep(history, night("2026-03-01"), {who: told | {"score": 50.0} for who, told in then.items()})
    now = {who: told | {"score": 50.0, "events_30d": 10.0} for who, told in then.items()}
    shipped = project_alerts(bare_project(history.folder, name="crm"))
    assert rows(history, shipped["disengaging"], now)["id"].tolist() == ["ada-inc"]


def test_needed_counts_and_an_account_rings_once(history):
    people = {
        "ada": {"account_id": "acme", "score": 1.0, "seats": 5.0},
        "bob": {"account_id": "acme", "score": 9.0, "seats": 5.0},
    }
    assert rows(history, spec("seats >= 5", "score >= 50", needed=1), people)["id"].tolist() == ["acme"]
    assert rows(history, spec("seats >= 5", "score >= 50"), people).empty


def test_who_has_left_rings_no_more(history):
    people = {"ada": {"score": 5.0, "status": "left"}, "bob": {"score": 5.0}}
    assert rows(history, spec("score <= 10"), people)["id"].tolist() == ["bob-inc"]


def test_it_rings_when_it_becomes_true_and_again_only_after_it_was_false_long_enough():
    true = {0: "ab", 1: "abc", 2: "ac", 20: "abc"}  # b is false from day 2 to day 19
    last, before, rung = {}, None, {}
    for day, names in true.items():
        rung[day] = rings(last, names, D[day], before=before, rearm=14)
        last |= dict.fromkeys(names, D[day])
        before = D[day]
    assert rung == {0: [], 1: ["c"], 2: [], 20: ["b"]}
    assert rings({"b": D[2]}, ["b"], D[10], before=D[9], rearm=14) == []


def world(rng, effect, accounts=400, nights=6):
    """Rows of a rule that rings for a tenth; what it warns of comes to a fifth, and `effect` times that to those."""
    n = accounts * nights
    rang = rng.random(n) < 0.1
    came = rng.random(n) < np.where(rang, 0.2 * effect, 0.2)
    days = np.repeat(D[:nights], accounts)
    account = np.tile([f"a{i}" for i in range(accounts)], nights)
    return pd.DataFrame({"as_of": days, "account": account, "rang": rang, "came": came, "lead_days": 30.0})


def test_a_rule_with_an_effect_tells_and_its_lift_is_found():
    told = judge_rule(spec("score <= 1"), world(np.random.default_rng(21), 3.0))
    assert told.verdict == "tells"
    assert told.low < 0.6 / 0.24 < told.high  # the base rate has the rung ones in it: 0.2 x 0.9 + 0.6 x 0.1
    assert told.sentence.startswith("rule tells something (lift ")
    assert "30 days ahead in the median" in told.sentence


def test_a_rule_without_an_effect_is_named_and_hardly_ever_said_to_tell():
    rng = np.random.default_rng(22)
    verdicts = [judge_rule(spec("score <= 1"), world(rng, 1.0, accounts=150)).verdict for _ in range(60)]
    assert verdicts.count("tells") <= 5
    assert "rule tells nothing here" in judge_rule(spec("score <= 1"), world(np.random.default_rng(23), 1.0)).sentence


def test_few_rings_cannot_be_judged():
    few = world(np.random.default_rng(24), 3.0, accounts=8, nights=3)
    assert judge_rule(spec("score <= 1"), few).verdict == "cannot tell"


def test_a_rule_that_cannot_ring_is_refused():
    with pytest.raises(ValueError, match="needs 3 of 1 conditions"):
        spec("score <= 1", needed=3)
    with pytest.raises(ValueError, match="a condition on a branch and 'entity: branch' go together"):
        spec({"branch": "usage", "pulls_mean_down": 2})


def test_an_address_in_the_file_is_an_error_that_does_not_print_it(tmp_path):
    from powerml.config.project import load_project

    (tmp_path / "powerml.yaml").write_text(
        "tables: {events: {files: e.csv}}\nvocabulary: {}\nnotify: {cs: ['https://hooks.example/T0/secret']}\n"
    )
    with pytest.raises(ConfigError, match="write env:NAME here and set NAME") as told:
        load_project(tmp_path / "powerml.yaml")
    assert "secret" not in str(told.value)


def test_the_shipped_rules_say_where_they_come_from(tmp_path):
    shipped = project_alerts(bare_project(tmp_path, name="crm"))
    assert set(shipped) == {
        *("score_drop", "crossed_down", "branch_down", "disengaging", "emerging_power_user", "limits_reached"),
        *("mastered_advanced_features", "account_like_a_power_user", "teammates_added"),
    }
    assert all(one.source is not None and one.source.document for one in shipped.values())
