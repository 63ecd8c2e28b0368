"""The review loop on the golden project: a sheet goes out, comes back, is read, and its weights are locked."""

import csv
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli.review import command
from powerml.config.project import load_project
from powerml.config.weights import read_weights
from powerml.errors import DataError, UsageError
from powerml.scoring.load import load_weights
from powerml.scoring.model import ScoringModel
from powerml.scoring.named import NamedScorer
from powerml.tracking.due import review_due
from powerml.workflows import review as workflow
from powerml.workflows.review import ScoredPeople, make_sheet, read_review
from powerml.workflows.review_lock import lock, weights_text

GOLDEN = Path(__file__).parents[1] / "golden" / "raw"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = date(2025, 10, 1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "raw"
    shutil.copytree(GOLDEN, folder)
    return folder


@pytest.fixture(scope="module")
def blank(raw):
    """The sheet as it goes out."""
    path = raw / "blank.csv"
    make_sheet(load_project(raw / "powerml.yaml"), path, as_of=DAY, now=NOW)
    return path


@pytest.fixture(scope="module")
def answered(raw, blank):
    """Who has more than 26 % of the score from tenure does not belong there; a00-u0 should."""
    return fill(blank, raw / "answered.csv", lambda row: "no" if float(row["tenure_share"]) >= 26 else "yes", "a00-u0")


@pytest.fixture(scope="module")
def read(raw, answered):
    return read_review(load_project(raw / "powerml.yaml"), answered, now=NOW)


@pytest.fixture
def project(raw, tmp_path):
    """A copy of the project of its own, for what is written to it."""
    shutil.copytree(raw, tmp_path / "raw", ignore=shutil.ignore_patterns(".powerml"))
    return load_project(tmp_path / "raw" / "powerml.yaml")


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(source, target, answer, *missing):
    rows = [row | {"answer": answer(row), "comment": "Ada said so"} for row in rows_of(source)]
    rows += [dict.fromkeys(rows[0], "") | {"user_id": who, "answer": "missing"} for who in missing]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return target


def test_the_sheet_is_the_top_with_parts_and_reasons(blank):
    rows = rows_of(blank)
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 21)]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    parts = ["depth", "tenure", "collaboration", "expansion", "sentiment"]
    for row in rows:
        assert sum(float(row[f"{part}_share"]) for part in parts) == pytest.approx(100, abs=2.5)
        assert row["reasons"].count("points)") == 3
        assert row["account"].startswith("Account ")
        assert row["answer"] == row["comment"] == ""
        assert row["sheet"].startswith("top 20 of 2025-10-01 by weights power_user@1 [")


def test_the_answers_point_at_tenure(read):
    assert read.result.lean["tenure"] < 0
    tenure = read.result.table.query("part == 'tenure' and question == 'no against yes'").iloc[0]
    assert tenure["difference"] > 0
    proposed = read.proposed
    assert proposed.spec.label == "power_user@2"
    assert proposed.spec.dimensions["tenure"].weight < 0.20
    assert sum(d.weight for d in proposed.spec.dimensions.values()) == pytest.approx(1)
    assert list(proposed.moves.loc[proposed.moves["change"] == "enters", "answer"]).count("missing") <= 1
    assert any(s.startswith("Proposed: power_user@2.") and "the top 20" in s for s in read.sentences)


def test_too_few_accounts_compare_to_nothing_sure(read):
    pairs = read.proposed.comparison.pairs
    assert set(pairs["answer"]) == {"cannot tell"}
    assert "accounts with an outcome, of 50 needed" in read.sentences[-1]


def test_rows_about_the_wrong_people_are_all_named(raw, blank, tmp_path):
    path = fill(blank, tmp_path / "wrong.csv", lambda row: "missing" if row["rank"] == "1" else "yes", "a99-u9")
    rows = rows_of(blank)
    text = path.read_text() + f"a01-u5;{';' * 100}\n"
    path.write_text(text.replace("a99-u9", "a06-u00"))
    with pytest.raises(DataError) as error:
        read_review(load_project(raw / "powerml.yaml"), path, now=NOW)
    lines = str(error.value).splitlines()
    assert f"row 2: '{rows[0]['user_id']}' is on the list, so it is not missing; write yes or no" in lines[0]
    assert "row 22: no user_id 'a06-u00' among" in lines[1]
    assert "did you mean 'a06-u0'?" in lines[1]


