import numpy as np
import pytest

from powerml.config import shipped
from powerml.errors import UsageError
from powerml.scoring.load import load_weights, needed_metrics
from tests.scoring.sets import GOLDEN


def test_scores_of_a_changed_rule_carry_its_version(tmp_path):
    """Editing a copy and scoring with it needs no Python; the changed rule is engagement@2."""
    text = shipped.find("weights", "engagement").read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("version: 1", "version: 2", 1).replace("per_unit: -5", "per_unit: -6", 1))
    edited, original = load_weights(mine), load_weights("engagement")
    assert (edited.name, edited.version, edited.kind) == ("engagement", 2, "edited")
    assert (original.name, original.version, original.kind) == ("engagement", 1, "documented")
    difference = original.score_table(GOLDEN)["raw_score"] - edited.score_table(GOLDEN)["raw_score"]
    np.testing.assert_allclose(difference, GOLDEN["tickets_unresolved"])


def test_a_setting_shows_in_version_and_kind():
    assert load_weights("power_user", params={"max_features": 20}).kind == "documented"
    changed = load_weights("engagement", params={"unresolved_tickets.per_unit": -6})
    assert (changed.version, changed.kind) == ("1+unresolved_tickets.per_unit=-6", "edited")


def test_a_projects_own_set_goes_by_its_name(tmp_path):
    folder = tmp_path / "configs" / "weights"
    folder.mkdir(parents=True)
    (folder / "house.yaml").write_text("name: house\nkind: activity\nactions: {logins_30d: 1}\n")
    assert load_weights("house", base=tmp_path).name == "house"


def test_a_metric_that_nobody_declares(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nkind: activity\nactions: {logins_30: 1}\n")
    with pytest.raises(UsageError, match="weight set 'mine': no metric named 'logins_30'; did you mean 'logins_30d'"):
        needed_metrics(load_weights(path))
