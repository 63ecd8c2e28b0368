"""What an experiment may say of a custom outcome, and how it is told what is wrong."""

import pytest

from powerml.config.experiment import load_experiment
from powerml.config.outcome import EventOutcome, TargetOutcome, outcome_from
from powerml.config.project import ProjectSpec
from powerml.errors import ConfigError


def outcome(folder, text):
    (folder / "experiment.yaml").write_text(f"outcome: {text}\n")
    return load_experiment(folder / "experiment.yaml").outcome


def test_what_is_declared(tmp_path):
    given = outcome(tmp_path, "{name: advocate, events: {role: [referral, share]}, horizon_days: 60, good: true}")
    assert given == EventOutcome(
        name="advocate", events={"role": ["referral", "share"]}, horizon_days=60, at_least=1, good=True
    )
    assert given.outcomes == ("not_advocate", "advocate")  # worst first
    assert given.words == "at least 1 event with role referral or share in the 60 days from the cutoff"
    assert EventOutcome.model_validate(given.model_dump(mode="json")) == given


def test_a_bad_outcome_is_the_worst_of_the_two(tmp_path):
    given = outcome(
        tmp_path, "{name: complained, events: {event: 'complaint:*', tier: none}, at_least: 2, good: false}"
    )
    assert given.outcomes == ("complained", "not_complained")
    assert given.words.startswith("at least 2 events with event complaint:* and tier none in the 90 days")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{name: fan, events: {rol: referral}, good: true}", "outcome.events: events are not told apart by 'rol'; did"),
        ("{name: fan, events: {role: referal}, good: true}", "no role named 'referal'; did you mean 'referral'?"),
        ("{name: fan, events: {depth: deep}, good: true}", "no depth named 'deep'; there are basic, intermediate"),
        ("{name: fan, events: {}, good: true}", "outcome.events: "),
        ("{name: churn, events: {role: login}, good: false}", "outcome.name: 'churn' has a meaning already; choose"),
        ("{name: not_fan, events: {role: login}, good: false}", "'not_fan' has a meaning already; choose another"),
        ("{name: skill, events: {role: login}, good: false}", "'skill' has a meaning already"),
        ("{name: Fan, events: {role: login}, good: false}", "outcome.name: "),
        ("{name: fan, events: {role: login}}", "outcome: 'good' is missing; add it"),
        ("{name: fan, events: {role: login}, good: yes}", "outcome.good: expected true (a high score is a high chance"),
        ("{name: fan, events: {role: login}, good: true, at_least: 0}", "outcome.at_least: "),
        ("{name: fan, event: {role: login}, good: true}", "outcome.event: unknown key; did you mean 'events'?"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path, text, told):
    with pytest.raises(ConfigError) as caught:
        outcome(tmp_path, text)
    assert told in str(caught.value)
    assert "experiment.yaml:1: " in str(caught.value)


def test_a_project_aimed_at_it_has_its_window_and_no_grace_and_is_another_project():
    project = ProjectSpec(tables={"events": {"files": "e.csv"}, "subscriptions": {"files": "s.csv"}}, vocabulary={})
    aimed = project.for_outcome(EventOutcome(name="fan", events={"role": ["login"]}, horizon_days=45, good=True))
    assert (aimed.outcome.horizon_days, aimed.outcome.grace_days, aimed.outcome_kind) == (45, 0, "behavioural")
    assert aimed.custom_outcome.name == "fan"
    assert (project.outcome.horizon_days, project.outcome_kind, project.custom_outcome) == (90, "contract", None)


def test_a_target_s_outcome_has_a_name_that_may_be_and_comes_back_from_what_a_model_keeps():
    made = TargetOutcome.of_column("Has bought?", good=True, horizon_days=90)
    assert made.outcomes == ("not_has_bought", "has_bought")
    assert TargetOutcome.of_column("churn", good=True, horizon_days=90).name == "target_churn"
    assert TargetOutcome.of_column("2nd", good=True, horizon_days=90).name == "target_2nd"
    assert outcome_from(made.model_dump(mode="json")) == made
