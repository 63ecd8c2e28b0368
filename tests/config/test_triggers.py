import pytest

from powerml.config.conditions import Comparator, TopShare
from powerml.config.shipped import names
from powerml.config.triggers import ChangeTrigger, Named, TriggerSpec, load_triggers
from powerml.errors import ConfigError


def when(*conditions):
    return TriggerSpec.model_validate({"name": "it", "when": list(conditions), "action": "call"}).when


def test_conditions_are_read_as_they_are_said_and_said_as_they_are_read():
    said = ["score >= 80", "key_actions_30d in top 5 %", "tier is Champions or Power Users", "events_30d fell by 30 %"]
    read = when(*said)
    assert [type(condition) for condition in read] == [Comparator, TopShare, Named, ChangeTrigger]
    assert [str(condition) for condition in read] == said


def test_one_condition_needs_no_list():
    assert len(TriggerSpec.model_validate({"name": "it", "when": "score >= 80", "action": "call"}).when) == 1


def test_a_trigger_knows_its_columns():
    spec = TriggerSpec.model_validate(
        {"name": "it", "when": ["a >= b", "tier is X", "a fell by 5 %"], "action": "call"}
    )
    assert spec.columns == ("a", "b", "tier")


def test_shipped_triggers_load_and_say_where_they_come_from():
    for path in names("triggers").values():
        for trigger in load_triggers(path):
            assert trigger.source.quote


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {name: it, when: [score over 80], action: call}", "'score over 80' is no condition; write it like"),
        (
            "- {name: it, when: [score >= 80], acton: call, action: x}",
            ":2: triggers.0.acton: unknown key; did you mean 'action'?",
        ),
        ("- {name: it, when: [score >= 80]}", "'action' is missing; add it"),
        ("- {name: it, when: [score >= 80], needed: 2, action: call}", "needs 2 of 1 conditions; at most all can hold"),
        (
            "- {name: it, when: [score >= 80], action: call}\n- {name: it, when: [score >= 90], action: call}",
            "the trigger 'it' stands twice; name each once",
        ),
    ],
)
def test_a_broken_trigger_names_its_line(tmp_path, text, words):
    path = tmp_path / "triggers.yaml"
    path.write_text(f"triggers:\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_triggers(path)
    assert words in str(error.value)
