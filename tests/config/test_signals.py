import pytest

from powerml.config.reading import load
from powerml.config.signals import RuleSpec, SignalsSpec
from powerml.errors import ConfigError


def test_more_signals_cannot_be_needed_than_there_are(tmp_path):
    path = tmp_path / "set.yaml"
    path.write_text("name: mine\nkind: signals\nsignals: {often: active_days_30d >= 20}\nneeded: 2\n")
    with pytest.raises(ConfigError, match="needs 2 of 1 signals; at most all can be met"):
        load(SignalsSpec, path)


def test_a_rule_needs_all_its_conditions(tmp_path):
    path = tmp_path / "set.yaml"
    path.write_text(
        "name: mine\nkind: rule\nconditions: {often: active_days_30d >= 15, broad: {any: [a > 1, b > 1]}}\n"
    )
    spec = load(RuleSpec, path)
    assert spec.least == 2
    assert spec.metrics == ("active_days_30d", "a", "b")


def test_the_joint_rule_says_which_metrics_it_reads(tmp_path):
    path = tmp_path / "set.yaml"
    path.write_text(
        "name: mine\nkind: signals\nsignals: {often: a >= 2}\nneeded: 1\njoint_rule: {all: [b in top 5 %]}\n"
    )
    assert load(SignalsSpec, path).metrics == ("a", "b")
