import json

import pytest

from powerml.config import shipped
from powerml.config.weights import KINDS, changes_rule, differences, override, read_weights, settable
from powerml.errors import ConfigError, UsageError

SHIPPED = ("activity", "engagement", "power_user", "power_user_rule", "power_user_signals")


def copied(tmp_path, old="", new=""):
    """A copy of the shipped engagement set with some words replaced."""
    path = tmp_path / "mine.yaml"
    path.write_text(shipped.find("weights", "engagement").read_text().replace(old, new))
    return path


def test_the_five_documented_sets_ship():
    assert tuple(shipped.names("weights")) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_of_the_documents_is_quoted(name):
    from powerml.scoring.documented.table import card_table

    spec = read_weights(name)
    ours = {"params", "limits", "score", "window_days", "full_scale", "groups", "power_user", "top_share"}
    lines = card_table(spec)
    said = lines[~lines["part"].isin(ours) & ~lines["when"].str.endswith("null") & ~lines["when"].eq("else")]
    assert spec.source is not None
    assert spec.source.document
    assert (said["document"] != "").all()
    assert said.loc[said["quote"].eq(""), "part"].tolist() == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_set_is_the_same_after_json(name):
    spec = read_weights(name)
    dumped = json.loads(json.dumps(spec.model_dump(mode="json", by_alias=True, exclude_none=True)))
    assert KINDS[spec.kind].model_validate(dumped) == spec


def test_a_set_may_be_json(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(
        '{"name": "mine", "kind": "activity", "actions": {"logins_30d": 1}, "bands": {"50": "High", "0": "Low"}}'
    )
    assert read_weights(path).bands.names == ("High", "Low")


def test_bands_may_be_named(tmp_path):
    assert read_weights(copied(tmp_path)).bands.name == "engagement"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: mine\n", r"mine\.yaml:1: kind: 'kind' is missing; there are points, composite, activity, rule"),
        (
            "name: mine\nkind: point\n",
            r"mine\.yaml:2: kind: no kind of weight set named 'point'; did you mean 'points'",
        ),
        (
            "name: mine\nkind: activity\nactions: {a: 1}\nbands: engagment\n",
            r"yaml:4: bands: .*did you mean 'engagement'",
        ),
        ("name: My Card\nkind: activity\nactions: {a: 1}\n", r"name: expected small letters, digits and underscores"),
    ],
)
def test_a_broken_file_names_its_line(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_weights(path)


def test_an_unknown_name_lists_the_sets():
    with pytest.raises(UsageError, match="no weights named 'zzz'; there are activity, engagement, power_user"):
        read_weights("zzz")


def test_a_changed_rule_needs_a_name_or_version_of_its_own(tmp_path):
    path = copied(tmp_path, "points: 15", "points: 14")
    with pytest.raises(ConfigError, match="engagement@1 is a shipped set and this file differs from it"):
        read_weights(path)
    path.write_text(path.read_text().replace("version: 1", "version: 2"))
    assert read_weights(path).label == "engagement@2"


def test_an_unchanged_copy_keeps_its_name(tmp_path):
    assert read_weights(copied(tmp_path)).label == "engagement@1"


class TestSettings:
    def test_a_declared_parameter(self):
        spec = override(read_weights("power_user"), {"max_features": 20})
        assert spec.params["max_features"] == 20
        assert spec.label == "power_user@1+max_features=20"

    @pytest.mark.parametrize(
        ("name", "setting", "value", "read"),
        [
            ("engagement", "unresolved_tickets.per_unit", -7, lambda s: s.deductions["unresolved_tickets"].per_unit),
            ("engagement", "deductions.deactivations.per_unit", -7, lambda s: s.deductions["deactivations"].per_unit),
            ("engagement", "frequency.steps.0.points", 20, lambda s: s.parts["frequency"].steps[0].points),
            ("engagement", "team_growth.rungs.0.points", 1, lambda s: s.parts["team_growth"].rungs[0].points),
            ("power_user", "depth.terms.2.full_at", 5, lambda s: s.dimensions["depth"].terms[2].full_at),
            ("activity", "full_scale", 50, lambda s: s.full_scale),
            ("activity", "window_days", 14, lambda s: s.window_days),
            ("activity", "half_life_days", 7, lambda s: s.half_life_days),
            ("activity", "invites_30d", 9, lambda s: s.actions["invites_30d"].weight),
            ("activity", "actions.invites_30d.weight", 9, lambda s: s.actions["invites_30d"].weight),
            ("power_user_rule", "top_share", 0.2, lambda s: s.top_share),
            ("power_user_signals", "needed", 3, lambda s: s.needed),
            ("power_user_signals", "joint_rule.all.1.share", 0.1, lambda s: s.joint_rule.all_of[1].share),
        ],
    )  # fmt: skip
    def test_any_number_by_its_path(self, name, setting, value, read):
        original = read_weights(name)
        changed = override(original, {setting: value})
        assert read(changed) == value != read(original)
        assert len(differences(original, changed)) == 1

    def test_an_unknown_parameter_names_those_there_are(self):
        with pytest.raises(
            UsageError, match="power_user@1 has no parameter 'max_featurs'; did you mean 'max_features'"
        ):
            override(read_weights("power_user"), {"max_featurs": 20})
        with pytest.raises(UsageError, match="there are logins_30d, workflows_completed_30d, invites_30d, full_scale"):
            override(read_weights("activity"), {"zzz": 20})

    @pytest.mark.parametrize(
        ("name", "settings", "words"),
        [
            ("power_user", {"depth.weight": 0.4}, r"the weights of the dimensions sum to 1\.1; make them sum to 1"),
            ("engagement", {"frequency.steps.0.from": 2}, r"'from' must fall from step to step"),
            ("activity", {"window_days": 10}, r"window_days: input should be 7, 14 or 30"),
            ("activity", {"full_scale": float("nan")}, r"full_scale=nan is no number to score with"),
        ],
    )
    def test_a_value_with_which_the_set_does_not_hold_together(self, name, settings, words):
        with pytest.raises(UsageError, match=words):
            override(read_weights(name), settings)

    @pytest.mark.parametrize("name", SHIPPED)
    def test_every_settable_number_can_be_set_to_what_it_is(self, name):
        spec = read_weights(name)
        for setting, value in settable(spec).items():
            if not isinstance(value, str):
                assert override(spec, {setting: value}).model_copy(update={"version": 1}) == spec

    def test_parameters_leave_the_rule_as_documented(self):
        assert not changes_rule(read_weights("power_user"), {"max_features": 20, "max_advanced": 5})
        assert not changes_rule(read_weights("activity"), {"full_scale": 50, "window_days": 7})
        assert changes_rule(read_weights("activity"), {"invites_30d": 9})
        assert changes_rule(read_weights("engagement"), {"frequency.steps.0.points": 20})


def test_differences_name_the_settings_and_no_words(tmp_path):
    path = copied(tmp_path, "points: 12,", "points: 11,")
    path.write_text(path.read_text().replace("name: engagement", "name: mine", 1))
    assert differences(read_weights("engagement"), read_weights(path)) == [
        ("parts.frequency.steps.1.points", "12", "11")
    ]
