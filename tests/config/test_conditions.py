import pytest
from pydantic import TypeAdapter, ValidationError

from powerml.config.conditions import Comparator, Condition, Criterion, TopShare


@pytest.mark.parametrize("text", ["active_days_30d >= 15", "a < b", "usage_change_90d <= -0.2", "x in top 5 %"])
def test_a_condition_is_written_as_it_is_read(text):
    condition = TypeAdapter(Condition).validate_python(text)
    assert str(condition) == text
    assert TypeAdapter(Condition).validate_python(condition.model_dump()) == condition


def test_top_five_percent_is_a_share():
    assert TopShare.model_validate("key_actions_30d in top 5 %").share == 0.05


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("active_days_30d = 15", r"is no comparison; write it like 'active_days_30d >= 15'"),
        ("key_actions_30d in top ten", r"is no rank; write it like 'key_actions_30d in top 5 %'"),
        ("x in top 100 %", r"less than 1"),
    ],
)
def test_a_sentence_that_is_no_condition(text, words):
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(Condition).validate_python(text)


def test_a_criterion_may_be_one_condition():
    criterion = Criterion.model_validate("active_days_30d >= 15")
    assert criterion.any_of == (Comparator.model_validate("active_days_30d >= 15"),)


def test_metrics_are_named_once():
    criterion = Criterion.model_validate({"any": ["a in top 10 %", "a >= 20", "a > b"]})
    assert criterion.metrics == ("a", "b")
