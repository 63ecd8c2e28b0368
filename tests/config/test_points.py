import pytest

from powerml.config.points import PointsSpec
from powerml.config.reading import load
from powerml.errors import ConfigError

CARD = """\
name: my_card
kind: points
parts:
  recency: {{{recency}}}
"""
GOOD = "metric: days_since_last_active, missing: 0, steps: [{from: 7, points: 2}, {points: 10}]"


def card(tmp_path, recency=GOOD, more=""):
    path = tmp_path / "card.yaml"
    path.write_text(CARD.format(recency=recency) + more)
    return path


def test_the_form_of_the_specification_reads(tmp_path):
    text = """\
name: my_card
version: 1
kind: points
bands: {90: Champions, 70: Healthy, 50: Stable, 30: At Risk, 0: High Risk}
parts:
  frequency: {metric: active_days_per_week_28d, missing: 3, steps: [{from: 5, points: 15}, {from: 3, points: 12}, {from: 1, points: 8}, {points: 3}]}
deductions:
  unresolved_tickets: {metric: tickets_unresolved, per_unit: -5}
  high_error_rate: {metric: errors_per_session_30d, steps: [{from: 5, points: -10}, {points: 0}]}
limits: {max: 100, min: 0}
"""  # noqa: E501
    path = tmp_path / "card.yaml"
    path.write_text(text)
    spec = load(PointsSpec, path)
    assert spec.label == "my_card@1"
    assert spec.metrics == ("active_days_per_week_28d", "tickets_unresolved", "errors_per_session_30d")
    assert spec.bands.names[0] == "Champions"


@pytest.mark.parametrize(
    ("recency", "words"),
    [
        (
            GOOD.replace("missing", "mising"),
            r"card\.yaml:4: parts\.recency\.mising: unknown key; did you mean 'missing'",
        ),
        (GOOD.replace("missing: 0, ", ""), r"card\.yaml:4: parts\.recency: 'missing' is missing; add it"),
        (GOOD.replace("points: 2", "points: ten"), r"steps\.0\.points: expected a number, got 'ten'"),
        (
            GOOD.replace("{points: 10}", "{from: 1, points: 10}"),
            r"the last step must have no 'from', so that values below 1 score too",
        ),
        (
            "metric: a, missing: 0, steps: [{from: 1, points: 2}, {from: 7, points: 3}, {points: 1}]",
            r"'from' must fall from step to step, got \['1', '7'\]",
        ),
        (
            "metric: a, missing: 0, steps: [{points: 2}, {points: 1}]",
            r"only the last step goes without 'from'; give the others their edge",
        ),
        (
            "missing: {when: any, points: 0}, rungs: [{when: a > 1, points: 2}, {when: a > 0, points: 1}]",
            r"every rung but the last needs 'when', and the last must have none",
        ),
        (
            "missing: {when: any, points: 0}, rungs: [{when: a is 1, points: 2}, {points: 1}]",
            r"'a is 1' is no comparison; write it like",
        ),
    ],
)
def test_a_mistake_names_its_line_and_the_fix(tmp_path, recency, words):
    with pytest.raises(ConfigError, match=words):
        load(PointsSpec, card(tmp_path, recency))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("deductions: {risk: {metric: a, per_unit: 5}}", r"deductions\.risk\.per_unit: input should be less than 0"),
        ("deductions: {risk: {metric: a, steps: [{points: 5}]}}", r"a deduction gives more than 0 points"),
        ("deductions: {recency: {metric: a, per_unit: -5}}", r"'recency' is both a part and a deduction; rename one"),
        ("limits: {max: 10, min: 20}", r"min 20 is not below max 10"),
        ("predicted: {churn_below: 70, expand_above: 30}", r"churn_below 70 lies above expand_above 30"),
        ("sections: {health: [recensy]}", r"section 'health' names 'recensy', which is no part"),
    ],
)
def test_what_does_not_hold_together(tmp_path, more, words):
    with pytest.raises(ConfigError, match=words):
        load(PointsSpec, card(tmp_path, more=more))


def test_a_deduction_forgives_a_null_unless_told_otherwise(tmp_path):
    spec = load(PointsSpec, card(tmp_path, more="deductions: {risk: {metric: a, per_unit: -5}}"))
    assert spec.deductions["risk"].missing == 0
