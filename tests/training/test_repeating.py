"""What a repeat puts back, and how each difference is told."""

from __future__ import annotations

import json
from datetime import date

import pytest

from powerml.config.experiment import ExperimentSpec, load_experiment
from powerml.config.project import load_project
from powerml.config.weights import read_weights, set_fingerprint
from powerml.training.repeating import (
    experiment_again,
    figures_compared,
    installed_packages,
    known_until,
    project_again,
    what_differs,
)
from powerml.training.snapshot_rows import declared_project
from tests.builders import write_project

EVENTS = "event_id,user_id,event,time\ne1,ada,login,2026-01-01T00:00:00Z\n"
CARD = """
name: short
kind: points
bands: {50: Well, 0: Low}
parts:
  days: {metric: active_days_30d, missing: 0, steps: [{from: 3, points: 100}, {points: 0}]}
"""


def project(folder, **settings):
    return load_project(write_project(folder, EVENTS, vocabulary={"login": {"roles": ["login"]}}, **settings))


def declared(spec):
    return json.loads(json.dumps(declared_project(spec), default=str))


def kept_card(folder, text=CARD):
    (folder / "short.yaml").write_text(text)
    spec = read_weights("short.yaml", base=folder)
    return {
        "fingerprint": set_fingerprint(spec),
        "file": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def test_an_experiment_comes_back_with_its_own_card_as_it_was(tmp_path):
    home = project(tmp_path / "home")
    kept = {"name": "question", "folder": ".", "sets": {"short.yaml": kept_card(home.base)}}
    (home.base / "question.yaml").write_text(
        "question: Which?\nscorers: [{weights: short.yaml, set: {days.steps.0.points: 90}}, {fit: card, total: 20}]\n"
    )
    asked = load_experiment(home.base / "question.yaml")
    (home.base / "short.yaml").write_text(CARD.replace("points: 100", "points: 80"))
    folder = tmp_path / "put"
    folder.mkdir()
    again, said = experiment_again(asked.model_dump(mode="json", by_alias=True), kept, home, folder)
    assert said == ["The weight set short.yaml has changed since; repeated with it as it was."]
    assert (again.name, again.question, again.seed) == ("question", "Which?", 0)
    card, fitted = again.scorers
    assert (card.label, card.set) == ("short", {"days.steps.0.points": 90})
    assert read_weights(card.weights, base=folder).parts["days"].steps[0].points == 100
    assert fitted.options == {"total": 20}


def test_a_set_that_is_gone_or_not_to_be_found_is_told_of_only_where_that_is_known(tmp_path):
    home = project(tmp_path / "home")
    one = kept_card(home.base)
    (home.base / "short.yaml").unlink()
    asked = {"scorers": [{"weights": "short.yaml"}]}
    for folder, told in ((".", 1), (None, 0)):
        _, said = experiment_again(asked, {"folder": folder, "sets": {"short.yaml": one}}, home, tmp_path)
        assert len(said) == told
    assert said == []


def test_a_shipped_set_is_today_s_and_said_to_have_changed(tmp_path):
    home = project(tmp_path)
    kept = {"sets": {"engagement": {"fingerprint": "of another release"}}}
    again, said = experiment_again({"scorers": [{"weights": "engagement"}]}, kept, home, tmp_path)
    assert said == [
        "The weight set engagement has changed since; repeated with today's, for it is a part of the package."
    ]
    assert again.scorers[0].weights == "engagement"


def test_a_project_that_is_the_same_is_left_alone(tmp_path):
    spec = project(tmp_path, timezone="Europe/Berlin")
    assert project_again(declared(spec), spec, ExperimentSpec()) == (spec, [])


def test_settings_come_back_and_files_stay_today_s(tmp_path):
    then = declared(project(tmp_path, outcome={"horizon_days": 60}, plans=["free", "pro"]))
    write_project(
        tmp_path, EVENTS, vocabulary={"login": {"roles": ["key_action"]}}, outcome={"horizon_days": 30}, plans=["pro"],
        tables={"users": "user_id\nada\n"},
    )  # fmt: skip
    again, said = project_again(then, load_project(tmp_path / "powerml.yaml"), ExperimentSpec())
    assert (again.outcome.horizon_days, again.plans) == (60, ("free", "pro"))
    assert again.meanings["login"].roles == ("login",)
    assert set(again.tables) == {"events", "users"}
    told = "\n".join(said)
    assert "outcome.horizon_days was 60 and is 30 now; repeated as it was." in told
    assert "vocabulary has changed for login; repeated as it was." in told
    assert "tables.users was absent and is " in told
    assert len(said) == 4


def test_an_experiment_s_own_outcome_and_snapshots_are_not_the_project_s_to_differ_in(tmp_path):
    then = declared(project(tmp_path, outcome={"horizon_days": 60}, snapshots={"every": "week"}))
    del then["outcome"]
    asked = ExperimentSpec.model_validate(
        {"snapshots": {"every": "month"}, "outcome": {"name": "helper", "events": {"role": "invite"}, "good": True}}
    )
    _, said = project_again(then, project(tmp_path, snapshots={"every": "day"}), asked)
    assert said == []


@pytest.mark.parametrize(
    ("until", "latest", "told"),
    [
        ("2026-04-01", date(2026, 4, 1), []),
        (None, date(2026, 4, 1), []),
        ("2026-04-01", date(2026, 5, 1), ["The data go on to 2026-04-30 now; repeated as of 2026-04-01, as then."]),
        ("2026-04-01", date(2026, 3, 1), ["The data ended on 2026-03-31 and end on 2026-02-28 now."]),
    ],
)
def test_data_that_went_on_are_cut_where_the_run_s_ended(tmp_path, until, latest, told):
    spec = project(tmp_path, timezone="Europe/Berlin")
    cut, said = known_until({"until": until}, spec, latest)
    assert said == told
    if told and "go on" in told[0]:
        assert cut.observed_until.isoformat() == "2026-04-01T00:00:00+02:00"
    else:
        assert cut.observed_until is None


def differs(then, now, *, digests=("a", "a"), rows=("5", "5"), code=True):
    whole = {"packages": {}, "metrics": {}}
    return what_differs(whole | then, whole | now, digests=digests, rows=rows, code=code)


def test_nothing_is_said_where_nothing_differs():
    assert differs({}, {}) == []
    assert installed_packages()["python"].startswith("3.")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"digests": ("a", "b"), "rows": ("5", "6")}, "5 labelled rows then, 6 now, digest a then and b now."),
        ({"digests": ("a", "b")}, "The data have changed since: 5 labelled rows, digest a then and b now."),
        ({"code": False}, "The code or the shipped declarations of powerml have changed since."),
    ],
)
def test_rows_and_code_that_changed(said, told):
    (sentence,) = differs({}, {}, **said)
    assert sentence.endswith(told)