@pytest.mark.parametrize("name", [pytest.param("engagement", marks=pytest.mark.slow), "power_user_signals"])
def test_other_documented_sets(raw, tmp_path, name):
    project, sheet = load_project(raw / "powerml.yaml"), tmp_path / "sheet.csv"
    make_sheet(project, sheet, weights=name, as_of=DAY, top=10, now=NOW)
    top = max(float(row["score"]) for row in rows_of(sheet))
    filled = fill(sheet, tmp_path / "filled.csv", lambda row: "yes" if float(row["score"]) > 0.9 * top else "no")
    done = read_review(project, filled, step=0.5, now=NOW)
    if name == "power_user_signals":
        assert done.proposed is None
        assert "no weights to move" in done.sentences[-1]
    else:
        assert done.proposed.spec.based_on == f"{name}@1"


def test_a_registered_version_is_judged_and_locked_elsewhere(raw, tmp_path, monkeypatch):
    project, sheet = load_project(raw / "powerml.yaml"), tmp_path / "sheet.csv"
    registered = NamedScorer(ScoringModel(load_weights("engagement")), "golden", "3")
    monkeypatch.setattr(workflow, "from_registry", lambda project, wanted: registered)
    make_sheet(project, sheet, model="golden@champion", as_of=DAY, top=8, now=NOW)
    filled = fill(sheet, tmp_path / "filled.csv", lambda row: "no" if row["rank"] == "3" else "yes")
    done = read_review(project, filled, now=NOW)
    assert done.sheet.origin.label == "golden@3"
    assert done.sheet.origin.wanted == "3"
    assert done.sentences[-1] == (
        "golden@3 is the weight set engagement; to edit and lock it, review that: --weights engagement."
    )
    with pytest.raises(UsageError, match="models are locked by 'powerml promote'"):
        lock(project, filled, now=NOW)


def test_a_proposal_is_a_weight_set_as_any_other(read, tmp_path):
    for spec in (read.proposed.spec, read_weights("engagement"), read_weights("activity")):
        path = tmp_path / f"{spec.name}.yaml"
        path.write_text(weights_text(spec, "A comment."))
        assert read_weights(str(path)) == spec


def test_locking(project, answered, read, tmp_path):
    edited = tmp_path / "new.yaml"
    edited.write_text(weights_text(read.proposed.spec, "Proposed."))
    done = lock(project, answered, edited, now=NOW)
    assert done.file == project.base / "configs" / "weights" / "power_user.yaml"
    assert read_weights("power_user", base=project.base).label == "power_user@2"
    (entry,) = yaml.safe_load(done.history.read_text())
    assert sum(entry["answers"].values()) == 21
    assert entry["answers"]["missing"] == 1
    changed = entry["changed"]["dimensions.tenure.weight"]
    assert (changed["before"], changed["after"]) == (0.2, read.proposed.spec.dimensions["tenure"].weight)
    assert (entry["reviewed"], entry["weights"]) == ("power_user@1", "power_user@2")
    later = NOW + timedelta(days=92)
    assert review_due("power_user", project, now=NOW) == ()
    assert [s.split(":")[0] for s in review_due("power_user", project, now=later)] == [
        f"The review of power_user@2 was due by {entry['review_again_by']}"
    ]
    history = done.history.read_text()
    assert "a00-u0" not in history
    assert "Ada" not in history
    left = sorted(p.relative_to(project.base).as_posix() for p in (project.base / "configs").rglob("*") if p.is_file())
    assert left == ["configs/reviews/power_user.yaml", "configs/weights/power_user.yaml"]
    with pytest.raises(
        UsageError, match=r"was made with power_user@1, which has been changed since \(now power_user@2"
    ):
        lock(project, answered, edited, now=NOW)


def test_the_weights_as_they_stand_can_be_locked(project, answered):
    done = lock(project, answered, now=NOW)
    assert done.entry["changed"] == {}
    assert read_weights("power_user", base=project.base) == read_weights("power_user")
    assert "as it stood" in done.sentence
    lock(project, answered, now=NOW)
    assert len(yaml.safe_load(done.history.read_text())) == 2


