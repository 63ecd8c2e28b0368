"""What a session says of the version it registered."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from powerml.tracking import registry
from powerml.workflows.train_log import next_steps


def version(number=3, model="crm", verdict="skill"):
    tags = {registry.SCORER: "fitted_card", registry.VERDICT: verdict}
    return registry.Version(model, number, "run", "source", tags, (), datetime(2026, 1, 1, tzinfo=UTC))


def data(scored_by="", custom=None):
    return SimpleNamespace(provenance=SimpleNamespace(scored_by=scored_by), custom=custom)


def test_a_challenger_is_scored_with_by_its_alias_and_promoted_by_its_number():
    assert next_steps(version(), None, data=data()) == (
        "Registered crm version 3 (fitted_card) as challenger.",
        "Score with it: powerml score --model crm@challenger -o scores.csv",
        "Make it the champion: powerml promote 3",
    )


def test_what_promote_refuses_by_itself_is_told_with_force():
    assert next_steps(version(verdict="ranks only"), None, data=data())[-1] == (
        "Make it the champion although the verdict on it is 'ranks only': powerml promote 3 --force"
    )


def test_a_first_champion_scores_by_itself():
    assert next_steps(version(), version(), data=data()) == (
        "Registered crm version 3 (fitted_card) as challenger and, there being none, as champion.",
        "Score with it: powerml score -o scores.csv",
    )


@pytest.mark.parametrize(
    ("told", "scored"), [(data("--metrics t.csv "), "--metrics t.csv "), (data(custom="advocate"), "")]
)
def test_what_score_does_not_take_by_itself_is_named(told, scored):
    name = "crm-advocate"
    steps = next_steps(version(model=name), None, data=told)
    assert steps[1:] == (
        f"Score with it: powerml score {scored}--model {name}@challenger -o scores.csv",
        f"Make it the champion: powerml promote {name}@challenger",
    )
    first = next_steps(version(model=name), version(model=name), data=told)
    assert first[1] == f"Score with it: powerml score {scored}--model {name}@champion -o scores.csv"