def test_versions_and_own_metrics_that_changed():
    then = {"packages": {"lightgbm": "4.6.0", "numpy": "2.1"}, "metrics": {"mine": "x", "old": "y"}}
    now = {"packages": {"lightgbm": "4.7.0", "numpy": "2.1"}, "metrics": {"mine": "z", "new": "y"}}
    assert differs(then, now) == [
        "Other versions: lightgbm was 4.6.0 and is 4.7.0.",
        "The project's own metrics have changed: mine, old, new; today's are used.",
    ]


def test_figures_are_all_the_same_or_the_worst_is_named():
    then = {"card": {"churn/auroc": 0.8, "skill/overall": 0.2}, "auto": {"churn/auroc": 0.9}}
    assert figures_compared(then, then, run="abc") == "All 3 figures of 2 scorers came out as in run abc."
    now = {"card": {"churn/auroc": 0.79, "skill/overall": 0.25}}
    assert figures_compared(then, now, run="abc") == (
        "2 of 2 figures differ from run abc, most skill/overall of card: 0.2 then, 0.25 now. Missing now: auto."
    )
    assert "churn/auroc of card: 0.8 then, gone now" in figures_compared(
        then, {"card": {"skill/overall": 0.2}}, run="a"
    )
    assert figures_compared({}, now, run="abc") == "Run abc keeps no figures to compare with."
