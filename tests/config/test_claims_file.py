"""Broken claim files are told with file and line, all problems at once."""

import pytest

from powerml.config.claims import load_claims
from powerml.config.shipped import names
from powerml.errors import ConfigError, DataError


def write(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text("document: made up\n" + text, encoding="utf-8")
    return path


def told(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        load_claims(write(tmp_path, text))
    return str(error.value)


def test_the_form_of_the_contract_is_read(tmp_path):
    """The sample, word for word in its keys."""
    claims = load_claims(
        write(
            tmp_path,
            """scored: 15000
outcomes: {churn: 523, stay: 11847, expand: 1630}
accuracy: 0.84
rule: {churn_below: 30, expand_above: 70}
bands:
  - {name: High Risk, from: 0, n: 1847, churn: 0.71, stay: 0.24, expand: 0.05}
  - {name: At Risk, from: 30, n: 3210, churn: 0.38, stay: 0.54, expand: 0.08}
associations:
  - {metric: declining usage, outcome: churn, share_in: 0.73, share_out: 0.21, correlation: 0.71}
  - {metric: days since core feature, outcome: churn, mean_in: 32, mean_out: 4, correlation: 0.68}
metrics: {tested: 37, kept: 15, named: 10}
""",
        )
    )
    assert claims.scored.value == 15000
    assert claims.outcomes.total == 14000
    assert [band.from_ for band in claims.bands] == [0, 30]


def test_all_shipped_files_load():
    assert sorted(names("claims")) == ["engagement", "power_user", "power_user_rule", "power_user_signals"]
    for path in names("claims").values():
        assert load_claims(path).document


def test_a_figure_may_carry_its_place(tmp_path):
    claims = load_claims(write(tmp_path, "scored: {value: 9, source: {section: Intro, quote: nine}}\n"))
    assert [source.quote for source in claims.scored.sources] == ["nine"]


def test_a_lone_number_is_a_range_of_one(tmp_path):
    claims = load_claims(write(tmp_path, "concentration: [{what: actions, top: 0.1, share: [0.5, 0.8]}]\n"))
    assert claims.concentration[0].top == (0.1, 0.1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accuraccy: 0.8\n", r":2: accuraccy: unknown key; did you mean 'accuracy'?"),
        ("accuracy: 84\n", "should be less than or equal to 1, got 84"),
        ("scored: many\n", ":2: scored: expected a whole number, got 'many'"),
        ("outcomes: {churn: 1, stay: 2}\n", ":2: outcomes: 'expand' is missing; add it"),
        ("outcomes: {churn: 0, stay: 0, expand: 0}\n", ":2: outcomes: all counts are 0"),
        ("rule: {churn_below: 70, expand_above: 30}\n", "'expand_above' (30) lies below 'churn_below' (70)"),
        (
            "bands:\n- {name: a, from: 0, n: 3, churn: 1.2, stay: 0, expand: 0}\n",
            "should be less than or equal to 1, got 1.2",
        ),
        (
            "bands:\n- {name: a, from: 0, n: 3, churn: 1, stay: 0, expand: 0}\n"
            "- {name: b, from: 0, n: 3, churn: 1, stay: 0, expand: 0}\n",
            ":2: bands: 'from' must rise (or fall) from entry to entry, got ['0', '0']",
        ),
        (
            "associations:\n- {metric: x, outcome: churn, share_in: 0.4, correlation: 0.3}\n",
            ":3: associations.0: 'share_in' stands without 'share_out'; give both",
        ),
        (
            "associations:\n- {metric: x, outcome: churned, correlation: 0.3}\n",
            ":3: associations.0.outcome: expected 'churn', 'stay' or 'expand', got 'churned'; did you mean 'churn'?",
        ),
        (
            "associations:\n- {metric: x, outcome: churn, correlation: 0.3, times_the_rate: 3}\n",
            "'times_the_rate' needs 'share_in' and 'share_out'",
        ),
        (
            "segments: [{name: Power, n: 3, revenue: 1, expand: 0.1, churn: 0.1}]\n"
            "multiples: [{measure: revenue, of: Powr, times: 3}]\n",
            "no segment 'Powr'; did you mean 'Power'?",
        ),
        ("multiples: [{measure: revenue, of: Power, times: 3}]\n", "no segment 'Power'; the file has no 'segments'"),
        (
            "multiples: [{measure: revenue, of: x, unit: account, times: [5, 3]}]\n",
            ":2: multiples.0.times: the range runs from 5 down to 3; write the lower end first",
        ),
        ("concentration: [{what: a, top: 0, share: 0.5}]\n", "must rise and lie between 0 and 1"),
        ("example: {weights: {a: 1}, dimensions: {b: 5}, score: 5}\n", "only in one: ['a', 'b']"),
        ("", "has no claims; add what the document prints"),
    ],
)
def test_a_broken_claim_names_its_line(tmp_path, text, words):
    assert words in told(tmp_path, text)


def test_all_problems_are_told_at_once(tmp_path):
    message = told(tmp_path, "accuracy: 84\nscored: -1\nbnads: []\n")
    assert message.count("\n") == 2


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.yaml: no such file; check the path"):
        load_claims(tmp_path / "none.yaml")
