"""The shipped declarations: found by name or path, and all of them readable."""

from __future__ import annotations

from pathlib import Path

import pytest

import powerml
from powerml.config import shipped
from powerml.config.reading import read_document
from powerml.errors import UsageError


def test_a_checkout_and_an_editable_install_read_the_one_home():
    assert shipped.configs() == Path(powerml.__file__).parents[1] / "configs"
    assert shipped.configs().is_dir()


def test_the_five_weight_sets_are_there_by_name():
    documented = {"power_user", "power_user_rule", "power_user_signals", "engagement", "activity"}
    assert documented <= set(shipped.names("weights"))


def test_every_shipped_file_is_well_formed():
    files = [path for path in sorted(shipped.configs().rglob("*.yaml")) if ".powerml" not in path.parts]
    assert len(files) > 10
    for path in files:
        assert read_document(path).data, path


def test_a_name_and_a_path(tmp_path):
    assert shipped.find("weights", "engagement").name == "engagement.yaml"
    mine = tmp_path / "mine.yaml"
    mine.write_text("name: mine\n")
    assert shipped.find("weights", "mine.yaml", tmp_path) == mine
    assert shipped.find("weights", str(mine)) == mine


def test_a_projects_own_configs_come_first(tmp_path):
    own = tmp_path / "configs" / "weights"
    own.mkdir(parents=True)
    (own / "engagement.yaml").write_text("name: ours\n")
    (own / "house.yaml").write_text("name: house\n")
    assert shipped.find("weights", "engagement", tmp_path) == own / "engagement.yaml"
    assert shipped.find("weights", "house", tmp_path) == own / "house.yaml"
    assert shipped.find("weights", "activity", tmp_path) == shipped.configs() / "weights" / "activity.yaml"


def test_what_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"no weights named 'engagment'; did you mean 'engagement'\?"):
        shipped.find("weights", "engagment")
    with pytest.raises(UsageError, match="no weights named 'zzz'; there are activity, engagement"):
        shipped.find("weights", "zzz")
    with pytest.raises(UsageError, match=r"mine\.yaml: no such file; check the path"):
        shipped.find("weights", "mine.yaml", tmp_path)
