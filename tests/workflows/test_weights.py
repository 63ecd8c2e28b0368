import pytest

from powerml.config.weights import read_weights
from powerml.errors import UsageError
from powerml.scoring.outcome.card_file import weight_files
from powerml.workflows.weights import copy, diff, list_weights, show
from tests.scoring.outcome.test_model import fitted, snapshots


def test_the_five_sets_are_listed_with_a_projects_own(tmp_path):
    folder = tmp_path / "configs" / "weights"
    folder.mkdir(parents=True)
    (folder / "house.yaml").write_text("name: house\nkind: activity\nactions: {logins_30d: 1}\n")
    sets = list_weights(tmp_path).set_index("name")
    assert sets.index.tolist() == [
        "activity", "engagement", "power_user", "power_user_rule", "power_user_signals", "house",
    ]  # fmt: skip
    assert sets.loc["engagement", "document"] == "003_937c1dc49c782a1e"
    assert sets.loc["house", "document"] == "house"
    assert sets["where"].tolist() == [*["shipped"] * 5, "project"]


def test_of_two_sets_of_a_name_the_one_that_counts_is_marked(tmp_path):
    folder = tmp_path / "configs" / "weights"
    folder.mkdir(parents=True)
    text = show("engagement").file.read_text()
    (folder / "engagement.yaml").write_text(text.replace("version: 1", "version: 2", 1))
    sets = list_weights(tmp_path)
    both = sets.loc[sets["name"] == "engagement", ["version", "where"]].to_numpy().tolist()
    assert both == [["1", "shipped, not used: the project's counts"], ["2", "project, used for the shipped one"]]
    assert read_weights("engagement", base=tmp_path).label == "engagement@2"
    assert sets.loc[sets["name"] == "activity", "where"].tolist() == ["shipped"]


def test_a_card_comes_with_its_playbooks():
    card = show("engagement")
    assert len(card.lines) > 50
    champions = card.playbooks[card.playbooks["band"] == "Champions"]
    assert set(champions["team"]) == {"sales", "marketing"}


def test_a_copy_is_edited_and_compared(tmp_path):
    target = copy("engagement", tmp_path / "my_card.yaml")
    spec = read_weights(target)
    assert (spec.label, spec.based_on) == ("my_card@1", "engagement@1")
    assert diff("engagement", str(target)).empty
    text = target.read_text()
    assert '"Daily usage: 15 points"' in text  # the quotes came along
    target.write_text(text.replace("per_unit: -5", "per_unit: -6", 1))
    changed = diff("engagement", str(target))
    assert changed.to_numpy().tolist() == [["deductions.unresolved_tickets.per_unit", "-5", "-6"]]
    assert changed.columns.tolist() == ["setting", "engagement@1", "my_card@1"]


def test_a_copy_of_a_copy_says_what_it_is_based_on(tmp_path):
    first = copy("activity", tmp_path / "first.yaml")
    second = copy(str(first), tmp_path / "second.yaml")
    assert read_weights(second).based_on == "first@1"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("engagement.yaml", "'engagement' cannot name a copy; use small letters, digits and _, and a name of its own"),
        ("My Card.yaml", "'My Card' cannot name a copy"),
        ("card.txt", "a weight set is a YAML file; end the name in .yaml"),
        ("there.yaml", "exists already; choose another name"),
        ("nowhere/card.yaml", "does not exist; make it first"),
    ],
)
def test_a_copy_overwrites_nothing(tmp_path, target, words):
    (tmp_path / "there.yaml").write_text("mine")
    with pytest.raises(UsageError, match=words):
        copy("engagement", tmp_path / target)
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.yaml"]


def test_a_fitted_card_is_listed_shown_copied_and_compared(tmp_path):
    frame, y, _ = snapshots(1500)
    folder = tmp_path / "configs" / "weights"
    folder.mkdir(parents=True)
    (folder / "ours.yaml").write_text(weight_files(fitted(frame, y, head="card", name="ours"))["ours"])
    assert list_weights(tmp_path).set_index("name").loc["ours", "kind"] == "points"
    card = show("ours", base=tmp_path)
    assert card.lines["part"].str.startswith("churn.").any()
    target = copy("ours", tmp_path / "mine.yaml", base=tmp_path)
    assert read_weights(target).based_on == "ours@1"
    text = target.read_text()
    slope = next(line for line in text.splitlines() if line.strip().startswith("slope:"))
    target.write_text(text.replace(slope, slope.split("slope:")[0] + "slope: -0.5", 1))
    changed = diff("ours", str(target), base=tmp_path)
    assert changed["setting"].tolist() == ["heads.churn.slope"]