def test_a_lock_that_was_killed_between_record_and_weights_is_completed_by_the_next(project, answered, read, tmp_path):
    edited = tmp_path / "new.yaml"
    edited.write_text(weights_text(read.proposed.spec, "Proposed."))
    whole = lock(project, answered, edited, now=NOW)
    told = whole.history.read_text()
    whole.file.unlink()  # as the kill would have left it: the record takes its place first
    again = lock(project, answered, edited, now=NOW)
    assert again.history.read_text() == told
    assert read_weights("power_user", base=project.base).label == "power_user@2"


def test_a_changed_file_is_not_locked_over(project, answered, read, tmp_path):
    edited = tmp_path / "new.yaml"
    edited.write_text(weights_text(read.proposed.spec, "Proposed."))
    own = project.base / "configs" / "weights" / "power_user.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(edited.read_text().replace("version: 2", "version: 7"))
    before = own.read_text()
    with pytest.raises(UsageError, match="has been changed since"):
        lock(project, answered, edited, now=NOW)
    assert own.read_text() == before
    assert not (project.base / "configs" / "reviews").exists()


def test_what_does_not_follow_from_the_sheet_is_not_locked(project, answered, blank, read, tmp_path):
    edited = tmp_path / "new.yaml"
    text = weights_text(read.proposed.spec, "Proposed.")
    for changed, words in (
        (
            text.replace("based_on: power_user@1", "based_on: power_user@3"),
            "based on power_user@3, and the sheet is about",
        ),
        (text.replace("name: power_user\n", "name: other\n", 1), "lock a set with 'name: power_user'"),
    ):
        edited.write_text(changed)
        with pytest.raises(UsageError, match=words):
            lock(project, answered, edited, now=NOW)
    with pytest.raises(UsageError, match="holds no answer yet"):
        lock(project, blank, now=NOW)
    assert not (project.base / "configs").exists()


def test_a_folder_that_cannot_be_written_leaves_nothing(project, answered):
    (project.base / "configs").mkdir()
    (project.base / "configs" / "reviews").write_text("a file in the way")
    with pytest.raises(DataError, match="cannot be written"):
        lock(project, answered, now=NOW)
    assert [p.name for p in (project.base / "configs").rglob("*") if p.is_file()] == ["reviews"]


def run(*words):
    return CliRunner().invoke(command, [str(word) for word in words])


def test_the_command_from_sheet_to_lock(project, tmp_path):
    config, sheet, new = project.base / "powerml.yaml", tmp_path / "sheet.csv", tmp_path / "new.yaml"
    out = run("sheet", "-c", config, "-o", sheet, "--as-of", DAY, "--top", 12)
    assert out.exit_code == 0, out.output
    assert f"powerml review read {sheet}" in out.output
    filled = fill(sheet, tmp_path / "filled.csv", lambda row: "no" if int(row["rank"]) % 4 == 0 else "yes")
    out = run("read", filled, "-c", config, "-o", new, "--json", "--step", 0.5)
    assert out.exit_code == 0, out.output
    told = json.loads(out.stdout)
    assert told["answers"] == {"yes": 9, "no": 3, "missing": 0}
    assert told["proposed"]["weights"]["version"] == 2
    out = run("lock", filled, new, "-c", config)
    assert out.exit_code == 0, out.output
    assert "power_user@2 is locked" in out.output
    assert not (project.base / ".powerml" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shet",), "no such action; did you mean 'sheet'?"),
        ((), "no such action; there are sheet, read, lock"),
        (("read",), "powerml review read: expected SHEET.csv"),
        (("sheet",), "say where to write it"),
        (("read", "a.csv", "--top", "5"), "--top is for 'powerml review sheet', not for read"),
        (("lock", "a.csv", "-o", "b.csv"), "leave -o out"),
    ],
)
def test_words_that_make_no_sense(words, message):
    error = run(*words).exception
    assert isinstance(error, UsageError)
    assert message in str(error)


def test_a_user_without_an_account_is_not_taken_for_the_account_of_that_name():
    rows = pd.DataFrame({"user_id": ["acme", "u2"], "account_id": [None, "acme"]})
    nothing = dict.fromkeys(("opened", "scorer", "spec", "origin", "scores", "parts", "everybody", "vocabulary"))
    people = ScoredPeople(project=SimpleNamespace(id_column="user_id"), rows=rows, **nothing)
    assert people.accounts.tolist() == ["user acme", "acme"]
