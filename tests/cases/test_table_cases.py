"""Ready-made tables that went wrong once: the command of each case, and the right answer."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

CASES = Path(__file__).parent


@pytest.fixture
def case(tmp_path):
    def copied(name: str) -> Path:
        shutil.copytree(CASES / name, tmp_path, dirs_exist_ok=True)
        return tmp_path

    return copied


def trained(powerml, *more):
    ran = powerml("train", "e.yaml", "--table", "t.csv", "--target", "churn", *more)
    assert ran.status == 0, ran.err
    return ran.out


def test_a_column_s_name_is_made_fit_for_mlflow(case, powerml):
    case("13-column-name-mlflow")
    assert "Registered t version 1" in trained(powerml)


def test_no_e_mail_reaches_the_store(case, powerml):
    folder = case("14-emails-in-the-store")
    said = trained(powerml)
    assert "Not used: email (names or addresses of people" in said
    stored = [path for path in (folder / ".powerml").rglob("*") if path.is_file()]
    assert len(stored) > 10
    assert not [path for path in stored if b"@x.com" in path.read_bytes()]


def test_true_is_true_however_it_is_written_and_what_training_did_not_see_is_said(case, powerml):
    folder = case("15-category-spelling-at-scoring")
    trained(powerml)
    table = pd.read_csv(folder / "same.csv")
    ones = table.assign(sso=table["sso"].astype(int))
    ones.to_csv(folder / "ones.csv", index=False)
    table.assign(sso="perhaps").to_csv(folder / "perhaps.csv", index=False)
    scores = {}
    for name in ("same", "x", "ones", "perhaps"):
        ran = powerml("score", "--metrics", f"{name}.csv", "--model", "t@challenger", "-o", f"{name}-scores.csv")
        assert ran.status == 0, ran.err
        assert ("Not seen in training: sso 'perhaps'" in ran.err) == (name == "perhaps")
        scores[name] = pd.read_csv(folder / f"{name}-scores.csv")["score"]
    assert scores["same"].tolist() == scores["x"].tolist() == scores["ones"].tolist()
    assert scores["same"].tolist() != scores["perhaps"].tolist()


def test_dates_across_a_change_of_clocks_are_read(case, powerml):
    case("16-mixed-offsets-time")
    assert "Registered t version 1" in trained(powerml, "--time", "when")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("17-duplicate-header-feature-table", "t.csv: has two columns 'logins'; keep one of them"),
        ("19-huge-number-train", "t.csv: row 3: column 'huge': '1e+300' is too large a number, over 1e+30"),
        (
            "24-money-texts",
            "t.csv: row 2: column 'logins': '$5.251' looks like a number, and is not written as one "
            "(and 299 more rows); write plain numbers, like 5.251, or leave the column out",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_one_sentence(case, powerml, name, message):
    folder = case(name)
    ran = powerml("train", "e.yaml", "--table", "t.csv", "--target", "churn")
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not list((folder / ".powerml").rglob("mlflow.db"))


def test_a_duplicate_header_is_refused_when_scoring_too(case, powerml, tmp_path):
    case("17-duplicate-header-feature-table")
    (tmp_path / "m.csv").write_text("user_id,logins_30d,logins_30d\nu1,1,2\n")
    ran = powerml("score", "--metrics", "m.csv", "--weights", "engagement", "-o", "s.csv")
    assert ran.status == 2
    assert "m.csv: has two columns 'logins_30d'; keep one of them" in ran.err


def test_reserved_names_are_said(case, powerml):
    case("18-reserved-names-dropped")
    said = trained(powerml)
    assert "Not used: label (the name of what happened" in said
    assert "Not used: active (says whom ranks are taken among, and is no feature" in said
    assert "Left out of t.csv: 100 rows without enough_history." in said


def test_a_score_that_stands_twice_is_refused(case, powerml):
    case("22-duplicate-scores-validate")
    ran = powerml("validate", "--scores", "scores.csv", "--labels", "labels.csv")
    assert ran.status == 2
    assert "'0' stands twice at the same cutoff" in ran.err
    assert json.dumps("keep one score per cutoff and id")[1:-1] in ran.err
