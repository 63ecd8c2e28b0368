import pytest

from powerml.config.activity import ActivitySpec
from powerml.config.reading import load
from powerml.errors import ConfigError


def read(tmp_path, more):
    path = tmp_path / "set.yaml"
    path.write_text(f"name: mine\nkind: activity\n{more}")
    return load(ActivitySpec, path)


def test_the_form_of_the_specification_reads(tmp_path):
    spec = read(tmp_path, "actions: {logins_30d: 1, workflows_completed_30d: 5, invites_30d: 8}\nfull_scale: 50")
    assert [action.weight for action in spec.actions.values()] == [1, 5, 8]
    assert (spec.full_scale, spec.window_days, spec.half_life_days) == (50, 30, None)


def test_full_scale_is_auto_unless_declared(tmp_path):
    assert read(tmp_path, "actions: {logins_30d: 1}").full_scale == "auto"


def test_the_window_is_rewritten_in_the_names(tmp_path):
    spec = read(tmp_path, "actions: {logins_30d: 1, teammates_invited: 2}\nwindow_days: 14")
    assert spec.metrics == ("logins_14d", "teammates_invited")
    assert spec.windows == {"logins_14d": (14, 0)}


def test_decay_counts_each_day_apart(tmp_path):
    spec = read(tmp_path, "actions: {logins_30d: 1}\nwindow_days: 7\nhalf_life_days: 2")
    columns = spec.columns["logins_30d"]
    assert columns[0] == ("logins_day_0", 1.0)
    assert columns[2] == ("logins_day_2", 0.5)  # two days old: one half-life
    assert len(columns) == 7
    assert spec.windows["logins_day_6"] == (7, 6)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("actions: {logins_30d: 1}\nwindow_days: 10", r"set\.yaml:4: window_days: expected 7, 14 or 30, got 10"),
        ("actions: {logins_30d: one}", r"actions\.logins_30d.*expected a number, got 'one'"),
        ("actions: {logins_30d: {weight: 1, group: core}}", r"group 'core' is not declared under 'groups'"),
        ("actions: {}", r"actions"),
        ("actions: {invited: 1}\nhalf_life_days: 7", r"'invited' has no window in its name, so it cannot decay"),
        ("actions: {logins_30d: 1}\nfull_scale: 0", r"full_scale"),
    ],
)
def test_a_mistake_names_the_fix(tmp_path, more, words):
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, more)
